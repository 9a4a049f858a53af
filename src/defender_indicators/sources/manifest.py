"""The table of contents of a MISP feed: ``manifest.json`` beside one file for each event."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

from defender_indicators.errors import InputError
from defender_indicators.sources.misp_documents import manifest_events
from defender_indicators.sources.whole import load_whole

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MANIFEST: Final = "manifest.json"


def is_manifest(url: str) -> bool:
    """Tell whether a URL names the manifest of a feed."""
    return urlsplit(url).path.endswith(f"/{MANIFEST}")


def event_urls(url: str, body: bytes, place: str) -> list[str]:
    """Return the URLs of a feed's events, given its manifest's URL and content; a query is kept, it may be a key.

    Raises:
        InputError: ``body`` is no manifest; ``place`` is what the message calls it.
    """
    parts = urlsplit(url)
    folder = parts.path.removesuffix(MANIFEST)
    return [urlunsplit(parts._replace(path=folder + name)) for name in _events(body, place)]


def event_files(folder: Path, files: Iterable[Path]) -> list[Path]:
    """Return the files of the events that a folder's manifest lists, nothing where there is no manifest of MISP's.

    A listed file that is not there is returned too: that it is missing shows when it is opened. One that is there
    counts only if it is among ``files``, those that may be read.
    """
    manifest, readable = folder / MANIFEST, set(files)
    if manifest not in readable:
        return []
    try:
        with manifest.open("rb") as stream:
            names = manifest_events(load_whole(stream, str(manifest)))
    except (InputError, OSError):
        return []  # a file of that name that belongs to something else
    listed = [folder / name for name in names]
    return [file for file in listed if file in readable or not file.is_symlink()]


def _events(body: bytes, place: str) -> list[str]:
    try:
        return manifest_events(load_whole(io.BytesIO(body), place))
    except InputError as error:
        text = str(error)
        raise InputError(text if text.startswith(place) else f"{place}: {text}") from None
