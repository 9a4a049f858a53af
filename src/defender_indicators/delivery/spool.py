"""What a plan keeps on disk for as long as it lives, in files without a name."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import IO, Final

from defender_indicators.errors import LedgerError

_BLOCK: Final = 64 * 1024
"""What a series keeps in memory before it goes to disk."""


class Spool:
    """Lines written once, read as often as wanted. A disk that fails is a :class:`LedgerError`."""

    def __init__(self) -> None:
        self._file = _nameless()

    def add(self, line: bytes) -> None:
        """Keep one line, given without its end."""
        try:
            self._file.write(line + b"\n")
        except OSError as error:
            raise _full(error) from error

    def __iter__(self) -> Iterator[bytes]:
        try:
            self._file.seek(0)
        except OSError as error:
            raise _full(error) from error
        for line in self._file:
            yield line[:-1]

    def close(self) -> None:
        """Forget the lines; what a full disk kept from being written is not needed any more."""
        with suppress(OSError):
            self._file.close()


class Series:
    """Many growing strings of bytes side by side, each with a number; only the end of each is in memory."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._size = 0
        self._ends: dict[int, bytearray] = {}
        self._blocks: dict[int, list[tuple[int, int]]] = {}

    def add(self, number: int, record: bytes) -> None:
        """Append a record to a series; it is never torn between two blocks."""
        end = self._ends.get(number)
        if end is None:
            end = self._ends[number] = bytearray()
        end += record
        if len(end) >= _BLOCK:
            self._put_away(number, end)

    def numbers(self) -> Iterable[int]:
        """Return the numbers of the series that there are."""
        return self._ends.keys()

    def blocks(self, number: int) -> Iterator[bytes | bytearray]:
        """Return a series from its beginning, a block at a time."""
        for start, size in self._blocks.get(number, ()):
            try:
                yield os.pread(self._file.fileno(), size, start)  # type: ignore[union-attr]  # blocks are in the file
            except OSError as error:
                raise _full(error) from error
        yield self._ends[number]

    def close(self) -> None:
        """Forget everything."""
        self._ends.clear()
        self._blocks.clear()
        if self._file is not None:
            with suppress(OSError):
                self._file.close()

    def _put_away(self, number: int, end: bytearray) -> None:
        if self._file is None:
            self._file = _nameless()
        try:
            self._file.write(end)
            self._file.flush()
        except OSError as error:
            raise _full(error) from error
        self._blocks.setdefault(number, []).append((self._size, len(end)))
        self._size += len(end)
        end.clear()


def _nameless() -> IO[bytes]:
    try:
        return tempfile.TemporaryFile()
    except OSError as error:
        raise _full(error) from error


def _full(error: OSError) -> LedgerError:
    place = tempfile.gettempdir()
    return LedgerError(f"{place}: the plan cannot be kept there: {error.strerror}; free space, or set TMPDIR")
