"""The warninglists of the installed package ``pymispwarninglists``: found and read as data, never imported.

Its own loader takes seconds and hundreds of megabytes, and matches exact texts only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

from defender_indicators.errors import ConfigurationError
from defender_indicators.guard.selection import SELECTION
from defender_indicators.guard.settings import GuardSettings

_PACKAGE: Final = "pymispwarninglists"
_NAME: Final = re.compile(r"(?:[a-z0-9_-]+\.)+[a-z0-9-]*[a-z][a-z0-9-]*").fullmatch
_DIGEST: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}").fullmatch
_ADDRESS: Final = re.compile(r"[0-9.]+(?:/[0-9]+)?|[0-9a-f]*:[0-9a-f:.]+(?:/[0-9]+)?").fullmatch


class Warninglist(NamedTuple):
    """One list as it is published: ``folder`` is what the configuration calls it, ``name`` what it calls itself."""

    folder: str
    name: str
    version: str
    type: str
    entries: tuple[str, ...]


@cache
def folder_of_lists() -> Path:
    """Return the folder with one folder for every list.

    Raises:
        ConfigurationError: the package is not installed as it should be.
    """
    spec = find_spec("pymispwarninglists")
    if spec and spec.origin:
        folder = Path(spec.origin).parent / "data" / "misp-warninglists" / "lists"
        if folder.is_dir():
            return folder
    raise ConfigurationError(f"{_PACKAGE}: its lists are not there; install it again (pip install --force-reinstall)")


def selected(settings: GuardSettings) -> tuple[str, ...]:
    """Return the folders of the lists in use, in the order in which they are named as a reason.

    A default list that the installed version does not have is left out.

    Raises:
        ConfigurationError: the configuration adds or removes a list that does not exist.
    """
    root = folder_of_lists()
    present = {folder.name for folder in root.iterdir() if (folder / "list.json").is_file()}
    for place, names in (("add", settings.warninglists_add), ("remove", settings.warninglists_remove)):
        if unknown := sorted(set(names) - present - set(SELECTION)):
            raise ConfigurationError(
                f"guard.warninglists.{place}: {', '.join(unknown)}: no such list; `guard --lists` shows what there is"
            )
    wanted = dict.fromkeys((*SELECTION, *settings.warninglists_add))
    return tuple(name for name in wanted if name in present and name not in settings.warninglists_remove)


def available() -> tuple[str, ...]:
    """Return the folders of all lists there are."""
    return tuple(sorted(folder.parent.name for folder in folder_of_lists().glob("*/list.json")))


def version() -> str:
    """Return the version of the package."""
    from importlib.metadata import version as version_of  # noqa: PLC0415  # slow to import

    return version_of(_PACKAGE)


def load(folder: str) -> Warninglist:
    """Return one list.

    Raises:
        ConfigurationError: its file is damaged.
    """
    import orjson  # noqa: PLC0415  # only where an index is built

    path = folder_of_lists() / folder / "list.json"
    try:
        content = orjson.loads(path.read_bytes())
        entries = tuple(entry for entry in content["list"] if isinstance(entry, str))
        return Warninglist(folder, content["name"], str(content["version"]), content["type"], entries)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{_PACKAGE}: list {folder}: cannot be read ({error}); install it again") from None


def sorted_out(entries: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield ``(kind, value)`` for every entry that can be compared: ``digest``, ``address`` or ``name``.

    What is none of them (regular expressions, e-mail addresses, longer hashes, single labels) is left out.
    """
    for entry in entries:
        text = entry.strip().lower().lstrip("*").lstrip(".")
        if _DIGEST(text):
            yield "digest", text
        elif _ADDRESS(text):
            yield "address", text
        else:
            name = _ascii(text.removeprefix("https://").removeprefix("http://").rstrip("/."))
            if _NAME(name):
                yield "name", name


def _ascii(name: str) -> str:
    if name.isascii():
        return name
    from defender_indicators.indicators.codes import Refused  # noqa: PLC0415  # only for international names
    from defender_indicators.indicators.domains import host_name  # noqa: PLC0415  # only for international names

    try:
        return host_name(name, [])
    except Refused:
        return ""
