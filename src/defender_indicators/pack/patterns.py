"""Which regular expressions a schema may hold: those that no text can make slow, in any engine.

The gate of this runtime matches in linear time whatever the pattern; other readers of the same schema backtrack.
So a pattern is refused that the linear engine does not know (look-around, back-references), that repeats a part which
is itself repeated with nothing to tell the repetitions apart (``(a+)+``), or whose repeated alternatives begin alike.
"""

from __future__ import annotations

import importlib
import re
from typing import Any

import jsonschema_rs

MAX_LENGTH = 1_000
_FEW = 8

_sre: Any = importlib.import_module("re._parser")  # the parse tree is what `re` itself compiles
_REPEATS = {_sre.MAX_REPEAT, _sre.MIN_REPEAT}
_ALPHABET = frozenset(map(chr, (*range(128), 0xE9, 0x4E2D)))


def pattern_fault(pattern: str) -> str:
    """Return why a schema may not hold this pattern, ``""`` when it may."""
    if len(pattern) > MAX_LENGTH:
        return f"the pattern is longer than {MAX_LENGTH} characters"
    try:
        jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=jsonschema_rs.RegexOptions())
        tree = _sre.parse(pattern)
    except (jsonschema_rs.ValidationError, re.error, OverflowError, RecursionError):
        return "the pattern is wrong, or uses look-around or back-references"
    return "the pattern repeats a repetition and can take for ever" if _explodes(tree) else ""


def _explodes(items: Any) -> bool:
    return any(
        (operator in _REPEATS and argument[1] > 1 and _ambiguous(argument[2], few=argument[1] <= _FEW))
        or any(_explodes(body) for body in _bodies(operator, argument))
        for operator, argument in items
    )


def _ambiguous(body: Any, *, few: bool) -> bool:
    """Tell whether one text can be cut into repetitions of ``body`` in more than one way.

    Alternatives that begin alike double the ways with each repetition, which a ``few`` repetitions can bear.
    """
    flat = list(_flatten(body))
    for operator, argument in flat:
        if operator is _sre.BRANCH and not few:
            starts = [_start(branch) or _start(flat) for branch in argument[1]]
            if len(frozenset().union(*starts)) < sum(map(len, starts)):
                return True
    varying = [item for item in flat if _varies(item)]
    if not varying:
        return False
    inside = frozenset().union(*(_letters([item]) for item in varying))
    fixed = [item for item in (flat[0], flat[-1]) if not _varies(item)]
    return all(_letters([item]) & inside for item in fixed)


def _start(items: Any) -> frozenset[str]:
    """Return the characters a match of ``items`` can begin with."""
    found: frozenset[str] = frozenset()
    for operator, argument in items:
        found |= _letters([(operator, argument)])
        if operator is not _sre.AT and not (operator in _REPEATS and argument[0] == 0):
            break
    return found


def _flatten(items: Any) -> Any:
    for operator, argument in items:
        if operator is _sre.SUBPATTERN:
            yield from _flatten(argument[3])
        else:
            yield operator, argument


def _varies(item: Any) -> bool:
    """Tell whether some repetition in ``item`` can be of more than one length."""
    operator, argument = item
    if operator in _REPEATS and argument[0] != argument[1]:
        return True
    return any(_varies(inner) for body in _bodies(operator, argument) for inner in body)


def _bodies(operator: Any, argument: Any) -> list[Any]:
    if operator is _sre.SUBPATTERN:
        return [argument[3]]
    if operator is _sre.BRANCH:
        return list(argument[1])
    return [argument[2]] if operator in _REPEATS else []


def _letters(items: Any) -> frozenset[str]:
    """Return the characters that some item can match; everything, where it is not plain to see."""
    found: set[str] = set()
    for operator, argument in _flatten(items):
        bodies = _bodies(operator, argument)
        if bodies:
            found |= _letters([item for body in bodies for item in body])
        elif operator is _sre.LITERAL:
            found.add(chr(argument))
        elif operator is _sre.NOT_LITERAL:
            found |= _ALPHABET - {chr(argument)}
        elif operator is _sre.IN:
            found |= _members(argument)
        elif operator is not _sre.AT:
            found |= _ALPHABET
    return frozenset(found)


def _members(argument: Any) -> frozenset[str]:
    listed: set[str] = set()
    for operator, value in argument:
        if operator is _sre.LITERAL:
            listed.add(chr(value))
        elif operator is _sre.RANGE:
            listed |= {letter for letter in _ALPHABET if value[0] <= ord(letter) <= value[1]}
        elif operator is not _sre.NEGATE:
            return _ALPHABET
    return _ALPHABET - listed if argument[0][0] is _sre.NEGATE else frozenset(listed)
