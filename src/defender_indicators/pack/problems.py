"""One problem of one file: where it is, what is wrong, what to do about it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_PLAIN_KEY = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*")
_SHOWN_KEY = 80


class Problem(NamedTuple):
    """What a person needs to mend a file; its text is ``file:line: $.path: cause; remedy``."""

    file: str
    line: int
    path: str
    cause: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.path}: {self.cause}; {self.remedy}"


def json_path(keys: Sequence[str | int]) -> str:
    """Return the place as people write it: ``$.actions[0].name``, ``$["an odd key"]``."""
    return "$" + "".join(_step(key) for key in keys)


def _step(key: str | int) -> str:
    if isinstance(key, int):
        return f"[{key}]"
    shown = key[:_SHOWN_KEY]
    return f".{shown}" if _PLAIN_KEY.fullmatch(shown) else f"[{json.dumps(shown)}]"
