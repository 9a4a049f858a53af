"""Checks one file of a pack by itself: everything about it that no other file can change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from defender_indicators.pack.lint import schema_problems, union_problems
from defender_indicators.pack.schemas import read_inside, runtime_schemas

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from defender_indicators.pack.checker import Checker
    from defender_indicators.pack.problems import Problem
    from defender_indicators.pack.schemas import Schemas
    from defender_indicators.pack.strict_yaml import Document


def read_manifest(root: Path, name: str, kind: str) -> tuple[Document, list[Problem]]:
    """Read a YAML file of the pack and check it against the runtime's schema of its kind (``plugin``, ``action`` …).

    A value that YAML already made a problem of is not reported a second time.
    """
    return _checked(read_inside(root, root / name, name), kind)


def action_problems(manifest: Document, schemas: Schemas) -> list[Problem]:
    """Return what is wrong with the schemas of an action's inputs and outputs."""
    parts = {key: manifest.data.get(key) for key in ("inputs", "outputs")}
    problems = [
        problem
        for key, part in parts.items()
        if isinstance(part, dict)
        for problem in schema_problems(manifest, (key,), part, schemas)
    ]
    if isinstance(parts["outputs"], dict):
        problems += union_problems(manifest, ("outputs",), parts["outputs"], schemas)
    return problems


def value_problems(manifest: Document, schemas: Schemas) -> list[Problem]:
    """Return the defaults and examples of a manifest, otherwise right, that break its own inputs and outputs."""
    return [*_default_problems(manifest, schemas), *_example_problems(manifest, schemas)]


def file_problems(file: Path) -> list[Problem]:
    """Return what is wrong with one file that stands alone; what kind it is, its entries tell.

    References lead to the schemas of this runtime. What only a whole pack can show (a missing handler, a name that
    differs from the file's) is left out.
    """
    schemas = runtime_schemas()
    if file.suffix == ".json":
        document = read_inside(file.parent, file, f"schemas/{file.name}")
        problems = list(document.problems) or schema_problems(document, (), document.data, schemas)
    else:
        document = read_inside(file.parent, file, f"actions/{file.name}")
        kind = _kind(document.data)
        document, problems = _checked(document, kind)
        if kind == "action" and isinstance(document.data, dict):
            problems += untold(action_problems(document, schemas), problems)
            problems += [] if problems else value_problems(document, schemas)
    return [problem._replace(file=str(file)) for problem in problems]


def _kind(data: object) -> str:
    keys = data.keys() if isinstance(data, dict) else ()
    if "actions" in keys or "playbooks" in keys:
        return "plugin"
    return "connector" if "clouds" in keys else "action"


def _checked(document: Document, kind: str) -> tuple[Document, list[Problem]]:
    problems = list(document.problems)
    if document.data is not None:
        findings = runtime_schemas().named(kind).findings(document.data)
        found = [document.problem(finding.path, finding.cause, finding.remedy) for finding in findings]
        problems += untold(found, problems)
    return document, problems


def untold(found: list[Problem], told: list[Problem]) -> list[Problem]:
    """Return the problems at places of which nothing has been told yet: one cause is enough for a place."""
    places = {problem.path for problem in told}
    return [problem for problem in found if problem.path not in places]


def _default_problems(manifest: Document, schemas: Schemas) -> Iterator[Problem]:
    for name, rule in manifest.data["inputs"]["properties"].items():
        if "default" in rule:
            place = ("inputs", "properties", name, "default")
            yield from _misfits(manifest, place, schemas.checker(rule, manifest), rule["default"])


def _example_problems(manifest: Document, schemas: Schemas) -> Iterator[Problem]:
    inputs = schemas.checker(manifest.data["inputs"], manifest)
    outputs: Mapping[str, Any] = manifest.data["outputs"]
    target = schemas.target(outputs.get("$ref", ""), manifest)
    known = (target.schema if target else outputs).get("properties", {})
    for index, example in enumerate(manifest.data["examples"]):
        yield from _misfits(manifest, ("examples", index, "inputs"), inputs, example["inputs"])
        for name in example["expect"]:
            if name not in known:
                place = ("examples", index, "expect", name)
                yield manifest.problem(place, "is not an output", f"outputs: {', '.join(known)}")


def _misfits(manifest: Document, place: tuple[str | int, ...], checker: Checker, value: object) -> Iterator[Problem]:
    for found in checker.findings(value):
        yield manifest.problem((*place, *found.path), found.cause, found.remedy)
