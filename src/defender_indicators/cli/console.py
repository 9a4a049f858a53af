"""Standard output and standard error: what may appear there, and in which form.

Standard output carries the result and nothing else; with ``--json`` that is exactly one document. Text from files,
from the service and from options is made printable, so that nothing in it can drive a terminal. A reader that goes
away early (``| head``) is no failure: what the command did stays done and keeps its exit code. A result that cannot
be written (disk full) is said in one line, and ends an otherwise good command with ``OUTPUT_LOST``.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console


OUTPUT_LOST = 7
"""Exit code of a command that did its work and could not write down the result: something is wrong with the disk."""
WIDEST_COLUMN = 64
"""Up to so many signs (a SHA-256) columns are aligned; a longer cell moves only the rest of its own line."""
LEAST_ROOM = 24
"""Where less than so many signs are left beside the other columns, the last one gets lines of its own."""


@dataclass
class _State:
    as_json: bool = False
    document_begun: bool = False
    output_lost: bool = False


_state = _State()


def prepare(*, as_json: bool) -> None:
    """Start one command: forget the last one, and let no encoding of the terminal stop the output."""
    _state.as_json, _state.document_begun, _state.output_lost = as_json, False, False
    _open_closed()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def finish(code: int) -> int:
    """Flush what is left, whether or not anybody still reads it, and return the exit code of the command."""
    for stream in (sys.stdout, sys.stderr):
        with _may_be_lost(stream):
            stream.flush()
    return code or (OUTPUT_LOST if _state.output_lost else 0)


def printable(text: object, limit: int = 0) -> str:
    """Return text with everything that does not print written as an escape, cut to ``limit`` where one is given."""
    shown = str(text)
    if not shown.isprintable():
        shown = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in shown)
    return shown if not limit or len(shown) <= limit else shown[: limit - 1] + "…"


def show(text: str = "") -> None:
    """Write lines of result to standard output."""
    _write(sys.stdout, text)


def say(text: str) -> None:
    """Write lines that are not the result to standard error."""
    _write(sys.stderr, text)


def fail(kind: str, message: str, code: int) -> int:
    """Report why a command could not do its work, and return its exit code."""
    say(f"Error: {message}")
    if _state.as_json and not _state.document_begun:
        show_json({"schema_version": 1, "error": {"kind": kind, "message": message, "exit_code": code}})
    return code


def show_json(document: object) -> None:
    """Write one JSON document to standard output."""
    import json  # noqa: PLC0415  # not for --help

    def write(stream: BinaryIO) -> None:
        stream.write(json.dumps(_plain(document), ensure_ascii=True).encode("ascii") + b"\n")

    stream_json(write)


def stream_json(write: Callable[[BinaryIO], object]) -> None:
    """Let a writer put one JSON document on standard output, which may be larger than memory."""
    _state.document_begun = True
    with _may_be_lost(sys.stdout):
        sys.stdout.flush()
        write(sys.stdout.buffer)
        sys.stdout.buffer.flush()


def rich_console(stream: TextIO) -> Console:
    """Return a console without markup, and without colour or bars where nobody watches."""
    from rich.console import Console  # noqa: PLC0415  # only where a table or a bar is drawn

    watched = is_watched(stream)
    width = None if watched else 160
    return Console(file=stream, force_terminal=watched, width=width, markup=False, highlight=False, emoji=False)


def is_watched(stream: TextIO) -> bool:
    """Return whether a person looks at a stream: a terminal that can move its cursor."""
    return stream.isatty() and os.environ.get("TERM", "") not in ("dumb", "")


def show_table(columns: list[str], rows: list[list[object]]) -> None:
    """Write aligned lines to standard output; nothing is cut, and on a terminal only the last column is folded."""
    cells = [columns, *([printable(cell) for cell in row] for row in rows)]
    widths = [min(max(map(len, column)), WIDEST_COLUMN) for column in zip(*cells, strict=True)]
    room = shutil.get_terminal_size().columns if is_watched(sys.stdout) else 0
    show("\n".join(line for row in cells for line in _aligned(row, widths, room)))


def _aligned(cells: list[str], widths: list[int], room: int) -> list[str]:
    """Return the lines of one row; ``room`` is 0 where nothing is folded."""
    *others, last = cells
    start = "  ".join(cell.ljust(width) for cell, width in zip(others, widths, strict=False)) + "  " * bool(others)
    if not room or len(start) + len(last) <= room:
        return [(start + last).rstrip()]
    indent = len(start) if room - len(start) >= LEAST_ROOM else 4
    folded = textwrap.wrap(last, max(room - indent, LEAST_ROOM), break_long_words=False, break_on_hyphens=False) or [""]
    if indent < len(start):
        return [start.rstrip(), *(" " * indent + line for line in folded)]
    return [start + folded[0], *(" " * indent + line for line in folded[1:])]


def _write(stream: TextIO, text: str) -> None:
    with _may_be_lost(stream):
        stream.write("\n".join(printable(line) for line in text.split("\n")) + "\n")
        stream.flush()


def _open_closed() -> None:
    """Open what the caller has closed (``>&-``), or the next file, which may be the ledger, would take its place."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115  # open until the end


@contextmanager
def _may_be_lost(stream: TextIO) -> Iterator[None]:
    """Go on without a stream that cannot be written; only a reader that went away is no loss."""
    try:
        yield
    except OSError as error:
        _discard(stream)
        if stream is sys.stdout and not isinstance(error, BrokenPipeError):
            _state.output_lost = True
            say(f"Error: standard output: cannot be written: {error.strerror}; the result is lost")


def _discard(stream: TextIO) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _plain(value: Any) -> Any:
    """Return what json can write of mappings and sequences that are not plain ones."""
    if isinstance(value, str | int | float | None):
        return value
    if hasattr(value, "keys"):
        return {key: _plain(value[key]) for key in value}
    return [_plain(item) for item in value] if hasattr(value, "__iter__") else str(value)
