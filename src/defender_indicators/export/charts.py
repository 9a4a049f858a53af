"""Charts as SVG elements, drawn from numbers alone. Pure; no script, no style but classes.

Each chart is a figure with a title and a description for those who cannot see it, and a table of the same numbers.
What a colour says, a pattern, a place or a word says too. Lengths are in the units of a drawing 640 wide.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from xml.etree.ElementTree import Element

from defender_indicators.export.markup import Child, element, table

WIDTH: Final = 640
LABELS: Final = 220
"""Room for the names to the left of bars."""
LONGEST_BAR: Final = 350
_ROW: Final = 26
_BAR: Final = 18
_LINES: Final = 200
"""Height of a chart of lines."""
_LEFT: Final = 60
_RIGHT: Final = 560
_TOP: Final = 20
_APART: Final = 14
"""Least distance between the names of lines that end at the same height."""


class Part(NamedTuple):
    """A part of a whole; ``look`` is the class that draws it."""

    name: str
    rows: int
    look: str


class Moment(NamedTuple):
    """What was counted when: the tenant's rows, those of ours, and how many it can hold."""

    at: datetime
    total: int
    own: int
    limit: int


def bars(name: str, title: str, counts: Sequence[tuple[str, int]]) -> Element:
    """Return a bar for each count, its length in proportion to the largest; ``name`` makes ids unique on a page."""
    most = max((count for _, count in counts), default=0) or 1
    drawn: list[Element] = []
    for number, (label, count) in enumerate(counts):
        top, length = number * _ROW + 4, LONGEST_BAR * count / most
        middle = top + _BAR / 2 + 4
        drawn += (
            element("text", label, x=LABELS - 8, y=middle, text_anchor="end"),
            element("rect", x=LABELS, y=top, width=length, height=_BAR, class_="own"),
            element("text", count, x=LABELS + 6 + length, y=middle),
        )
    words = ", ".join(f"{label} {count:,}" for label, count in counts)
    drawing = _drawing(name, title, words, len(counts) * _ROW + 6, drawn)
    return _figure(title, drawing, table(["", "rows"], counts))


def whole(name: str, title: str, parts: Sequence[Part]) -> Element:
    """Return one bar cut into parts, from left to right in their order, and what is what below it."""
    total = sum(part.rows for part in parts) or 1
    drawn, left = [_hatch(name)], 0.0
    for number, part in enumerate(parts):
        width = (WIDTH - 2) * part.rows / total
        key = number * WIDTH / len(parts)
        drawn += (
            _area(name, part, x=left + 1, y=4, width=width, height=30),
            _area(name, part, x=key + 1, y=46, width=14, height=14),
            element("text", f"{part.name} {part.rows:,}", x=key + 22, y=58),
        )
        left += width
    words = ", ".join(f"{part.name} {part.rows:,}" for part in parts)
    numbers = table(["", "rows"], [(part.name, part.rows) for part in parts])
    return _figure(title, _drawing(name, title, words, 66, drawn), numbers)


def over_time(name: str, title: str, moments: Sequence[Moment]) -> Element:
    """Return lines for the tenant's rows, for ours and for the limit, oldest moment to the left."""
    top = max(max(moment.total, moment.limit) for moment in moments) or 1
    first, last = moments[0], moments[-1]
    span = (last.at - first.at).total_seconds()

    def place(moment: Moment, count: int) -> tuple[float, float]:
        share = (moment.at - first.at).total_seconds() / span if span else 0.0
        return _LEFT + (_RIGHT - _LEFT) * share, _TOP + _LINES * (1 - count / top)

    drawn, lowest = [*_axes(top, first, last)], 0.0
    for label in ("limit", "total", "own"):
        points = [place(moment, getattr(moment, label)) for moment in moments]
        lowest = max(lowest + _APART, points[-1][1] + 4)
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        drawn += (
            element("polyline", points=path, class_=f"line {label}"),
            element("text", label, x=_RIGHT + 8, y=lowest),
        )
        drawn += (element("circle", cx=x, cy=y, r=3, class_=f"dot {label}") for x, y in points if label != "limit")
    words = f"from {_day(first)} to {_day(last)} the rows went from {first.total:,} to {last.total:,}"
    rows: list[list[Child]] = [
        [moment.at.isoformat(sep=" ", timespec="minutes"), moment.total, moment.own, moment.limit] for moment in moments
    ]
    drawing = _drawing(name, title, words, _TOP + _LINES + 30, drawn)
    return _figure(title, drawing, table(["when", "total", "own", "limit"], rows))


def _figure(title: str, drawing: Element, numbers: Element) -> Element:
    return element("figure", element("figcaption", title), drawing, numbers)


def _drawing(name: str, title: str, words: str, height: int, drawn: Sequence[Element]) -> Element:
    return element(
        "svg",
        element("title", title, id=f"{name}-title"),
        element("desc", words, id=f"{name}-words"),
        *drawn,
        viewBox=f"0 0 {WIDTH} {height}",
        role="img",
        aria_labelledby=f"{name}-title {name}-words",
    )


def _area(name: str, part: Part, **place: float) -> Element:
    fill = {"fill": f"url(#{name}-hatch)"} if part.look == "others" else {}
    return element("rect", class_=part.look, **fill, **place)


def _hatch(name: str) -> Element:
    """Return the pattern of what others own, which colour alone would not tell from our own."""
    lines = element("path", d="M0 6 L6 0", class_="stripe")
    return element(
        "defs", element("pattern", lines, id=f"{name}-hatch", width=6, height=6, patternUnits="userSpaceOnUse")
    )


def _axes(top: int, first: Moment, last: Moment) -> Sequence[Element]:
    floor = _TOP + _LINES
    return (
        element("path", d=f"M{_LEFT} {_TOP} V{floor} H{_RIGHT}", class_="axis"),
        element("text", top, x=_LEFT - 6, y=_TOP + 4, text_anchor="end"),
        element("text", 0, x=_LEFT - 6, y=floor + 4, text_anchor="end"),
        element("text", _day(first), x=_LEFT, y=floor + 20),
        element("text", _day(last), x=_RIGHT, y=floor + 20, text_anchor="end"),
    )


def _day(moment: Moment) -> str:
    return moment.at.date().isoformat()
