"""Rows from a plain list of values: one a line, the type inferred."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO

from defender_indicators.delivery import BadRow
from defender_indicators.sources.lines import numbered_lines
from defender_indicators.sources.row import Row, bad_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_COMMENT = re.compile(r"\s#.*")
_MORE_COLUMNS = re.compile(r"[,\t]|://\S*\s")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]{0,30})://", re.IGNORECASE)


def read_values(stream: BinaryIO, place: str) -> Iterator[Row]:
    """Yield one row a line with ``indicatorType`` and ``indicatorValue``; blank lines and comments are skipped."""
    for line in numbered_lines(stream, place):
        if isinstance(line, BadRow):
            yield line
        elif (value := _COMMENT.sub("", line.text).strip()) and not value.startswith("#"):
            yield _line_row(value, f"{place}:{line.number}")


def _line_row(value: str, place: str) -> Row:
    """Return the row of one line; where a comma may be the end of the value or a part of it, nobody guesses."""
    if _MORE_COLUMNS.search(value):
        return bad_row(place, "several_columns", "more than one value, or a comma or space in it", value)
    return value_row(value, place)


def rows_of(values: Iterable[str], indicator_type: str = "") -> Iterator[Row]:
    """Yield a row for each value; the type is inferred where none is given."""
    for number, value in enumerate(values, 1):
        yield value_row(value, f"value {number}", indicator_type)


def value_row(value: str, place: str, indicator_type: str = "") -> Row:
    """Return the row of one value, or the verdict that nobody can tell what it is."""
    from defender_indicators.indicators import infer_type  # noqa: PLC0415  # loads the public suffix list

    found = indicator_type or infer_type(value)
    if not found:
        return bad_row(place, "type_not_recognised", _why_not(value), value)
    return {"indicatorType": found, "indicatorValue": value}


def _why_not(value: str) -> str:
    scheme = _SCHEME.match(value)
    return f"{scheme[1]}:// is not http:// or https://" if scheme else "no hash, IP address, URL or domain"
