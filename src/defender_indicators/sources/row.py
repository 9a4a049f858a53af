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
    "stix": "STIX 2.x: a bundle, a list of objects, or what a TAXII collection answers",
    "misp": "MISP: an event, an export of events, or a list of attributes",
    "csv": "any CSV with a column of values, columns named or guessed",
    "openioc": "OpenIOC 1.0 or 1.1 (XML)",
    "text": "a pasted report; values are found wherever they stand, defanged or not",
}
ROW_FORMATS = ("json", "ndjson", "portal-csv")
"""Formats whose rows say themselves what shall be done; the others need a policy."""

CODES = {
    "bad_characters": "The line holds a NUL character. Save the file as plain UTF-8 text.",
    "bad_csv": "The line does not fit its header: a quote that never closes, or too few or too many cells.",
    "bad_encoding": "The line is not UTF-8. Save the file as UTF-8.",
    "bad_entry": "The entry lacks what makes it an indicator, or holds something else there. Correct it in the source.",
    "bad_json": "The row is not strict JSON: broken syntax, a key given twice, NaN, or a number too long.",
    "bad_object": "The STIX object is broken: not an object with a type, or a moment that is none. Correct it.",
    "bad_pattern": "The STIX pattern is missing or broken; the reason names the place. Correct it at its source.",
    "line_too_long": "The line is longer than 1 MiB, which no indicator is.",
    "several_columns": "Keep one value a line. A comma in a URL is written %2C, a space %20.",
    "type_not_recognised": "The value is no hash, IP address, URL or domain. Correct it, or use a format with types.",
}


def bad_row(place: str, code: str, reason: str, value: str = "") -> BadRow:
    """Return the verdict on a row that cannot be read; the quoted value is made short and printable."""
    return BadRow(place, code, reason, excerpt(value))


def excerpt(text: str, limit: int = 200) -> str:
    """Return the beginning of a text with everything that is not printable written as an escape."""
    safe = text[:limit]
    if not safe.isprintable():
        safe = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in safe)
    return safe if len(safe) <= limit else safe[: limit - 1] + "…"
