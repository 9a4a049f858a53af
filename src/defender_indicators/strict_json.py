"""JSON as it is written: nothing coerced, nothing dropped, nothing that crashes the reader.

A key given twice, ``NaN``, ``1e999`` and a number of thousands of digits spoil the row they stand in, not the
document: they are decoded to ``Spoiled``, which ``spoiled_in`` finds.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any, NamedTuple

MAX_DIGITS = 400


class Spoiled(NamedTuple):
    """Stands where JSON was well-formed but cannot be taken at its word."""

    reason: str


def loads(body: bytes | str) -> Any:
    """Return the value of a JSON text that can be taken at its word.

    Raises:
        ValueError: the text is not JSON in UTF-8, is nested too deeply, or holds what ``Spoiled`` stands for.
    """
    value = loads_marked(body if isinstance(body, str) else body.decode())
    if reason := spoiled_in(value):
        raise ValueError(reason)
    return value


def loads_marked(text: str) -> Any:
    """Return the value of a JSON text; ``Spoiled`` marks what must not be trusted.

    Raises:
        ValueError: the text is not JSON, or is nested too deeply; the message names line and column.
    """
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def spoiled_in(value: object) -> str:
    """Return why a decoded value cannot be trusted, ``""`` when it can."""
    left = [value]
    while left:
        part = left.pop()
        if isinstance(part, Spoiled):
            return part.reason
        if isinstance(part, dict):
            left.extend(inner for inner in part.values() if type(inner) is not str)
        elif isinstance(part, list):
            left.extend(inner for inner in part if type(inner) is not str)
    return ""


def _unique(pairs: list[tuple[str, Any]]) -> object:
    result = dict(pairs)
    if len(result) == len(pairs):
        return result
    keys = Counter(key for key, _ in pairs)
    return Spoiled(f"the key {ascii(keys.most_common(1)[0][0])[:60]} is given twice")


def _integer(digits: str) -> object:
    return int(digits) if len(digits) <= MAX_DIGITS else Spoiled(f"a number of {len(digits)} digits")


def _finite(digits: str) -> object:
    if len(digits) > MAX_DIGITS:
        return Spoiled(f"a number of {len(digits)} characters is out of range")
    number = float(digits)
    return number if math.isfinite(number) else Spoiled(f"the number {digits[:20]} is out of range")


def _constant(name: str) -> object:
    return Spoiled(f"{name} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_integer, parse_float=_finite, parse_constant=_constant
)
