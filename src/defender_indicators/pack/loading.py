"""Reads every file of a pack and finds everything that is wrong with it, before any of its code runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from defender_indicators.pack.action import Action
from defender_indicators.pack.code import code_fault, parse_reference
from defender_indicators.pack.content import content_root
from defender_indicators.pack.lint import schema_problems
from defender_indicators.pack.manifests import action_problems, read_manifest, untold, value_problems
from defender_indicators.pack.schemas import Schemas, runtime_schemas

if TYPE_CHECKING:
    from pathlib import Path

    from defender_indicators.pack.strict_yaml import Document

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_HANDLER_PARAMETERS = ("inputs", "context")


class Loading:
    """One pass over a pack. Afterwards ``problems`` is complete; without problems the other fields are usable."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.schemas = runtime_schemas() if root.resolve() == content_root() else Schemas(root)
        self.actions: dict[str, Action] = {}
        self.connector: Document | None = None
        self.plugin, self.problems = read_manifest(root, "plugin.yaml", "plugin")
        for document in self.schemas.documents.values():
            self.problems += document.problems or schema_problems(document, (), document.data, self.schemas)
        plugin: dict[str, Any] = self.plugin.data if isinstance(self.plugin.data, dict) else {}
        self._load_connector(plugin.get("connector"))
        self._check_listed("actions", plugin.get("actions"))
        self._check_listed("playbooks", plugin.get("playbooks"))
        for name in _names(plugin.get("actions")):
            if (root / "actions" / f"{name}.yaml").is_file():
                self._load_action(name)
        configuration = plugin.get("configuration")
        if isinstance(configuration, str) and configuration not in self.schemas.documents:
            self._report(self.plugin, ("configuration",), "the schema is missing", "name a file below schemas/")

    def _load_connector(self, name: object) -> None:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            return
        self.connector, problems = read_manifest(self.root, f"connectors/{name}.yaml", "connector")
        self.problems += problems
        self._check_code(self.connector, name, "connectors", None)

    def _load_action(self, name: str) -> None:
        manifest, problems = read_manifest(self.root, f"actions/{name}.yaml", "action")
        if not isinstance(manifest.data, dict):
            self.problems += problems
            return
        problems += untold(action_problems(manifest, self.schemas), problems)
        self.problems += problems or value_problems(manifest, self.schemas)
        if not problems:
            self.actions[name] = Action.of(manifest, self.root, self.schemas)
        given = manifest.data.get("name")
        if isinstance(given, str) and given != name:
            self._report(manifest, ("name",), "differs from the file's name", f"write {name}")
        self._check_code(manifest, name, "actions", _HANDLER_PARAMETERS)

    def _check_code(self, manifest: Document, name: str, folder: str, parameters: tuple[str, ...] | None) -> None:
        data = manifest.data if isinstance(manifest.data, dict) else {}
        reference = parse_reference(data.get("handler"), folder)
        if reference is None:
            return
        if reference.module != name:
            self._report(manifest, ("handler",), "is another file's code", f"name something in {folder}/{name}.py")
        elif fault := code_fault(self.root, reference, parameters):
            wanted = f"class {reference.name}" if parameters is None else f"def run({', '.join(parameters)})"
            self._report(manifest, ("handler",), fault, f"write {wanted} in {reference.file}")

    def _check_listed(self, folder: str, listed: object) -> None:
        """Compare what plugin.yaml lists with what the folder holds."""
        names = _names(listed)
        for index, name in enumerate(names):
            if name and not (self.root / folder / f"{name}.yaml").is_file():
                self._report(self.plugin, (folder, index), f"{folder}/{name}.yaml is missing", "add it")
        for file in sorted((self.root / folder).glob("*")):
            if file.suffix == ".yml" or (file.suffix in (".yaml", ".py") and file.stem not in names):
                self._report(
                    self.plugin, (folder,), f"{folder}/{file.name} is not listed", "list it, or remove the file"
                )

    def _report(self, document: Document, path: tuple[str | int, ...], cause: str, remedy: str) -> None:
        self.problems.append(document.problem(path, cause, remedy))


def _names(listed: object) -> list[str]:
    """Return the names in a list, "" in the place of what cannot be one."""
    if not isinstance(listed, list):
        return []
    return [name if isinstance(name, str) and _NAME.fullmatch(name) else "" for name in listed]
