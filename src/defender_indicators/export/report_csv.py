"""A report as CSV: one line a row of the input, for spreadsheets and for whatever reads tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import IO, Any, Final

from defender_indicators.delivery.classify import printable
from defender_indicators.spreadsheet import SIGNS, inert, record

COLUMNS: Final = (
    *("index", "value", "type", "action", "operation", "status"),
    *("id", "code", "reason", "retryable", "notes"),
)
_BOM: Final = b"\xef\xbb\xbf"
_LONGEST: Final = 32_767
"""Characters in a cell of Excel."""
_CELL_WITHIN: Final = re.compile(f";(\\s*)(?=[{SIGNS}])")
"""Where the semicolon separates cells (most of Europe), Excel would see a new one here."""


def write_csv(stream: IO[bytes], report: Mapping[str, Any]) -> None:
    """Write the results of a report, one line each below a header, a row at a time.

    UTF-8 with a byte order mark, without which Excel reads the local code page; CRLF. What does not print is written
    as an escape, so a cell is always one line.
    """
    stream.write(_BOM + record(COLUMNS))
    stream.writelines(record(_cell(row[name]) for name in COLUMNS) for row in report["results"])


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    text = " | ".join(map(str, value)) if isinstance(value, list) else str(value)
    return printable(_CELL_WITHIN.sub(r";\1'", inert(text)), _LONGEST)
