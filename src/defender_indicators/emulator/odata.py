"""The part of OData's ``$filter`` that the listing understands: comparisons joined by ``and``.

Source: get-ti-indicators-collection.md, exposed-apis-odata-samples.md.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from defender_indicators.emulator.reply import refuse
from defender_indicators.emulator.rules import Row, moment

_FIELDS = """
    application createdByDisplayName expirationTime generateAlert title rbacGroupNames rbacGroupIds indicatorValue
    indicatorType creationTimeDateTimeUtc createdBy action severity
"""
FILTERABLE = frozenset(_FIELDS.split())
Test = Callable[[Row], bool]
_LITERAL = r"'(?:[^']|'')*'|[^\s,'\[\]()]+"
_COMPARISON = re.compile(
    rf"\s*(?P<field>\w+)\s+(?:(?P<operator>eq|ne|gt|ge|lt|le)\s+(?P<literal>{_LITERAL})"
    rf"|in\s+[\[(](?P<list>\s*(?:{_LITERAL})(?:\s*,\s*(?:{_LITERAL}))*)\s*[\])])\s*(?:and\s+|$)"
)
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}


def compile_filter(text: str) -> Test:
    """Return the test that a ``$filter`` stands for.

    Raises:
        RefusedError: 400 ODataError, it cannot be read or names a field that is not filterable.
    """
    tests: list[Test] = []
    at = 0
    while at < len(text) or not tests:
        match = _COMPARISON.match(text, at)
        if not match or (match.end() == len(text) and text.rstrip().endswith(" and")):
            refuse(400, "ODataError", f"The query specified in the URI is not valid: syntax error at position {at}")
        if match["field"] not in FILTERABLE:
            refuse(400, "ODataError", f"The property '{match['field']}' cannot be used in the $filter query option")
        tests.append(_comparison(match))
        at = match.end()
    return lambda row: all(test(row) for test in tests)


def _comparison(match: re.Match[str]) -> Test:
    field = match["field"]
    if match["list"]:
        wanted = {_value(literal) for literal in re.findall(_LITERAL, match["list"])}
        return lambda row: _comparable(row.get(field)) in wanted
    compare, literal = _OPERATORS[match["operator"]], _value(match["literal"])

    def test(row: Row) -> bool:
        value = _comparable(row.get(field))
        return type(value) is type(literal) and bool(compare(value, literal))

    return test


def _value(literal: str) -> str | bool | int | datetime | None:
    if literal.startswith("'"):
        return literal[1:-1].replace("''", "'")
    if literal in ("true", "false", "null"):
        return {"true": True, "false": False}.get(literal)
    return int(literal) if literal.isdigit() else moment(literal)


def _comparable(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    return (moment(value) or value) if isinstance(value, str) and value[:1].isdigit() else value


def count(text: str | None, name: str, most: int) -> int | None:
    """Return ``$top`` or ``$skip``; None when it was not given.

    Raises:
        RefusedError: 400 ODataError, it is not a number or too large.
    """
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or int(text) > most:
        refuse(400, "ODataError", f"The value of '{name}' must be a number from 0 to {most}")
    return int(text)
