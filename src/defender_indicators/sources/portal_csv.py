"""Rows from the CSV that the Defender portal imports: columns by name, in any order.

Source: the portal's import page; its CSV differs from the API's JSON in four names (``rbacGroups``,
``mitretechniques``, ``GenerateAlert``, and a ``category`` in words that the API cannot take).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from defender_indicators.delivery import BadRow
from defender_indicators.errors import InputError
from defender_indicators.sources.csv_records import Records, split_cells
from defender_indicators.sources.lines import Line, numbered_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from defender_indicators.sources.row import Row

_DELIMITERS = ",;\t"


def _list(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(",") if part.strip()]


def _flag(cell: str) -> bool | str:
    return {"true": True, "false": False}.get(cell.strip().lower(), cell)


_COLUMNS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "indicatortype": ("indicatorType", str),
    "indicatorvalue": ("indicatorValue", str),
    "action": ("action", str),
    "title": ("title", str),
    "description": ("description", str),
    "expirationtime": ("expirationTime", str),
    "severity": ("severity", str),
    "recommendedactions": ("recommendedActions", str),
    "rbacgroups": ("rbacGroupNames", _list),
    "rbacgroupnames": ("rbacGroupNames", _list),
    "mitretechniques": ("mitreTechniques", _list),
    "generatealert": ("generateAlert", _flag),
    "application": ("application", str),
    "externalid": ("externalId", str),
    "educateurl": ("educateUrl", str),
}
_NOT_SENT = {  # in a portal's file, but the API takes them in another form or sets them itself
    *("category", "id", "source", "sourcetype", "creationtimedatetimeutc", "lastupdatetime", "lastupdatedby"),
    *("createdby", "createdbydisplayname", "createdbysource"),
}


class Header:
    """The columns of a file, in its own order.

    Raises:
        InputError: no ``indicatorValue``, a column twice, or a column that nothing is known of.
    """

    def __init__(self, text: str, place: str) -> None:
        self.delimiter = delimiter_of(text)
        try:
            self.names = [cell.strip() for cell in split_cells(text, self.delimiter)]
        except ValueError as error:
            raise InputError(f"{place}: the header cannot be read: {error}") from None
        self._keys = [name.lower() for name in self.names]
        self._check(place)

    def not_sent(self) -> list[str]:
        """Return the names of the columns that are left out."""
        return [name for name, key in zip(self.names, self._keys, strict=True) if key in _NOT_SENT]

    def row(self, cells: list[str]) -> dict[str, Any]:
        """Return a row in Microsoft's spelling; an empty cell is a field not given."""
        row = {}
        for key, cell in zip(self._keys, cells, strict=True):
            if key in _COLUMNS and cell.strip():
                field, convert = _COLUMNS[key]
                row[field] = convert(cell)
        return row

    def _advice(self) -> str:
        if len(self.names) == 1:
            return "for a list of values add --format values"
        return (
            "this is not the portal's CSV, which needs indicatorType, indicatorValue, action, title and description; "
            "rename the columns, or cut out the one with the values, for example with cut -d, -f1 FILE | tail -n +2, "
            "and read that with --format values"
        )

    def _check(self, place: str) -> None:
        if "indicatorvalue" not in self._keys:
            raise InputError(f"{place}: no column indicatorValue; {self._advice()}")
        fields = [_COLUMNS[key][0] for key in self._keys if key in _COLUMNS]
        if twice := sorted({field for field in fields if fields.count(field) > 1}):
            raise InputError(f"{place}: more than one column for {', '.join(twice)}; keep one")
        known = {*_COLUMNS, *_NOT_SENT, ""}
        if unknown := [ascii(name) for name in self.names if name.lower() not in known]:
            advice = ", ".join(field for field, _ in _COLUMNS.values())
            raise InputError(f"{place}: unknown column {', '.join(unknown)}; rename or delete it; known are {advice}")


def columns_not_sent(head: bytes, place: str) -> tuple[str, ...]:
    """Return a remark for each column of a file, given its first bytes, that is left out.

    Raises:
        InputError: the header is unusable.
    """
    first = head.decode("utf-8-sig", "replace").lstrip().partition("\n")[0]
    columns = Header(first, place).not_sent()
    return tuple(f"column {column} is not sent: the API does not take it from a file" for column in columns)


def delimiter_of(header: str) -> str:
    """Return the delimiter under which a header line has a column ``indicatorValue``, else a comma."""
    for delimiter in _DELIMITERS:
        if "indicatorvalue" in (cell.strip(' "').lower() for cell in header.split(delimiter)):
            return delimiter
    return ","


def read_portal_csv(stream: BinaryIO, place: str) -> Iterator[Row]:
    """Yield one row a record; a record that does not fit costs only its line, one of empty cells is a blank line.

    Raises:
        InputError: the header is unusable.
    """
    lines = numbered_lines(stream, place)
    first = next((line for line in lines if not (isinstance(line, Line) and not line.text.strip())), None)
    if first is None:
        return
    if isinstance(first, BadRow):
        raise InputError(f"{first.place}: the header cannot be read: {first.reason}")
    header = Header(first.text, f"{place}:{first.number}")
    for record in Records(lines, place, header.delimiter, len(header.names)):
        if isinstance(record, BadRow):
            yield record
        elif row := header.row(record.cells):
            yield row
