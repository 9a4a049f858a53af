"""Delivery: how an indicator gets from a plan to a confirmed row in the tenant, not lost, doubled or misreported.

A plan is written to the ledger, a state machine decides what to send and what every answer means, and a thin shell of
threads carries the bytes. A kill at any point leaves a ledger that the next process resumes from.
"""

from defender_indicators.delivery.answer import Answer, Call, Failure, Transport
from defender_indicators.delivery.codes import CODES
from defender_indicators.delivery.control import Delivery
from defender_indicators.delivery.deliverable import Progress
from defender_indicators.delivery.health import Timing
from defender_indicators.delivery.ledger import Ledger
from defender_indicators.delivery.limiter import Window
from defender_indicators.delivery.outcome import OUTCOMES, STATUSES
from defender_indicators.delivery.plan import BadRow, Limits, Plan, RowStream
from defender_indicators.delivery.report import Report
from defender_indicators.delivery.sender import Stop

__all__ = [
    "CODES",
    "OUTCOMES",
    "STATUSES",
    "Answer",
    "BadRow",
    "Call",
    "Delivery",
    "Failure",
    "Ledger",
    "Limits",
    "Plan",
    "Progress",
    "Report",
    "RowStream",
    "Stop",
    "Timing",
    "Transport",
    "Window",
]
