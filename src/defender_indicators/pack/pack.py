"""A pack: a folder with a ``plugin.yaml``, checked as a whole."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from defender_indicators.errors import InputError, ManifestError
from defender_indicators.pack.code import load_code
from defender_indicators.pack.loading import Loading
from defender_indicators.pack.manifests import file_problems

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from defender_indicators.pack.action import Action


@dataclass(frozen=True)
class Connector:
    """The one client of one product; ``product`` is what its manifest says."""

    name: str
    product: Mapping[str, Any]
    root: Path = field(repr=False)

    def load(self) -> Any:
        """Return the connector's class.

        Raises:
            ManifestError: its file cannot be loaded.
        """
        return load_code(self.root, self.product["handler"])


class Pack:
    """A checked pack.

    Args:
        root: any folder that holds a ``plugin.yaml``.

    Raises:
        ManifestError: with every problem of every file, ``file:line: $.path: cause; remedy`` each.
    """

    def __init__(self, root: Path) -> None:
        loading = Loading(root)
        if loading.problems:
            raise ManifestError([str(problem) for problem in sorted(set(loading.problems))])
        self.root = root
        self.manifest: Mapping[str, Any] = MappingProxyType(loading.plugin.data)
        self.actions: Mapping[str, Action] = MappingProxyType(loading.actions)
        self.schemas = loading.schemas
        product = loading.connector.data if loading.connector else {}
        self.connector = Connector(str(self.manifest["connector"]), product, root)

    @property
    def name(self) -> str:
        """The pack's name, the first half of a qualified action name."""
        return str(self.manifest["name"])

    @property
    def version(self) -> str:
        """The pack's version."""
        return str(self.manifest["version"])

    def action(self, name: str) -> Action:
        """Return an action by its name, plain or qualified (``defender_indicators.import_indicators``).

        Raises:
            InputError: there is no such action; the message names the closest ones.
        """
        plain = name.removeprefix(f"{self.name}.")
        if plain in self.actions:
            return self.actions[plain]
        close = difflib.get_close_matches(plain, self.actions, n=3, cutoff=0.5)
        remedy = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(self.actions)}"
        raise InputError(f"{plain[:80]!r}: there is no such action; {remedy}")


def validate(path: Path) -> list[str]:
    """Return every problem of a pack (its folder) or of one manifest or schema (a file), [] when there is none."""
    problems = file_problems(path) if path.is_file() else Loading(path).problems
    return [str(problem) for problem in sorted(set(problems))]
