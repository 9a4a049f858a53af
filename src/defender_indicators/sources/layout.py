"""How a text is laid out, told by its beginning: keys of a JSON document, columns of a table, words of a report."""

from __future__ import annotations

import csv
import re

_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*+)"(\s*:)?|[{}\[\]]')
_COMMENT = re.compile(r"(?:^|\s)#.*")
_LINES = 200
_TABLE_LINES = 20
_PROSE = 0.2
"""The share of lines of several words from which a text is a report, and no list with some broken lines."""


def top_keys(text: str) -> dict[str, str]:
    """Return the keys of a JSON object, or of the first object in a list, as far as the text goes.

    Each has its value where that is a text, ``""`` where it is anything else.
    """
    found: dict[str, str] = {}
    depth, wanted, key = 0, 1 if text.startswith("{") else 2, ""
    for token in _TOKEN.finditer(text):
        sign = token[0]
        if sign in "{[":
            depth += 1
        elif sign in "}]":
            depth -= 1
            if depth < wanted:
                break
        elif depth == wanted and token[2]:
            key = token[1]
            found[key] = ""
        elif depth == wanted and found.get(key) == "":
            found[key] = token[1]
    return found


def is_table(text: str) -> bool:
    """Return whether every one of the first lines has the same number of cells, two or more."""
    lines = [line for line in _lines(text) if not line.lstrip().startswith("#")][:_TABLE_LINES]
    if len(lines) < 2:  # noqa: PLR2004  # one line is no table
        return False
    for delimiter in ",;\t|":
        try:
            widths = {len(cells) for cells in csv.reader(lines, delimiter=delimiter, strict=True)}
        except csv.Error:
            continue
        if len(widths) == 1 and min(widths) > 1:
            return True
    return False


def is_prose(text: str) -> bool:
    """Return whether many lines hold several words; comments do not count."""
    lines = [bare for line in _lines(text)[:_LINES] if (bare := _COMMENT.sub("", line).strip())]
    several = sum(len(line.split()) > 1 for line in lines)
    return several > _PROSE * len(lines)


def _lines(text: str) -> list[str]:
    """Return the whole lines that are not blank; the last one may be cut and counts only where it is alone."""
    lines = text.splitlines()
    return [line for line in (lines[:-1] if len(lines) > 1 and not text.endswith("\n") else lines) if line.strip()]
