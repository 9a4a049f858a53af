"""Threat indicators into Microsoft Defender for Endpoint, delivered so that none is lost, doubled or misreported.

Every door (command line, playbook task, schedule, HTTP, a foreign SOAR) ends in one call:
``run_action(pack, name, inputs, context)``, and gets the same structured outputs back.
An indicator that Defender refuses is data in those outputs, never an exception.
"""

__version__ = "0.1.0"
