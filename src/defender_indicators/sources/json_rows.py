"""Rows from JSON: whole documents and one object a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from defender_indicators.delivery import BadRow
from defender_indicators.errors import InputError
from defender_indicators.sources.lines import numbered_lines
from defender_indicators.sources.row import Row, bad_row
from defender_indicators.strict_json import loads_marked, spoiled_in

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DOCUMENT = 64 * 1024 * 1024


def read_json(stream: BinaryIO, place: str) -> Iterator[Row]:
    """Yield the rows of Microsoft's request body ``{"Indicators": [...]}``, of a list, or of a single row.

    Raises:
        InputError: the document is larger than 64 MiB, not UTF-8, not JSON, or holds no list of rows.
    """
    rows = _rows_of(read_document(stream, place), place)
    number = 0
    rows.reverse()
    while rows:  # popped, so that a row's memory is free as soon as it is delivered
        number += 1
        yield _checked(rows.pop(), f"{place}: row {number}")


def read_ndjson(stream: BinaryIO, place: str) -> Iterator[Row]:
    """Yield one row a line; blank lines are skipped and a broken line costs only itself."""
    for line in numbered_lines(stream, place):
        if isinstance(line, BadRow):
            yield line
        elif line.text.strip():
            yield _line_row(line.text, f"{place}:{line.number}")


def read_document(stream: BinaryIO, place: str) -> Any:
    """Return the decoded value of a whole JSON document.

    Raises:
        InputError: the document is larger than 64 MiB, not UTF-8 or not JSON.
    """
    raw = stream.read(MAX_DOCUMENT + 1)
    if len(raw) > MAX_DOCUMENT:
        raise InputError(f"{place}: larger than 64 MiB; write one object a line (NDJSON), which is streamed")
    try:
        return loads_marked(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError(f"{place}: not UTF-8 at byte {error.start + 1}; save the file as UTF-8") from None
    except ValueError as error:
        raise InputError(f"{place}: not JSON: {error}; nothing was sent") from None


def _rows_of(document: Any, place: str) -> list[Any]:
    if name := _foreign(document):
        raise InputError(f"{place}: is {name}; leave out --format, or choose the right one; nothing was sent")
    if isinstance(document, dict):
        lists = [value for key, value in document.items() if key.lower() == "indicators"]
        if len(lists) == 1 and isinstance(lists[0], list) and len(document) == 1:
            return lists[0]
        if not lists and "indicatorValue" in document:
            return [document]
    if isinstance(document, list):
        return document
    reason = spoiled_in(document) or 'neither {"Indicators": [...]} nor a list of rows'
    raise InputError(f"{place}: {reason}; nothing was sent")


def _foreign(document: Any) -> str:
    """Return the name of an exchange format that is told by its keys, ``""`` for anything else."""
    first = document[0] if isinstance(document, list) and document else document
    keys = first.keys() if isinstance(first, dict) else set()
    if keys & {"Event", "response"}:
        return "a MISP event"
    return "a STIX bundle" if "objects" in keys and keys & {"type", "spec_version"} else ""


def _line_row(text: str, place: str) -> Row:
    try:
        return _checked(loads_marked(text), place)
    except ValueError as error:
        return bad_row(place, "bad_json", f"not JSON: {error}", text)


def _checked(row: Any, place: str) -> Row:
    if reason := spoiled_in(row):
        value = row.get("indicatorValue", "") if isinstance(row, dict) else ""
        return bad_row(place, "bad_json", reason, value if isinstance(value, str) else "")
    return row  # type: ignore[no-any-return]  # anything else than an object is the canonicaliser's verdict
