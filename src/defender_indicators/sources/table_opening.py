"""Finding out how a table is written: its delimiter, its header, and which column holds what."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from defender_indicators.delivery import BadRow
from defender_indicators.sources.csv_records import Record, Records, split_cells
from defender_indicators.sources.lines import Line, numbered_lines
from defender_indicators.sources.table_columns import chosen_columns, is_header, numbered

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_DELIMITERS = ",;\t|"
_NO_DELIMITER = "\x1f"
_SAMPLE = 50
_LOOKED_AT = 5000


class Table(NamedTuple):
    """An opened table: the names of its columns, the position of each field's column, its records."""

    header: list[str]
    columns: dict[str, int]
    records: Iterator[Record | BadRow]


def open_table(stream: BinaryIO, place: str, named: Mapping[str, str]) -> Table:
    """Return the table in a stream; ``named`` is field → column name or number.

    A header is the first line, or the last comment before the first line, as threat feeds write it.

    Raises:
        InputError: a column that is named does not exist, or none holds indicators.
    """
    lines = numbered_lines(stream, place)
    head = _head(lines)
    data = [line for line in head if isinstance(line, Line) and _is_data(line)]
    if not data:
        return Table([], {}, (line for line in chain(head, lines) if isinstance(line, BadRow)))
    delimiter = _delimiter([line.text for line in data])
    sample = [cells for line in data if (cells := _cells(line.text, delimiter))]
    first = _cells(data[0].text, delimiter)
    header = _commented_header(head, delimiter, len(first), named)
    rest: Iterable[Line | BadRow] = head
    if not header and is_header(first, sample[1:], named):
        header, sample, rest = first, sample[1:], (line for line in head if line is not data[0])
    header = [name.strip() for name in header] or [numbered(number) for number, _ in enumerate(first, 1)]
    columns = chosen_columns(header, sample, named, place)
    records = Records(chain(rest, lines), place, delimiter, len(header))
    return Table(header, columns, filter(_is_no_comment, records))


def _head(lines: Iterable[Line | BadRow]) -> list[Line | BadRow]:
    """Return the first lines, with enough data among them to know the table by."""
    head: list[Line | BadRow] = []
    found = 0
    for line in lines:
        head.append(line)
        found += _is_data(line)
        if found == _SAMPLE or len(head) == _LOOKED_AT:
            break
    return head


def _is_data(line: Line | BadRow) -> bool:
    return isinstance(line, Line) and bool(line.text.strip()) and not line.text.startswith("#")


def _is_no_comment(record: Record | BadRow) -> bool:
    text = record.value if isinstance(record, BadRow) else record.cells[0]
    return not text.startswith("#")


def _cells(text: str, delimiter: str) -> list[str]:
    """Return the cells of a line, none where it is only a part of a record or broken."""
    try:
        return split_cells(text, delimiter)
    except ValueError:
        return []


def _delimiter(texts: list[str]) -> str:
    """Return the delimiter under which most lines have the same number of columns, more than one."""
    best, most = _NO_DELIMITER, (len(texts) / 2, 0)
    for delimiter in _DELIMITERS:
        widths = Counter(len(_cells(text, delimiter)) for text in texts)
        width, lines = max(widths.items(), key=lambda item: (item[0] > 1, item[1]))
        if width > 1 and (lines, width) >= most:
            best, most = delimiter, (lines, width)
    return best


def _commented_header(head: list[Line | BadRow], delimiter: str, width: int, named: Mapping[str, str]) -> list[str]:
    """Return the cells of the last comment before the data where it is a header, an empty list otherwise."""
    comment = ""
    for line in head:
        if _is_data(line):
            break
        comment = line.text if isinstance(line, Line) and line.text.strip() else comment
    cells = _cells(comment.lstrip("# "), delimiter) if comment else []
    return cells if len(cells) == width and is_header(cells, [], named) else []
