"""The command line: reads options and files, runs actions, shows what came of them.

It never builds a path of its own to Defender: every command ends in ``run_action`` or in run control, and gets the
report that any other door would get. Nothing heavy is imported until a command needs it.
"""

from defender_indicators.cli.entry import main

__all__ = ["main"]
