"""YAML 1.2 as people read it, and nothing that another reader would read differently.

Plain ``true``, ``false``, ``null``, integers of up to 15 digits and decimal numbers (``-12``, ``0.5``) are values.
Every other plain word is text: ``no``, ``on``, ``1:30``, ``2021-12-12``, ``10.0.0.1``. What some reader takes for a
number, a boolean or null (``0123``, ``1_000``, ``12345e67``, a hash of digits only, ``0x1f``, ``True``, ``~``, nothing
at all) is refused until it is quoted or written plainly. Tags, anchors, aliases, merge keys, directives, a second
document, a repeated key and a key that is not text are refused too. A file holds at most 1 MB and is nested at most
50 deep.

Reading goes on after a problem where it can, so that all problems of a file are reported together. Values are never
quoted in a message: the file may hold secrets. JSON is read by the same rules.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from defender_indicators.errors import ManifestError
from defender_indicators.pack.problems import Problem, json_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MAX_BYTES = 1_000_000
MAX_DEPTH = 50

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS = {"true": True, "false": False, "null": None}
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,14}")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,14})\.[0-9]{1,15}")
_LIKE_A_NUMBER = re.compile(
    r"[-+]?(?:\.[0-9][0-9_]*|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?0[xX][0-9a-fA-F_]+|[-+]?0o[0-7_]+|[-+]?0b[01_]+|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_LIKE_A_WORD = re.compile(r"~|Null|NULL|True|TRUE|False|FALSE")

_Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """What one file says.

    ``data`` is plain JSON data. ``problems`` is empty unless the document came from :func:`parse` or :func:`read`;
    with problems, ``data`` holds what could be read, and None when reading had to stop early.
    """

    name: str
    data: Any
    lines: dict[_Path, int] = field(repr=False)
    problems: tuple[Problem, ...] = ()

    def position(self, path: Sequence[str | int] = ()) -> int:
        """Return the line (from 1) of the value at ``path``, or of the nearest value around it."""
        keys = tuple(path)
        while keys and keys not in self.lines:
            keys = keys[:-1]
        return self.lines.get(keys, 1)

    def problem(self, path: Sequence[str | int], cause: str, remedy: str) -> Problem:
        """Return a problem of the value at ``path``, with its file and line."""
        return Problem(self.name, self.position(path), json_path(path), cause, remedy)


def load(path: Path, name: str = "") -> Document:
    """Read a file; ``name`` is what messages call it (default: the path as given).

    Raises:
        ManifestError: with every problem of the file.
    """
    return _sound(read(path, name))


def loads(text: str, name: str) -> Document:
    """Read a text; ``name`` is what messages call it.

    Raises:
        ManifestError: with every problem of the text.
    """
    return _sound(parse(text, name))


def read(path: Path, name: str = "") -> Document:
    """Read a file and keep its problems beside its data; never raises for what the file is or holds."""
    name = name or str(path)
    try:
        if path.exists() and not path.is_file():
            return _unread(name, 1, "is not a regular file", "put a file there")
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        return _unread(name, 1, f"cannot be read ({error.strerror})", "check that the file exists and its permissions")
    try:
        return parse(content.decode("utf-8-sig"), name)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return _unread(name, line, "is not UTF-8 text", "save the file as UTF-8")


def parse(text: str, name: str) -> Document:
    """Read a text and keep its problems beside its data; never raises for what the text holds."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        return _unread(name, line, "holds half a character (a lone surrogate)", "remove it")
    if size > MAX_BYTES:
        return _unread(name, 1, f"is larger than {MAX_BYTES:,} bytes", "split the file")
    return _Reader(name, text).document()


def _sound(document: Document) -> Document:
    if document.problems:
        raise ManifestError([str(problem) for problem in document.problems])
    return document


def _unread(name: str, line: int, cause: str, remedy: str) -> Document:
    return Document(name, None, {}, (Problem(name, line, "$", cause, remedy),))


class _Stop(Exception):  # noqa: N818 - control flow inside this module, not an error anybody sees
    """Reading cannot go on."""


class _Reader:
    """Builds the data of one text from YAML events."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._text = text
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=_LOADER))
        self._lines: dict[_Path, int] = {}
        self._problems: list[Problem] = []

    def document(self) -> Document:
        data = None
        try:
            data = self._root()
        except _Stop:
            pass
        except yaml.reader.ReaderError as error:
            line = self._text.encode().count(b"\n", 0, error.position) + 1
            self._report(line, (), "holds a character that YAML does not allow", "remove it or write it as an escape")
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            cause = " ".join(filter(None, ("is not YAML:", error.problem, error.context)))
            self._report(mark.line + 1 if mark else 1, (), cause, "check indentation, quotes and brackets")
        problems = tuple(sorted(self._problems, key=lambda problem: problem.line))
        return Document(self._name, data, self._lines, problems)

    def _root(self) -> Any:
        next(self._events)
        start = next(self._events)
        if isinstance(start, yaml.StreamEndEvent):
            self._stop(1, "the file is empty", "write it, or remove the file")
        if start.version or start.tags:
            self._report(start.start_mark.line + 1, (), "directives are not allowed", "remove the line with %")
        data = self._node(next(self._events), ())
        next(self._events)
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            self._stop(after.start_mark.line + 1, "a second document starts here", "keep one document in a file")
        return data

    def _node(self, event: Any, path: _Path) -> Any:
        line = event.start_mark.line + 1
        self._lines.setdefault(path, line)
        if isinstance(event, yaml.AliasEvent):
            return self._report(line, path, "aliases (*name) are not allowed", "repeat the value")
        if event.anchor is not None:
            self._report(line, path, "anchors (&name) are not allowed", "remove the anchor")
        if event.tag is not None:
            self._report(line, path, "tags (!name) are not allowed", "remove the tag; quote text")
        if isinstance(event, yaml.ScalarEvent):
            return event.value if event.style else self._plain(event.value, line, path)
        if len(path) >= MAX_DEPTH:
            self._stop(line, f"is nested deeper than {MAX_DEPTH}", "make the structure flatter")
        return self._sequence(path) if isinstance(event, yaml.SequenceStartEvent) else self._mapping(path)

    def _sequence(self, path: _Path) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, (*path, len(items))))
        return items

    def _mapping(self, path: _Path) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            line = event.start_mark.line + 1
            key = self._key(event, path)
            if key is None:
                self._node(next(self._events), (*path, "?"))
                continue
            place = (*path, key)
            if key in entries:
                first = self._lines[place]
                self._report(line, place, f"the key is there twice, first in line {first}", "keep one of them")
            self._lines.setdefault(place, line)
            value = self._node(next(self._events), place)
            entries.setdefault(key, value)
        return entries

    def _key(self, event: Any, path: _Path) -> str | None:
        line = event.start_mark.line + 1
        if not isinstance(event, yaml.ScalarEvent):
            self._node(event, (*path, "?"))
            self._report(line, path, "a key must be text, not a list, a mapping or an alias", "write a plain name")
            return None
        key = str(event.value)
        if event.anchor is not None or event.tag is not None:
            self._report(line, (*path, key), "a key with an anchor or a tag is not allowed", "write a plain name")
        if event.style:
            return key
        if key == "<<":
            self._report(line, (*path, key), "merge keys (<<) are not allowed", "repeat the entries")
        elif key in _WORDS or not key or any(form.fullmatch(key) for form in (_LIKE_A_NUMBER, _LIKE_A_WORD)):
            self._report(line, (*path, key), "a key must be text", "put the key in quotes")
        return key

    def _plain(self, text: str, line: int, path: _Path) -> Any:
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER.fullmatch(text):
            return int(text)
        if _DECIMAL.fullmatch(text):
            return float(text)
        if not text:
            self._report(line, path, "has no value", 'write one, or null, or "" for an empty text')
        elif _LIKE_A_NUMBER.fullmatch(text):
            self._report(line, path, "may be text or a number", "quote it, or write a number plainly as 12 or 0.5")
        elif _LIKE_A_WORD.fullmatch(text):
            self._report(line, path, "may be text or a value", "quote it, or write true, false or null")
        return text

    def _report(self, line: int, path: _Path, cause: str, remedy: str) -> None:
        self._problems.append(Problem(self._name, line, json_path(path), cause, remedy))

    def _stop(self, line: int, cause: str, remedy: str) -> None:
        self._report(line, (), cause, remedy)
        raise _Stop
