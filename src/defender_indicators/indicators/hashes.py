"""File hashes and certificate thumbprints: lower-case hex; the schema counts the digits."""

from __future__ import annotations

import re

from defender_indicators.indicators.refang import fold, trim

SEPARATORS = "separators between the digits removed"

_PAIRS = re.compile(r"[0-9A-Fa-f]{2}(?:[ :-][0-9A-Fa-f]{2})+", re.ASCII)


def file_hash(value: str, notes: list[str]) -> str:
    """Return the hash in lower case, trimmed.

    Raises:
        Refused: ``bad_characters``.
    """
    if value.isalnum() and value.isascii():
        return value.lower()
    return fold(trim(value, notes), notes).lower()


def thumbprint(value: str, notes: list[str]) -> str:
    """Return the thumbprint in lower case, without the colons and spaces certificate tools print.

    Raises:
        Refused: ``bad_characters``.
    """
    text = file_hash(value, notes)
    if _PAIRS.fullmatch(text):
        notes.append(SEPARATORS)
        text = text.replace(":", "").replace(" ", "").replace("-", "")
    return text
