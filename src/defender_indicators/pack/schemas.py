"""The schema files of one pack, and the checkers made of them.

A file ``schemas/x.schema.json`` is known as ``pack:///schemas/x.schema.json``, and a manifest as
``pack:///actions/y.yaml``; so references are written relative to the file that holds them, as an editor follows them
(``../schemas/x.schema.json`` in a manifest). Nothing outside ``schemas/`` can be referred to, and nothing is fetched.
"""

from __future__ import annotations

from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

import jsonschema_rs

from defender_indicators.pack.checker import Checker
from defender_indicators.pack.content import content_root
from defender_indicators.pack.lint import BASE
from defender_indicators.pack.strict_yaml import Document, read

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Target(NamedTuple):
    """What a reference leads to: the document, the path of the schema in it, and the schema."""

    document: Document
    path: tuple[str | int, ...]
    schema: Any


class Schemas:
    """Every schema below ``root/schemas``.

    ``documents`` maps a file's name, relative to the root, to what it says, its problems included.
    """

    def __init__(self, root: Path) -> None:
        folder = root / "schemas"
        files = sorted(folder.rglob("*.json")) if folder.is_dir() else []
        names = {file.relative_to(root).as_posix(): file for file in files}
        self.documents: dict[str, Document] = {name: read_inside(root, file, name) for name, file in names.items()}

    @cached_property
    def _registry(self) -> jsonschema_rs.Registry:
        usable = [(BASE + name, document.data) for name, document in self.documents.items() if _usable(document)]
        return jsonschema_rs.Registry(usable, draft=jsonschema_rs.Draft202012)

    def checker(self, schema: Mapping[str, Any], home: Document) -> Checker:
        """Compile a schema that is written in the file ``home``.

        Raises:
            jsonschema_rs.ValidationError: the schema is wrong.
        """

        def lookup(uri: str) -> Any:
            place, _, pointer = uri.partition("#")
            if place.removeprefix(BASE) == home.name:
                return _walk(schema, _steps(schema, pointer))
            target = self.target(uri, home)
            return target.schema if target else {}

        return Checker(schema, registry=self._registry, base=BASE + home.name, lookup=lookup)

    def named(self, name: str) -> Checker:
        """Compile the schema file ``schemas/{name}.schema.json``.

        Raises:
            KeyError: there is no such file.
        """
        document = self.documents[f"schemas/{name}.schema.json"]
        return self.checker(document.data, document)

    def target(self, reference: str, home: Document) -> Target | None:
        """Return what a reference in the file ``home`` leads to; None when it leads nowhere inside ``schemas/``."""
        place, _, pointer = reference.partition("#")
        own = not place and home.name.startswith("schemas/")
        document = home if own else self.documents.get(_resolve(home.name, place))
        if document is None or not _usable(document) or pointer.strip("/") == pointer != "":
            return None
        path = _steps(document.data, pointer)
        schema = _walk(document.data, path)
        return None if schema is None else Target(document, tuple(path), schema)


@cache
def runtime_schemas() -> Schemas:
    """Return the schemas that this runtime checks packs and configuration with."""
    return Schemas(content_root())


def read_inside(root: Path, file: Path, name: str) -> Document:
    """Read a file of the pack; one that leads out of the pack's folder is a problem and is not read."""
    document = Document(name, None, {})
    if not file.resolve().is_relative_to(root.resolve()):
        problem = document.problem((), "leads out of the pack", "put the file itself there, not a link")
        return Document(name, None, {}, (problem,))
    return read(file, name)


def _usable(document: Document) -> bool:
    return isinstance(document.data, dict)


def _resolve(home: str, place: str) -> str:
    """Return the name of the file that ``place`` means in the file ``home``; "" when it leaves the pack."""
    if place.startswith(BASE):
        return place.removeprefix(BASE)
    parts = home.split("/")[:-1]
    for part in place.split("/"):
        if part == ".." and not parts:
            return ""
        parts = parts[:-1] if part == ".." else [*parts, part] if part != "." else parts
    return "/".join(parts)


def _steps(schema: Any, pointer: str) -> list[str | int]:
    """Return a JSON pointer's keys, numbers where the schema has a list."""
    steps: list[str | int] = []
    for raw in pointer.split("/")[1:]:
        key = unquote(raw).replace("~1", "/").replace("~0", "~")
        inside = _walk(schema, steps)
        steps.append(int(key) if isinstance(inside, list) and key.isascii() and key.isdigit() else key)
    return steps


def _walk(schema: Any, steps: list[str | int]) -> Any:
    for step in steps:
        try:
            schema = schema[step]
        except (KeyError, IndexError, TypeError):
            return None
    return schema
