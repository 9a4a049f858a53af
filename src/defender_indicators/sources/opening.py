"""A file or standard input, opened: its format found, its rows ready to be streamed."""

from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from defender_indicators.errors import InputError
from defender_indicators.sources.detection import Detected, detect_format
from defender_indicators.sources.json_rows import read_json, read_ndjson
from defender_indicators.sources.portal_csv import Header, read_portal_csv
from defender_indicators.sources.values import read_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from defender_indicators.sources.row import Row

_READERS: dict[str, Callable[[BinaryIO, str], Iterator[Row]]] = {
    "json": read_json,
    "ndjson": read_ndjson,
    "portal-csv": read_portal_csv,
    "values": read_values,
}
_HEAD = 64 * 1024


@dataclass(frozen=True)
class Source:
    """An opened input. ``rows`` can be walked once; ``notices`` are remarks on what is not taken over."""

    name: str
    format: str
    detected_by: str
    rows: Iterator[Row]
    notices: tuple[str, ...] = ()


def _read(stream: BinaryIO, size: int, name: str) -> bytes:
    try:
        return stream.read(size)
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror}") from None


class _Rewound(io.RawIOBase):
    """A stream whose first bytes were looked at already."""

    def __init__(self, head: bytes, rest: BinaryIO, name: str) -> None:
        super().__init__()
        self._head, self._rest, self._name = memoryview(head), rest, name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # io hands over a memoryview
        taken = self._head[: len(buffer)]
        self._head = self._head[len(taken) :]
        data = taken or _read(self._rest, len(buffer), self._name)
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def open_source(location: str, stdin: BinaryIO, *, chosen: str = "") -> Iterator[Source]:
    """Open a file, or standard input for ``-``, and find out its format unless one was chosen.

    Raises:
        InputError: the file cannot be read, is empty, or is not UTF-8.
    """
    if location == "-":
        yield _source(stdin, "standard input", "", chosen)
        return
    path = Path(location)
    try:
        stream = path.open("rb")
    except (OSError, ValueError) as error:
        raise InputError(f"{location}: cannot be read: {getattr(error, 'strerror', error)}") from None
    with stream:
        yield _source(stream, path.name, path.suffix.lower().lstrip("."), chosen)


def _source(stream: BinaryIO, name: str, extension: str, chosen: str) -> Source:
    head = _read(stream, _HEAD, name)
    found = detect_format(head, extension, name)
    if chosen:
        found = Detected(chosen, "--format")
    whole = io.BufferedReader(_Rewound(head, stream, name), _HEAD)
    notices = _notices(head, name) if found.format == "portal-csv" else ()
    return Source(name, found.format, found.by, _READERS[found.format](whole, name), notices)


def _notices(head: bytes, name: str) -> tuple[str, ...]:
    first = head.decode("utf-8-sig", "replace").lstrip().partition("\n")[0]
    columns = Header(first, name).not_sent()
    return tuple(f"column {column} is not sent: the API does not take it from a file" for column in columns)
