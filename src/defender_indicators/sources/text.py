"""Indicators out of prose: reports, mails, tickets and lists, pasted as they are.

Rules beside what a piece looks like:

- In a text that holds a defanged value in its first 64 KiB, the author has defanged what is meant. A plain URL is then
  a reference (the report's own site), a plain domain is taken only where it stands alone on its line. In a text without
  any defanged value all are taken. Plain addresses and hashes are always taken.
- A line that begins with ``#`` is a comment or a heading; what it holds is left out.
- The domain of an e-mail address is no indicator. A name with a path and no scheme is a URL with ``http://``.

Source: ti-indicator.md (types of indicators).
"""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, Final

from defender_indicators.delivery import BadRow
from defender_indicators.sources.kinds import with_port
from defender_indicators.sources.lines import Line, numbered_lines
from defender_indicators.sources.observed import Dropped, Facts, Observed
from defender_indicators.sources.row import excerpt
from defender_indicators.sources.text_patterns import DEFANGED, FIND
from defender_indicators.sources.text_values import WINDOW, Piece, judge

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD: Final = 64 * 1024
_AROUND: Final = 100
"""Characters on either side of a value that are looked at for its description."""
_LONGEST: Final = 200
_LONG_LINE: Final = 4096
_HAS_WORDS: Final = re.compile(r"\w").search
_BEFORE_ALONE: Final = re.compile(r"\W*(?:[0-9]{1,4}[.)]\s+)?\W*").fullmatch
_AFTER_ALONE: Final = re.compile(r"\W*").fullmatch
_MARKS: Final = " \t-*|,;:=>\u00b7\u2013\u2014\u2022"


def read_text(stream: BinaryIO, place: str) -> Iterator[Observed | Dropped | BadRow]:
    """Yield what a text holds, line by line; memory does not grow with its length.

    A value that the text repeats is yielded each time. The description is what else stands on the line.
    """
    lines = numbered_lines(stream, place)
    head = list(_first(lines))
    is_defanged = any(isinstance(line, Line) and DEFANGED.search(line.text) for line in head)
    for line in chain(head, lines):
        if isinstance(line, BadRow):
            yield line
        else:
            yield from _found(line.text, f"{place}:{line.number}", is_defanged=is_defanged)


def _first(lines: Iterator[Line | BadRow]) -> Iterator[Line | BadRow]:
    size = 0
    for line in lines:
        yield line
        size += len(line.text) if isinstance(line, Line) else 0
        if size >= _HEAD:
            return


def _found(line: str, place: str, *, is_defanged: bool) -> Iterator[Observed | Dropped]:
    position = 0
    is_comment = line.lstrip().startswith("#")
    while found := FIND.search(line, position):
        piece = judge(line, found)
        position = max(found.end(), piece.end if piece else 0)
        if piece is None:
            continue
        kind, reason = piece.kind, piece.reason
        if not kind and is_comment:
            kind, reason = "in a comment", "the line begins with #"
        if not kind and is_defanged and _is_reference(line, piece):
            kind, reason = "not defanged", "other values of this text are defanged, so this one is a reference"
        if kind:
            yield Dropped(place, kind, excerpt(piece.value), reason)
        else:
            yield Observed(piece.type, piece.value, place, Facts(description=_description(line, piece)))


def _is_reference(line: str, piece: Piece) -> bool:
    if piece.is_defanged or piece.type not in ("DomainName", "Url"):
        return False
    return piece.type == "Url" or not _is_alone(line, piece)


def _is_alone(line: str, piece: Piece) -> bool:
    if piece.start > WINDOW or len(line) - piece.end > WINDOW:
        return False
    return bool(_BEFORE_ALONE(line[: piece.start]) and _AFTER_ALONE(line[piece.end :]))


def _description(line: str, piece: Piece) -> str:
    if len(line) > _LONG_LINE:
        return with_port("", piece.port)  # what stands around it there is no sentence about it
    before = line[max(0, piece.start - _AROUND) : piece.start]
    after = line[piece.end : piece.end + _AROUND]
    words = " ".join(f"{before} … {after}".split())
    rest = words.strip(_MARKS + "…")
    rest = rest if _HAS_WORDS(rest) else ""
    written = f"written as {piece.written}" if piece.written else ""
    if written or piece.port:
        rest = with_port("; ".join(part for part in (rest, written) if part), piece.port)
    return rest if rest.isprintable() and len(rest) <= _LONGEST else excerpt(rest, _LONGEST)
