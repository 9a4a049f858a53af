"""Checks data against a schema and says what is wrong in words that help.

One engine does it, in linear time for any pattern. A value is never quoted: it may be a secret, or very long.
A schema may say the remedy itself, in ``x-remedy``, beside the keyword that fails.
"""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import jsonschema_rs
import orjson

from defender_indicators.pack.problems import json_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

Validator = jsonschema_rs.Draft202012Validator

_MOST_NAMES = 20
_LONGEST_NAME = 80
_KINDS = {"object": "a mapping", "array": "a list", "string": "text", "boolean": "true or false", "null": "null"}
_KINDS |= {"integer": "a whole number", "number": "a number"}
_SAMPLES = {"object": '{"name": "value"}', "array": "[…, …]"}
_PLURALS = {"object": "mappings", "array": "lists", "integer": "whole numbers", "number": "numbers"}
_LISTS = {"string": '["one", "two"]', "object": "[{…}, {…}]", "integer": "[1, 2]", "number": "[0.5, 2]"}
_WORDS = {
    "minLength": ("is shorter than {limit} characters", "write a longer text"),
    "maxLength": ("is longer than {limit} characters", "shorten it"),
    "minItems": ("has fewer than {limit} items", "add the missing items"),
    "maxItems": ("has more than {limit} items", "remove some"),
    "minProperties": ("has fewer than {limit} entries", "add the missing entries"),
    "maxProperties": ("has more than {limit} entries", "remove some"),
    "minimum": ("is less than {limit}", "write {limit} or more"),
    "maximum": ("is more than {limit}", "write {limit} or less"),
    "exclusiveMinimum": ("is not more than {limit}", "write more than {limit}"),
    "exclusiveMaximum": ("is not less than {limit}", "write less than {limit}"),
    "const": ("has the wrong value", "write {expected_value}"),
    "pattern": ("has the wrong form", "write text that matches {pattern}"),
    "format": ("is not a valid {format}", "write a {format}"),
    "uniqueItems": ("an item is there twice", "keep one of them"),
    "falseSchema": ("is not allowed here", "remove it"),
    "propertyNames": ("a key has the wrong form", "rename the key"),
    "contains": ("an item that must be there is missing", "add it"),
}
_NOT_JSON = ("holds something that JSON cannot say", "pass whole characters, numbers, lists and mappings only")
_NO_WORDS = ("does not fit any of the allowed forms", "compare it with the schema")


class Finding(NamedTuple):
    """One thing that is wrong with some data; its text is ``$.path: cause; remedy``."""

    path: tuple[str | int, ...]
    cause: str
    remedy: str

    def __str__(self) -> str:
        return f"{json_path(self.path)}: {self.cause}; {self.remedy}"


class Checker:
    """One compiled schema.

    Args:
        schema: the schema.
        registry: the schemas that it may refer to; nothing is ever fetched.
        base: the URI that its references are relative to.
        lookup: returns the part of a schema that an absolute URI names; {} when there is none.

    Raises:
        jsonschema_rs.ValidationError: the schema itself is wrong.
    """

    def __init__(
        self,
        schema: Mapping[str, Any],
        *,
        registry: jsonschema_rs.Registry | None = None,
        base: str = "pack:///",
        lookup: Callable[[str], Any] | None = None,
    ) -> None:
        self._lookup = lookup or (lambda _: {})
        self._validator = Validator(
            dict(schema),
            registry=registry,
            base_uri=base,
            pattern_options=jsonschema_rs.RegexOptions(),
            validate_formats=True,
            offline=True,
        )

    def findings(self, data: object) -> list[Finding]:
        """Return everything that is wrong with ``data``, in the order of the data; [] when it is right."""
        try:
            if self._validator.is_valid(data):
                return []
            found = [finding for error in self._validator.iter_errors(data) for finding in self._explain(error)]
        except ValueError:
            return list(_unsayable(data))
        return sorted(found, key=lambda finding: [(isinstance(key, str), key) for key in finding.path])

    def _explain(self, error: jsonschema_rs.ValidationError) -> Iterator[Finding]:
        keyword, details, path = error.kind.name, error.kind.as_dict(), tuple(error.instance_path)
        rule = self._rule(error.absolute_keyword_location or "")
        known = list(rule.get("properties", {}))
        if "unexpected" in details:
            for key in details["unexpected"]:
                yield Finding((*path, key), "is not known here", _instead(str(key), known))
            return
        if keyword == "required":
            name = details["property"]
            about = rule.get("properties", {}).get(name, {}).get("description", "")
            yield Finding(
                path, f"{name} is missing", f"add {name}" + (f": {about.split('. ')[0].rstrip('.')}" if about else "")
            )
            return
        if chosen := _choice(details.get("context", ())):
            keyword, details = "enum", chosen.kind.as_dict()
        cause, remedy = _words(keyword, details, error.instance, rule)
        yield Finding(path, cause, rule.get("x-remedy", remedy))

    def _rule(self, location: str) -> dict[str, Any]:
        """Return the schema object that holds the failing keyword."""
        rule = self._lookup(location.rpartition("/")[0])
        return rule if isinstance(rule, dict) else {}


def _unsayable(data: object) -> Iterator[Finding]:
    """Name the entries that JSON cannot express: half characters, bytes, sets, keys that are not text."""
    entries = data.items() if isinstance(data, dict) else ()
    found = False
    for key, value in entries:
        try:
            orjson.dumps({key: value})
        except orjson.JSONEncodeError:
            found = True
            yield Finding((str(key),), *_NOT_JSON)
    if not found:
        yield Finding((), *_NOT_JSON)


def _choice(branches: Iterable[list[jsonschema_rs.ValidationError]]) -> jsonschema_rs.ValidationError | None:
    """Return the enumeration among alternatives that the value misses; None when any other could be meant, too."""
    failed = [branch[0] for branch in branches if branch]
    choices = [error for error in failed if error.kind.name == "enum"]
    others = {error.kind.name for error in failed} - {"enum"}
    return choices[0] if len(choices) == 1 and others <= {"type"} else None


def _words(keyword: str, details: Mapping[str, Any], value: object, rule: Mapping[str, Any]) -> tuple[str, str]:
    if keyword == "type":
        return _type_words(details["types"], value, rule)
    if keyword == "enum":
        return "is not one of the allowed values", _instead(
            str(value)[:_LONGEST_NAME], [_written(option) for option in details["options"]]
        )
    if keyword == "const":
        details = {"expected_value": _written(details["expected_value"])}
    cause, remedy = _WORDS.get(keyword, _NO_WORDS)
    return cause.format(**details), remedy.format(**details)


def _type_words(types: list[str], value: object, rule: Mapping[str, Any]) -> tuple[str, str]:
    wanted, sample = " or ".join(_KINDS[kind] for kind in types), _SAMPLES.get(types[0], "")
    if types == ["string"] and isinstance(value, int | float):
        return f"must be {wanted}", "put it in quotes"
    items = rule.get("items")
    if types == ["array"] and isinstance(items, dict):
        inside = items.get("type")
        if isinstance(inside, str):
            wanted, sample = f"a list of {_PLURALS.get(inside, _KINDS[inside])}", _LISTS.get(inside, sample)
        sample = json.dumps(items["examples"][:2]) if items.get("examples") else sample
    return f"must be {wanted}", f"write {wanted}" + (f", as in {sample}" if sample and len(types) == 1 else "")


def _written(value: object) -> str:
    """Return a value as a file says it: ``false``, ``null``, ``12``; text in quotes where it would be read as these."""
    if not isinstance(value, str):
        return json.dumps(value)
    try:
        json.loads(value)
    except ValueError:
        return value
    return json.dumps(value)


def _instead(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"did you mean {close[0]}?"
    return f"allowed: {', '.join(known[:_MOST_NAMES])}" if known else "remove it"
