"""What is held back before it hurts: the guard judges every row that would block something, and every large change.

`Guard` judges one canonical row by a list of what must never be blocked and by the MISP warninglists; `brakes` judges
how much one run may change. A hold is data (`Hold`, with one of `CODES`), released by an approval unless it is hard.
"""

from defender_indicators.guard import brakes
from defender_indicators.guard.codes import CODES, Hold
from defender_indicators.guard.judge import Guard
from defender_indicators.guard.settings import GuardSettings
from defender_indicators.guard.warninglists import Warninglists

__all__ = ["CODES", "Guard", "GuardSettings", "Hold", "Warninglists", "brakes"]
