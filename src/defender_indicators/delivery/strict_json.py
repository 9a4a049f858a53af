"""JSON read without goodwill: a key twice, NaN, endless digits or depth are errors, not guesses."""

from __future__ import annotations

import json
from typing import Any, NoReturn


def loads_strict(body: bytes | str) -> Any:
    """Decode a JSON document.

    Raises:
        ValueError: it is no JSON, repeats a key, or holds NaN, Infinity, too many digits or too deep a nesting.
    """
    try:
        return json.loads(body, object_pairs_hook=_unique, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
