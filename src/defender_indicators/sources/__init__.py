"""Readers: one pure, streaming function per file format.

Each turns bytes into rows in Microsoft's spelling, or into a ``BadRow`` that says which line is wrong and why.
Line formats need constant memory; a whole JSON document is capped. What a row *means* is judged later, by the
canonicaliser: a reader only says what is written.
"""

from defender_indicators.sources.expiry import parse_expiry
from defender_indicators.sources.opening import Source, open_source
from defender_indicators.sources.row import CODES, FORMATS, Row

__all__ = ["CODES", "FORMATS", "Row", "Source", "open_source", "parse_expiry"]
