"""STIX patterns to values: a fast path for the common shapes, the full grammar for the rest."""

from __future__ import annotations

import re

from defender_indicators.sources.stix_meaning import Alternative, Comparison, Lost, Match, judge

STRING = r"'[^'\\]*+(?:\\.[^'\\]*+)*+'"
"""A string literal, quotes included; a backslash escapes what follows it."""
_PATH = r"""[\w-]+:\w+(?:\.(?:[\w-]+|'[\w-]+'|"[\w-]+"))*"""
_STEP = re.compile(
    rf"\s*(?:(\[)\s*)?({_PATH})\s*(?:=\s*({STRING})|\bIN\s*\(\s*({STRING}(?:\s*,\s*{STRING})*)\s*\))"
    r"\s*(AND\b|OR\b|\](?:\s*OR\b|\s*\Z))",
    re.ASCII | re.DOTALL,
)
_ONE = re.compile(rf"\s*\[\s*({_PATH})\s*=\s*'([^'\\]*+)'\s*\]\s*", re.ASCII)
_STRING = re.compile(STRING, re.DOTALL)
_ESCAPED = re.compile(r"\\(['\\])")


class PatternError(ValueError):
    """A pattern that is no STIX pattern; the message names line and column where there is one place to name."""


def read_pattern(pattern: str) -> list[Match | Lost]:
    """Return what a pattern names, each thing once and in its order.

    Raises:
        PatternError: not a STIX pattern, or one whose reading would cost too much.
    """
    alternatives = quick_read(pattern)
    if alternatives is None:
        from defender_indicators.sources.stix_grammar import full_read  # noqa: PLC0415  # most bundles never need it

        alternatives = full_read(pattern)
    if len(alternatives) == 1:
        return [judge(alternatives[0])]
    return list(dict.fromkeys(map(judge, alternatives)))


def quick_read(pattern: str) -> list[Alternative] | None:
    """Return the alternatives of a pattern of a common shape, None for any other.

    Common are observations joined by OR, each of ``=`` and ``IN`` on strings joined by either OR or AND.
    """
    if one := _ONE.fullmatch(pattern):  # nearly all patterns are a single comparison
        return [(Comparison(one[1], "=", one[2]),)]
    found: list[Alternative] = []
    inside: list[Comparison] = []
    joint, position = "", 0
    while (step := _STEP.match(pattern, position)) and bool(step[1]) != bool(joint):
        _, path, single, several, then = step.groups()
        if single:
            inside.append(Comparison(path, "=", unquoted(single)))
        elif "AND" in {joint, then}:
            return None
        else:
            inside += [Comparison(path, "=", unquoted(literal)) for literal in _STRING.findall(several)]
        if then[0] == "]":
            found += [tuple(inside)] if joint == "AND" else [(part,) for part in inside]
            if then[-1] != "R":
                return found
            inside, joint = [], ""
        elif joint in {"", then}:
            joint = then
        else:
            return None
        position = step.end()
    return None


def unquoted(literal: str) -> str:
    r"""Return the text of a string literal; ``\`` before anything but ``'`` and ``\`` stands for itself."""
    text = literal[1:-1]
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text
