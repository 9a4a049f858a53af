"""Lines of CSV that a spreadsheet shows and never computes."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from typing import Final

SIGNS: Final = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212"
"""What a formula begins with, for a class of a regular expression; the wide and small forms count in some locales."""
_COMPUTED: Final = re.compile(f"[\t\r]|[\\s\x00-\x1f\u200b-\u200f\u2060\ufeff]*[{SIGNS}]")


def inert(text: str) -> str:
    """Return a cell with an apostrophe in front where a spreadsheet would compute it, blanks before the sign or not."""
    return f"'{text}" if _COMPUTED.match(text) else text


def record(cells: Iterable[str]) -> bytes:
    """Return one line of CSV (RFC 4180, UTF-8, CRLF)."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().encode("utf-8", "replace")
