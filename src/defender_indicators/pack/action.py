"""One action: what its manifest says, and the function that it names."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from defender_indicators.pack.code import load_code

if TYPE_CHECKING:
    from pathlib import Path

    from defender_indicators.pack.checker import Checker
    from defender_indicators.pack.schemas import Schemas
    from defender_indicators.pack.strict_yaml import Document

Handler = Callable[[Mapping[str, Any], Any], Mapping[str, Any]]


@dataclass(frozen=True)
class Action:
    """An action as its manifest describes it; ``inputs`` and ``outputs`` are JSON Schemas."""

    name: str
    title: str
    description: str
    doc_url: str
    handler: str
    effects: Literal["read", "write", "destroy"]
    permissions: tuple[str, ...]
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    examples: tuple[Mapping[str, Any], ...]
    root: Path = field(repr=False)
    manifest: Document = field(repr=False)
    schemas: Schemas = field(repr=False)

    @classmethod
    def of(cls, manifest: Document, root: Path, schemas: Schemas) -> Action:
        """Make an action of a manifest that has been checked."""
        entries = {key: value for key, value in manifest.data.items() if key != "schema_version"}
        entries["permissions"] = tuple(entries["permissions"])
        entries["examples"] = tuple(entries["examples"])
        return cls(**entries, root=root, manifest=manifest, schemas=schemas)

    @cached_property
    def input_checker(self) -> Checker:
        """Checks inputs; rows (see :meth:`filled`) are not part of what it sees."""
        return self.schemas.checker(self.inputs, self.manifest)

    @cached_property
    def output_checker(self) -> Checker:
        """Checks the outputs."""
        return self.schemas.checker(self.outputs, self.manifest)

    def filled(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the inputs with the schema's defaults where the caller said nothing."""
        properties = self.inputs.get("properties", {})
        defaults = {name: rule["default"] for name, rule in properties.items() if "default" in rule}
        return {**copy.deepcopy(defaults), **inputs}

    def input_problems(self, inputs: Mapping[str, Any]) -> list[str]:
        """Return everything that is wrong with the inputs, ``$.path: cause; remedy`` each.

        Rows are an array whose items the handler judges one by one (``x-rows: true`` in the schema): any iterable that
        is neither text nor a mapping will do, and it is not walked here.
        """
        properties = self.inputs.get("properties", {})
        seen = {
            name: [] if properties.get(name, {}).get("x-rows") and _is_array(value) else value
            for name, value in inputs.items()
        }
        return [str(finding) for finding in self.input_checker.findings(seen)]

    def output_problems(self, outputs: Mapping[str, Any]) -> list[str]:
        """Return what is wrong with the envelope of the outputs: everything but the items of its arrays."""
        envelope = {name: _envelope(outputs[name]) for name in outputs}
        return [str(finding) for finding in self.output_checker.findings(envelope)]

    def run(self, inputs: Mapping[str, Any], context: Any) -> Mapping[str, Any]:
        """Call the handler, which is loaded the first time.

        Raises:
            ManifestError: the handler cannot be loaded.
            PackError: what the handler raises.
        """
        handler: Handler = load_code(self.root, self.handler)
        return handler(inputs, context)


def _is_array(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | bytearray | Mapping)


def _envelope(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _envelope(inner) for key, inner in value.items()}
    return [] if _is_array(value) else value
