"""Loads a pack, checks it and runs its actions.

A pack is a folder with a ``plugin.yaml``: manifests, handlers, connectors and schemas, checked as a whole before any
of its code runs. ``run_action`` is the one door through which every caller goes.
"""

from defender_indicators.pack.action import Action
from defender_indicators.pack.content import content_root
from defender_indicators.pack.pack import Connector, Pack, validate
from defender_indicators.pack.run import run_action

__all__ = ["Action", "Connector", "Pack", "content_root", "run_action", "validate"]
