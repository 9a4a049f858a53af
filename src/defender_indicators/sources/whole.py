"""Whole documents of the exchange formats: capped in size, decoded fast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

from defender_indicators.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_DOCUMENT = 64 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


def read_whole(stream: BinaryIO, place: str) -> bytes:
    """Return all bytes of a document.

    Raises:
        InputError: it is larger than 64 MiB.
    """
    raw = stream.read(MAX_DOCUMENT + 1)
    if len(raw) > MAX_DOCUMENT:
        raise InputError(
            f"{place}: larger than 64 MiB; split it, or use a format of lines (CSV, NDJSON), which streams"
        )
    return raw.removeprefix(_BOM)


def load_whole(stream: BinaryIO, place: str) -> Any:
    """Return the decoded value of a JSON document.

    Raises:
        InputError: it is larger than 64 MiB, not UTF-8 or not JSON.
    """
    try:
        return orjson.loads(read_whole(stream, place))
    except orjson.JSONDecodeError as error:
        raise InputError(f"{place}: not JSON: {error}; fetch or export the document again") from None


def text_of(entry: Mapping[str, Any], key: str) -> str:
    """Return a text field of an entry, trimmed; ``""`` where it is missing or no text."""
    value = entry.get(key)
    return value.strip() if isinstance(value, str) else ""


def entries_of(entry: Mapping[str, Any], key: str) -> list[Any]:
    """Return a list field of an entry; an empty list where it is missing or no list."""
    value = entry.get(key)
    return value if isinstance(value, list) else []
