"""What every reader yields, and the words for what a line can have wrong."""

from __future__ import annotations

from typing import Any, TypeAlias

from defender_indicators.delivery import BadRow

Row: TypeAlias = dict[str, Any] | BadRow
"""A row in Microsoft's spelling, or the reason why there is none."""

FORMATS = {
    "json": 'Microsoft\'s request body {"Indicators": [...]} or a JSON list of rows',
    "ndjson": "one JSON object a line",
    "portal-csv": "the CSV of the Defender portal, columns found by their names",
    "values": "one value a line, type inferred; blank lines and # comments are skipped",
}

CODES = {
    "bad_characters": "The line holds a NUL character. Save the file as plain UTF-8 text.",
    "bad_csv": "The line does not fit its header: a quote that never closes, or too few or too many cells.",
    "bad_encoding": "The line is not UTF-8. Save the file as UTF-8.",
    "bad_json": "The row is not strict JSON: broken syntax, a key given twice, NaN, or a number too long.",
    "line_too_long": "The line is longer than 1 MiB, which no indicator is.",
    "several_columns": "Keep one value a line. A comma in a URL is written %2C, a space %20.",
    "type_not_recognised": "The value is no hash, IP address, URL or domain. Correct it, or use a format with types.",
}


def bad_row(place: str, code: str, reason: str, value: str = "") -> BadRow:
    """Return the verdict on a row that cannot be read; the quoted value is made short and printable."""
    return BadRow(place, code, reason, excerpt(value))


def excerpt(text: str, limit: int = 200) -> str:
    """Return the beginning of a text with everything that is not printable written as an escape."""
    safe = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text[:limit])
    return safe if len(safe) <= limit else safe[: limit - 1] + "…"
