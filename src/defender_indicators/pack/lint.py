"""What a schema in a pack may say: JSON Schema 2020-12 without tricks, and outputs that any SOAR can type."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from defender_indicators.pack.checker import Checker
from defender_indicators.pack.patterns import pattern_fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from defender_indicators.pack.problems import Problem
    from defender_indicators.pack.schemas import Schemas
    from defender_indicators.pack.strict_yaml import Document

BASE = "pack:///"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

_ONE = {"items", "additionalProperties", "contains", "not", "if", "then", "else", "propertyNames"}
_ONE |= {"unevaluatedItems", "unevaluatedProperties"}
_LIST = {"allOf", "anyOf", "oneOf", "prefixItems"}
_NAMED = {"properties", "patternProperties", "$defs", "dependentSchemas"}
_PLAIN = {"$schema", "$id", "$ref", "$comment", "title", "description", "default", "examples", "deprecated"}
_PLAIN |= {"readOnly", "writeOnly", "type", "enum", "const", "required", "dependentRequired", "format", "pattern"}
_PLAIN |= {"minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
_PLAIN |= {"minItems", "maxItems", "uniqueItems", "minContains", "maxContains", "minProperties", "maxProperties"}
_PLAIN |= {"contentEncoding", "contentMediaType"}
_KNOWN = sorted(_ONE | _LIST | _NAMED | _PLAIN)
_UNIONS = ("anyOf", "oneOf", "not", "if")
_META = Checker({"$ref": DIALECT})

_Path = tuple[str | int, ...]


def schema_problems(document: Document, path: _Path, schema: Any, schemas: Schemas) -> list[Problem]:
    """Return what is wrong with the schema at ``path`` of a file, its parts included."""
    problems = [document.problem((*path, *found.path), found.cause, found.remedy) for found in _META.findings(schema)]
    if not problems:
        for place, part in _parts(path, schema):
            problems += _part_problems(document, place, part, schemas)
    if not problems:
        try:
            schemas.checker(schema if isinstance(schema, dict) else {}, document)
        except (jsonschema_rs.ValidationError, ValueError):
            problems.append(document.problem(path, "cannot be compiled", "compare it with JSON Schema 2020-12"))
    return problems


def union_problems(document: Document, path: _Path, schema: Any, schemas: Schemas) -> list[Problem]:
    """Return the places of an outputs schema, references followed, where a value may be of several types or of none."""
    return list(_unions(document, path, schema, schemas, set()))


def _unions(document: Document, path: _Path, schema: Any, schemas: Schemas, seen: set[Any]) -> Iterator[Problem]:
    for place, part in _parts(path, schema):
        if (document.name, place) in seen or not isinstance(part, dict):
            continue
        seen.add((document.name, place))
        if "$ref" in part:
            target = schemas.target(part["$ref"], document)
            if target:
                yield from _unions(target.document, target.path, target.schema, schemas, seen)
        elif not isinstance(part.get("type"), str) or part["type"] == "null":
            yield document.problem(place, "outputs need exactly one type", 'name one; use "" instead of null')
        for keyword in _UNIONS:
            if keyword in part:
                yield document.problem((*place, keyword), "outputs must not be unions", "give the value one type")


def _parts(path: _Path, schema: Any) -> Iterator[tuple[_Path, Any]]:
    """Walk a schema: itself first, then every schema inside it."""
    yield path, schema
    if not isinstance(schema, dict):
        return
    for keyword, value in schema.items():
        place = (*path, keyword)
        if keyword in _ONE:
            yield from _parts(place, value)
        elif keyword in _LIST:
            for index, part in enumerate(value):
                yield from _parts((*place, index), part)
        elif keyword in _NAMED:
            for name, part in value.items():
                yield from _parts((*place, name), part)


def _part_problems(document: Document, path: _Path, part: Any, schemas: Schemas) -> Iterator[Problem]:
    if not isinstance(part, dict):
        return
    for keyword, value in part.items():
        place = (*path, keyword)
        if keyword not in _KNOWN and not keyword.startswith("x-"):
            close = difflib.get_close_matches(keyword, _KNOWN, n=1)
            remedy = f"did you mean {close[0]}?" if close else "remove it, or begin its name with x-"
            yield document.problem(place, "is not a keyword a pack may use", remedy)
        elif keyword == "$ref" and schemas.target(value, document) is None:
            yield document.problem(place, "leads to no schema of this pack", "name a file below schemas/")
        elif keyword == "$schema" and value != DIALECT:
            yield document.problem(place, "is another dialect", f"write {DIALECT}")
        elif keyword == "$id" and value != BASE + document.name:
            yield document.problem(place, "would move the references of this file", "remove it")
        elif keyword in ("pattern", "patternProperties"):
            for pattern in [value] if keyword == "pattern" else value:
                if fault := pattern_fault(pattern):
                    yield document.problem(place, fault, "write it without nested or overlapping repetitions")
