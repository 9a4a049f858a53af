"""Readers: one pure, streaming function per file format, and what makes rows of what they find.

Each reader turns bytes into rows in Microsoft's spelling or into indicators as observed, of which a policy makes rows,
or into a ``BadRow`` that says which entry is wrong and why. Line formats need constant memory; whole documents are
capped. What a row *means* is judged later, by the canonicaliser: a reader only says what is written.
"""

from defender_indicators.sources.coverage import Coverage
from defender_indicators.sources.expiry import parse_expiry
from defender_indicators.sources.extraction import extracted, indicators_of
from defender_indicators.sources.observed import Dropped, Facts, Observed, SourceCutOff
from defender_indicators.sources.opening import open_source
from defender_indicators.sources.policy import Policy, load_policy, shipped_policy
from defender_indicators.sources.row import CODES, FORMATS, Row
from defender_indicators.sources.source import Source

__all__ = [
    "CODES",
    "FORMATS",
    "Coverage",
    "Dropped",
    "Facts",
    "Observed",
    "Policy",
    "Row",
    "Source",
    "SourceCutOff",
    "extracted",
    "indicators_of",
    "load_policy",
    "open_source",
    "parse_expiry",
    "shipped_policy",
]
