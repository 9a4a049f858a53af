"""Lines to CSV records, so that one broken line never swallows its neighbours."""

from __future__ import annotations

import csv
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from defender_indicators.delivery import BadRow
from defender_indicators.sources.row import bad_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from defender_indicators.sources.lines import Line

MAX_RECORD_LINES = 100
MAX_RECORD_SIZE = 64 * 1024
_OPEN_QUOTE = "a quote is opened and never closed"


class Record(NamedTuple):
    """The cells of one record and the line it begins on."""

    number: int
    cells: list[str]


def split_cells(text: str, delimiter: str) -> list[str]:
    """Return the cells of one record.

    Raises:
        ValueError: broken quoting, an open quote or an over-long cell; the message says which.
    """
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        open_quote = str(error) == "unexpected end of data"
        raise ValueError(_OPEN_QUOTE if open_quote else f"broken quoting: {error}") from None


class Records:
    """The records of a file whose header has ``width`` columns.

    Lines are joined while a quote is open. Where that does not end in a record of the right width, only the line
    that opened the quote is lost, and reading goes on with the next one.
    """

    def __init__(self, lines: Iterable[Line | BadRow], place: str, delimiter: str, width: int) -> None:
        self._lines, self._place, self._delimiter, self._width = iter(lines), place, delimiter, width
        self._waiting: deque[Line | BadRow] = deque()

    def __iter__(self) -> Iterator[Record | BadRow]:
        while (line := self._next()) is not None:
            if isinstance(line, BadRow):
                yield line
            elif line.text.strip():
                yield self._record(line)

    def _next(self) -> Line | BadRow | None:
        return self._waiting.popleft() if self._waiting else next(self._lines, None)

    def _record(self, line: Line) -> Record | BadRow:
        text, taken = line.text, 0
        while True:
            cells, reason = self._split(text)
            if not reason:
                for _ in range(taken):
                    self._waiting.popleft()
                return Record(line.number, cells)
            following = self._peek(taken) if reason == _OPEN_QUOTE and len(text) < MAX_RECORD_SIZE else None
            if following is None:
                shown = _OPEN_QUOTE if taken else reason
                return bad_row(f"{self._place}:{line.number}", "bad_csv", shown, line.text)
            text, taken = f"{text}\n{following.text}", taken + 1

    def _split(self, text: str) -> tuple[list[str], str]:
        try:
            cells = split_cells(text, self._delimiter)
        except ValueError as error:
            return [], str(error)
        fits = len(cells) == self._width
        return cells, "" if fits else f"{len(cells)} cells where the header has {self._width}"

    def _peek(self, index: int) -> Line | None:
        if index == MAX_RECORD_LINES:
            return None
        if index == len(self._waiting):
            line = next(self._lines, None)
            if line is None:
                return None
            self._waiting.append(line)
        found = self._waiting[index]
        return None if isinstance(found, BadRow) else found
