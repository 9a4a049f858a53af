"""Bytes with a name: what every source is made of, whether it lies in a file or comes from elsewhere."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from defender_indicators.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_HEAD = 64 * 1024


class Piece:
    """A stream, what messages call it, and its extension (lower case, no dot, ``""`` for none)."""

    def __init__(self, name: str, extension: str, stream: BinaryIO) -> None:
        self.name, self.extension = name, extension
        self._head = _read(stream, _HEAD, name)
        self.stream: BinaryIO = io.BufferedReader(_Rewound(self._head, stream, name), _HEAD)

    def head(self) -> bytes:
        """Return the first 64 KiB, which ``stream`` will yield, too."""
        return self._head


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
def open_file(path: Path, name: str = "") -> Iterator[Piece]:
    """Open one file; ``name`` is what messages call it, its own name by default.

    Raises:
        InputError: it cannot be read.
    """
    try:
        stream = path.open("rb")
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', error)}") from None
    with stream:
        yield Piece(name or path.name, path.suffix.lower().lstrip("."), stream)


def _read(stream: BinaryIO, size: int, name: str) -> bytes:
    try:
        return stream.read(size)
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror}") from None
