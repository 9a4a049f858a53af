"""Bytes to numbered lines, in constant memory, whatever the bytes are."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from defender_indicators.sources.row import bad_row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from defender_indicators.delivery import BadRow

MAX_LINE = 1024 * 1024
_BOM = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """One line of text without its line end, numbered from 1."""

    number: int
    text: str


def numbered_lines(stream: BinaryIO, place: str) -> Iterator[Line | BadRow]:
    """Yield every line of a stream once, the unreadable ones as ``BadRow``."""
    number = 0
    while raw := stream.readline(MAX_LINE + 1):
        number += 1
        if len(raw) > MAX_LINE and not raw.endswith(b"\n"):
            _skip_line(stream)
            yield bad_row(f"{place}:{number}", "line_too_long", "longer than 1 MiB", raw[:200].decode("latin-1"))
            continue
        yield _decoded(raw.removeprefix(_BOM) if number == 1 else raw, number, place)


def _decoded(raw: bytes, number: int, place: str) -> Line | BadRow:
    raw = raw.removesuffix(b"\n").removesuffix(b"\r")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        reason = f"not UTF-8: byte 0x{raw[error.start]:02x} at position {error.start + 1}"
        return bad_row(f"{place}:{number}", "bad_encoding", reason, raw[:200].decode("utf-8", "replace"))
    if "\0" in text:
        return bad_row(f"{place}:{number}", "bad_characters", "holds a NUL character", text)
    return Line(number, text)


def _skip_line(stream: BinaryIO) -> None:
    while (raw := stream.readline(MAX_LINE)) and not raw.endswith(b"\n"):
        pass
