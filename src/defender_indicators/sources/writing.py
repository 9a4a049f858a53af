"""Rows in Microsoft's spelling to bytes, one at a time, in forms that an import reads again."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import orjson

from defender_indicators.sources.row import excerpt
from defender_indicators.spreadsheet import inert, record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import BinaryIO

    Rows = Iterable[Mapping[str, Any]]

_OBEYED: Final = re.compile("[\x07\x08\x1b\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What a terminal does not show but obeys."""
_PORTAL: Final = {
    "indicatorType": "IndicatorType",
    "indicatorValue": "IndicatorValue",
    "expirationTime": "ExpirationTime",
    "action": "Action",
    "severity": "Severity",
    "title": "Title",
    "description": "Description",
    "recommendedActions": "RecommendedActions",
    "rbacGroupNames": "RbacGroups",
    "mitreTechniques": "MitreTechniques",
    "generateAlert": "GenerateAlert",
}
_LONGEST: Final = 8192


def write_ndjson(stream: BinaryIO, rows: Rows) -> None:
    """Write one JSON object a line."""
    stream.writelines(_json(row) + b"\n" for row in rows)


def write_json(stream: BinaryIO, rows: Rows) -> None:
    """Write Microsoft's request body."""
    stream.write(b'{"Indicators":[')
    stream.writelines((b",\n" if number else b"\n") + _json(row) for number, row in enumerate(rows))
    stream.write(b"\n]}\n")


def write_values(stream: BinaryIO, rows: Rows) -> None:
    """Write one value a line."""
    stream.writelines(excerpt(str(row.get("indicatorValue", "")), _LONGEST).encode() + b"\n" for row in rows)


def write_portal_csv(stream: BinaryIO, rows: Rows) -> None:
    """Write the CSV of the Defender portal; a cell that a spreadsheet would compute gets an apostrophe in front."""
    stream.write(record(_PORTAL.values()))
    stream.writelines(record(_cell(row.get(name)) for name in _PORTAL) for row in rows)


WRITERS: Final[Mapping[str, Callable[[BinaryIO, Rows], None]]] = {
    "ndjson": write_ndjson,
    "json": write_json,
    "values": write_values,
    "portal-csv": write_portal_csv,
}


def _json(row: Mapping[str, Any]) -> bytes:
    line = orjson.dumps(row, default=str)
    return line if line.decode().isprintable() else json.dumps(row, default=str).encode()


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = ",".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
    return _OBEYED.sub(lambda found: ascii(found[0])[1:-1], inert(text))
