"""Elements of a page. Text becomes text and nothing else, here and only here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias
from xml.etree.ElementTree import Element, tostring

from defender_indicators.delivery.classify import printable

Child: TypeAlias = Element | str | int
LONGEST: Final = 500
"""Signs of one text that a page shows; the JSON and the CSV have all of them."""


def element(tag: str, *children: Child, **attributes: object) -> Element:
    """Return an element; ``class_`` is ``class``, ``stroke_width`` is ``stroke-width``.

    Attributes are the page's own, never what a row says. Text is cut to ``LONGEST`` signs, and what does not print
    (control characters, marks that turn the direction of text) is written as an escape.
    """
    made = Element(tag, {name.rstrip("_").replace("_", "-"): _number(value) for name, value in attributes.items()})
    for child in children:
        if isinstance(child, Element):
            made.append(child)
        elif len(made):
            made[-1].tail = (made[-1].tail or "") + _text(child)
        else:
            made.text = (made.text or "") + _text(child)
    return made


def table(columns: Iterable[str], rows: Iterable[Iterable[Child]], caption: str = "") -> Element:
    """Return a table; numbers are aligned to the right."""
    head = element("tr", *(element("th", name, scope="col") for name in columns))
    body = (element("tr", *map(_cell, row)) for row in rows)
    parts = (element("thead", head), element("tbody", *body))
    return element("table", *((element("caption", caption),) if caption else ()), *parts)


def document(root: Element) -> bytes:
    """Return a whole HTML document in UTF-8."""
    return b"<!DOCTYPE html>\n" + tostring(root, encoding="unicode", method="html").encode() + b"\n"


def _cell(child: Child) -> Element:
    return element("td", child, class_="number") if isinstance(child, int) else element("td", child)


def _text(child: str | int) -> str:
    return f"{child:,}" if isinstance(child, int) else printable(child, LONGEST)


def _number(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
