"""What an indicator is: its seven types, the one spelling of each value, and the rules of the service.

`Canonicaliser` turns a row in Microsoft's spelling into an `Indicator` with the bytes to send, or a `Rejection` that
says why not. Everything here is a function of plain data.
"""

from defender_indicators.indicators.api import row_from_api, row_to_api
from defender_indicators.indicators.canonical import Canonicaliser, Indicator, Policy, Rejection
from defender_indicators.indicators.codes import CODES
from defender_indicators.indicators.inference import infer_type, matching_key

__all__ = [
    "CODES",
    "Canonicaliser",
    "Indicator",
    "Policy",
    "Rejection",
    "infer_type",
    "matching_key",
    "row_from_api",
    "row_to_api",
]
