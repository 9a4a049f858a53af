"""The gate every row passes: `schemas/indicator.schema.json`, decided by jsonschema-rs, explained by jsonschema.

Each rule of the schema names its code in the annotation ``x-code`` (keyword → code), so that the rule that fails
names the verdict. The slower library is imported for the first row that fails.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from defender_indicators.indicators.codes import CODES, Refused, json_type, shown
from defender_indicators.pack.content import content_root

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

_PRECEDENCE = {code: rank for rank, code in enumerate(CODES)}


@cache
def schema() -> dict[str, Any]:
    """Return the schema of one row."""
    text = (content_root() / "schemas" / "indicator.schema.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


@cache
def validator(kind: str = "") -> jsonschema_rs.Draft202012Validator:
    """Return the compiled gate (about 2 ms the first time), for one type without the rules of the other types."""
    rules = [rule for rule in schema()["allOf"] if not kind or kind in _types(rule)]
    return jsonschema_rs.Draft202012Validator({**schema(), "allOf": rules})


def _types(rule: Mapping[str, Any]) -> list[str]:
    """Return the types a rule speaks of; a rule that names none speaks of all."""
    chosen = rule["if"].get("properties", {}).get("indicatorType", {})
    types: list[str] = schema()["properties"]["indicatorType"]["enum"]
    return [chosen["const"]] if "const" in chosen else chosen.get("enum", types)


@cache
def explainer() -> Draft202012Validator:
    """Return the validator that names the failing rule."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - 90 ms that only a failing row is worth

    return Draft202012Validator(schema())


def refusal(fields: Mapping[str, Any]) -> Refused:
    """Return why the gate refuses ``fields``."""
    if not all(isinstance(name, str) for name in fields):
        return Refused("not_an_object", "a field name is not text")
    try:
        found = [(_PRECEDENCE[_code(error)], error) for error in explainer().iter_errors(fields)]
    except (RecursionError, TypeError, ValueError):
        return Refused("not_json", "the row cannot be read")
    if not found:
        return _not_json(fields)
    rank, error = min(found, key=lambda pair: pair[0])
    return Refused(list(CODES)[rank], _place(error) + _found(error))


def _not_json(fields: Mapping[str, Any]) -> Refused:
    """Return the verdict on what the schema allows and JSON does not: broken Unicode, subclasses of plain types."""
    for name, value in fields.items():
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return Refused("bad_characters", f"{shown(name)}: broken Unicode (a lone surrogate)")
    return Refused("not_json", "a value is of no JSON type")


def _code(error: Any) -> str:
    code: str = error.schema["x-code"][error.validator]
    return code


def _place(error: Any) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{shown(part)}" for part in error.absolute_path)
    return place.removeprefix(".") + ": " if place else ""


def _found(error: Any) -> str:
    if error.validator == "required":
        return ", ".join(name for name in error.validator_value if name not in error.instance) + " missing"
    if error.validator == "additionalProperties":
        return ", ".join(_strange(error.instance, error.schema))
    if error.validator in {"maxLength", "maxItems"}:
        return f"{len(error.instance)} where at most {error.validator_value} fit"
    if error.validator == "enum":
        return f"{_quoted(error.instance)} is none of {', '.join(map(shown, error.validator_value))}"
    return _quoted(error.instance)


def _strange(fields: Mapping[str, Any], rules: Mapping[str, Any]) -> Iterator[str]:
    theirs = rules.get("x-server-set", ())
    for name in fields:
        if name not in rules["properties"]:
            yield f"'{shown(name)}' is set by the service" if name in theirs else f"'{shown(name)}' is no field"


def _quoted(value: object) -> str:
    return f"'{shown(value, 100)}'" if isinstance(value, str) else shown(value) or json_type(value)
