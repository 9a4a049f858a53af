"""Standard output and standard error: what may appear there, and in which form.

Standard output carries the result and nothing else; with ``--json`` that is exactly one document. Text from files,
from the service and from options is made printable, so that nothing in it can drive a terminal. A reader that goes
away early (``| head``) is no failure: what the command did stays done and keeps its exit code.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console


@dataclass
class _State:
    as_json: bool = False
    document_begun: bool = False


_state = _State()


def prepare(*, as_json: bool) -> None:
    """Start one command: forget the last one, and let no encoding of the terminal stop the output."""
    _state.as_json, _state.document_begun = as_json, False
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def finish() -> None:
    """Flush what is left, whether or not anybody still reads it."""
    for stream in (sys.stdout, sys.stderr):
        with _reader_may_leave(stream):
            stream.flush()


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
    with _reader_may_leave(sys.stdout):
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
    """Draw a table on standard output; long cells are folded, never cut."""
    from rich import box  # noqa: PLC0415  # only where a table is drawn
    from rich.table import Table  # noqa: PLC0415  # only where a table is drawn
    from rich.text import Text  # noqa: PLC0415  # only where a table is drawn

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    with _reader_may_leave(sys.stdout):
        rich_console(sys.stdout).print(table)


def _write(stream: TextIO, text: str) -> None:
    with _reader_may_leave(stream):
        stream.write("\n".join(printable(line) for line in text.split("\n")) + "\n")
        stream.flush()


@contextmanager
def _reader_may_leave(stream: TextIO) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _plain(value: Any) -> Any:
    """Return what json can write of mappings and sequences that are not plain ones."""
    if isinstance(value, str | int | float | None):
        return value
    if hasattr(value, "keys"):
        return {key: _plain(value[key]) for key in value}
    return [_plain(item) for item in value] if hasattr(value, "__iter__") else str(value)
