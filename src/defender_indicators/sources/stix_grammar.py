"""The full grammar of STIX patterns, read by the library of its authors; slow, therefore imported only when needed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from stix2patterns.exceptions import ParseException  # type: ignore[import-untyped]  # it ships no types
from stix2patterns.v21.pattern import Pattern  # type: ignore[import-untyped]  # it ships no types

from defender_indicators.sources.row import excerpt
from defender_indicators.sources.stix_meaning import SEQUENCE, Alternative, Comparison
from defender_indicators.sources.stix_patterns import STRING, PatternError, unquoted

LONGEST = 64 * 1024
"""Longer patterns (characters) would take more than half a second each."""
MOST_ALTERNATIVES = 1000
_LOOSE = re.compile(rf"""{STRING}|\bhashes\.("?)(\w[\w-]*)\1(?![\w"'-])""", re.DOTALL)
_WORDS = re.compile(
    r"""(?:'(?:[^'\\]|\\['\\])*+'|[A-Za-z_][A-Za-z0-9_-]*+|[0-9]{1,19}(?![0-9])|[\s\[\]().:,=<>!*+"-])*+"""
)
"""What a pattern is made of, comments left out: on open quotes, open comments and long numbers the library takes
quadratic time."""
_PLACE = re.compile(r"(\d+):(\d+): (.*)", re.DOTALL)


def full_read(pattern: str) -> list[Alternative]:
    """Return the alternatives of any pattern; the grammar of STIX 2.1 holds that of 2.0.

    Raises:
        PatternError: not a pattern, or one that is too long, nested too deeply or of too many combinations.
    """
    if len(pattern) > LONGEST:
        raise PatternError("longer than 64 KiB, and not a plain list of comparisons joined by OR")
    read = _WORDS.match(pattern)
    if read and read.end() < len(pattern):
        raise PatternError(_unexpected(pattern, read.end()))
    try:
        return _observations(Pattern(_LOOSE.sub(_quoted, pattern)).visit(_Tree()))
    except ParseException as error:
        raise PatternError(_message(str(error))) from None
    except RecursionError:
        raise PatternError("nested too deeply") from None


def _quoted(match: re.Match[str]) -> str:
    """Return a hash name that needs quotes in those of the grammar: double ones and none are written by many."""
    name = match[2]
    return f"hashes.'{name}'" if name and (match[1] or "-" in name) else match[0]


def _unexpected(pattern: str, position: int) -> str:
    before = pattern[:position]
    column = position - before.rfind("\n")
    return f"line {before.count(chr(10)) + 1}, column {column}: nothing begins with {excerpt(pattern[position:], 20)!r}"


class _Tree:
    """A visitor that wants nothing but the tree itself."""

    def visit(self, tree: Any) -> Any:
        return tree.getChild(0)


def _message(text: str) -> str:
    """Return the library's message with the column counted from 1."""
    place = _PLACE.match(text)
    return excerpt(f"line {place[1]}, column {int(place[2]) + 1}: {place[3]}" if place else text)


def _operands(node: Any) -> list[Any]:
    """Return what a chain of one operator joins, in its order; a long chain is a deep tree to the left."""
    found = []
    while node.getChildCount() == 3 and type(node.getChild(0)) is type(node):  # noqa: PLR2004 - left, operator, right
        found.append(node.getChild(2))
        node = node.getChild(0)
    return [node, *reversed(found)]


def _rule(node: Any) -> str:
    return type(node).__name__.removesuffix("Context")


def _observations(node: Any) -> list[Alternative]:
    operands = _operands(node)
    rule = _rule(node)
    if len(operands) == 1:
        if rule == "ObservationExpressionSimple":
            return _comparisons(node.getChild(1))
        return _observations(node.getChild(1 if rule == "ObservationExpressionCompound" else 0))
    if rule == "ObservationExpressionOr":
        return _joined(_observations, operands)
    text = node.start.getInputStream().getText(node.start.start, node.stop.stop)
    return [(Comparison("", SEQUENCE, text),)]


def _comparisons(node: Any) -> list[Alternative]:
    operands = _operands(node)
    rule = _rule(node)
    if rule.startswith("PropTest"):
        return _comparisons(node.getChild(1)) if rule == "PropTestParen" else _test(node)
    if len(operands) == 1:
        return _comparisons(node.getChild(0))
    if rule == "ComparisonExpression":
        return _joined(_comparisons, operands)
    found: list[Alternative] = [()]
    for operand in operands:
        found = [left + right for left in found for right in _comparisons(operand)]
        if len(found) > MOST_ALTERNATIVES:
            raise PatternError(f"AND and OR make more than {MOST_ALTERNATIVES:,} combinations")
    return found


def _joined(read: Callable[[Any], list[Alternative]], operands: Iterable[Any]) -> list[Alternative]:
    return [alternative for operand in operands for alternative in read(operand)]


def _test(node: Any) -> list[Alternative]:
    first, *middle, last = node.getChildren()
    if _rule(node) == "PropTestExists":
        return [(Comparison(last.getText(), "EXISTS", ""),)]
    path, operator = first.getText(), " ".join(word.getText() for word in middle)
    if _rule(last) != "SetLiteral":
        return [(Comparison(path, "=" if operator == "==" else operator, _text(last)),)]
    values = [_text(literal) for literal in last.getChildren() if literal.getChildCount()]
    if operator == "IN" and values:
        return [(Comparison(path, "=", value),) for value in values]
    return [(Comparison(path, operator, ", ".join(values)),)]


def _text(node: Any) -> str:
    text: str = node.getText()
    return unquoted(text) if text.startswith("'") else text
