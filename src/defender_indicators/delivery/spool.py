"""Lines kept on disk for as long as a plan lives, in a file without a name."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from typing import IO

from defender_indicators.errors import LedgerError


class Spool:
    """Written once, read as often as wanted. A disk that fails is a :class:`LedgerError`."""

    def __init__(self) -> None:
        try:
            self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the spool
        except OSError as error:
            raise _full(error) from error

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


def _full(error: OSError) -> LedgerError:
    place = tempfile.gettempdir()
    return LedgerError(f"{place}: the plan cannot be kept there: {error.strerror}; free space, or set TMPDIR")
