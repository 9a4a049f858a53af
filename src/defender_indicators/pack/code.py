"""Code of a pack: found by what a manifest names, checked without running it, loaded only when it is needed.

A reference is ``folder.module:name`` and means ``folder/module.py`` below the pack's root. Nothing else can be named:
no other folder, no package, no file that a link leads out of the pack to.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import re
import sys
import traceback
from functools import cache
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from defender_indicators.errors import ManifestError

if TYPE_CHECKING:
    from types import CodeType, ModuleType

FOLDERS = ("actions", "connectors")
MAX_BYTES = 1_000_000


class Reference(NamedTuple):
    """A parsed reference: ``actions.block:run`` is folder ``actions``, module ``block``, name ``run``."""

    folder: str
    module: str
    name: str

    @property
    def file(self) -> str:
        """The file, relative to the pack's root."""
        return f"{self.folder}/{self.module}.py"


def parse_reference(value: object, folder: str) -> Reference | None:
    """Split a reference to something in ``folder``; None when ``value`` is not one."""
    form = rf"{folder}\.([a-z][a-z0-9_]*):([A-Za-z][A-Za-z0-9_]*)"
    found = re.fullmatch(form, value) if isinstance(value, str) else None
    return Reference(folder, found[1], found[2]) if found else None


def code_fault(root: Path, reference: Reference, parameters: tuple[str, ...] | None) -> str:
    """Return why a reference cannot be used, ``""`` when it can; nothing is executed.

    Args:
        root: the pack's root.
        reference: what a manifest names.
        parameters: the parameters the function must take, None when a class is named.
    """
    file = root / reference.file
    if not file.is_file():
        return f"{reference.file} is missing"
    if not file.resolve().is_relative_to(root.resolve()):
        return f"{reference.file} leads out of the pack"
    if file.stat().st_size > MAX_BYTES:
        return f"{reference.file} is larger than {MAX_BYTES:,} bytes"
    try:
        tree = ast.parse(file.read_bytes(), reference.file)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return f"{reference.file} is not Python"
    return _definition_fault(tree, reference, parameters)


def _definition_fault(tree: ast.Module, reference: Reference, parameters: tuple[str, ...] | None) -> str:
    found = next((node for node in tree.body if getattr(node, "name", None) == reference.name), None)
    if parameters is None:
        return "" if isinstance(found, ast.ClassDef) else f"{reference.file} has no class {reference.name}"
    if not isinstance(found, ast.FunctionDef):
        return f"{reference.file} has no function {reference.name}"
    taken = tuple(argument.arg for argument in found.args.args)
    return "" if taken == parameters else f"{reference.name} must take ({', '.join(parameters)})"


def load_code(root: Path, text: str) -> Any:
    """Import the file of a reference and return what it names.

    Raises:
        ManifestError: the file is missing, leads out of the pack, fails to import, or lacks the name.
    """
    reference = parse_reference(text, text.partition(".")[0])
    if reference is None or reference.folder not in FOLDERS:
        raise ManifestError([f"plugin.yaml:1: $: {text[:80]!r} names no code of a pack; name actions.NAME:run"])
    file = root / reference.file
    if not file.is_file() or not file.resolve().is_relative_to(root.resolve()):
        raise ManifestError([_problem(reference, 1, "is missing or leads out of the pack")])
    try:
        module = _module(file.resolve())
    except Exception as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file.resolve())]
        line = (frames[-1].lineno if frames else None) or 1
        raise ManifestError([_problem(reference, line, f"cannot be loaded ({type(error).__name__})")]) from error
    if not hasattr(module, reference.name):
        raise ManifestError([_problem(reference, 1, f"has no {reference.name}")])
    return getattr(module, reference.name)


def _problem(reference: Reference, line: int, cause: str) -> str:
    return f"{reference.file}:{line}: $: {cause}; run `defender-indicators validate` and correct the pack"


class _Source(SourceFileLoader):
    """Runs the source and nothing else: compiled code beside it was never checked, and may come from anywhere."""

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002  # the loader has one file
        """Compile the file; a cache is neither read nor written."""
        code: CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code


@cache
def _module(file: Path) -> ModuleType:
    """Import one file under a name that no other file has, so that two packs can be used side by side."""
    digest = hashlib.sha256(str(file).encode()).hexdigest()[:12]
    name = f"_defender_indicators_pack_{digest}_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file, loader=_Source(name, str(file)))
    if spec is None or spec.loader is None:  # pragma: no cover - a loader is given
        raise ImportError(name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
