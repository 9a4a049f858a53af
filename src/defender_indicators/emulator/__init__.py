"""A stateful Microsoft Defender Indicators API on loopback: the oracle of the tests, and the other end of the demo.

It keeps indicators under a chosen identity model, enforces the documented limits, signs callers in the way Microsoft
Entra does, misbehaves on request (see :mod:`defender_indicators.emulator.faults`) and remembers every call.
It judges rows by its own reading of the documentation and shares no rule with the pack.
"""

from defender_indicators.emulator.arrivals import Arrival
from defender_indicators.emulator.serve import serve
from defender_indicators.emulator.server import Emulator
from defender_indicators.emulator.settings import Settings

__all__ = ["Arrival", "Emulator", "Settings", "serve"]
