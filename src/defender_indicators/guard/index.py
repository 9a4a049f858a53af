"""The prebuilt index of the warninglists in use: one file in a private folder, built when it is not there yet.

The file is a checksum of the rest, the length of a header, the header (JSON), and the sections one after another. What
does not match its checksum is built again, never trusted. Nothing in it is executed when it is read.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from defender_indicators.guard import lists
from defender_indicators.guard.tables import Section
from defender_indicators.indicators.public_suffixes import suffix_file
from defender_indicators.private import private_folder, write_whole

FORMAT: Final = 1
_KEPT: Final = 3
"""Indexes of so many selections or versions stay; the oldest go."""
_CHECKSUM: Final = 4


class ListInfo(NamedTuple):
    """What the index says of one list."""

    folder: str
    name: str
    version: str
    entries: int


class Index(NamedTuple):
    """The lists, numbered from 1, and the sections of `defender_indicators.guard.build.sections`."""

    lists: tuple[ListInfo, ...]
    sections: tuple[Section, ...]


def open_index(folder: Path, selected: Sequence[str], say: Callable[[str], None]) -> Index:
    """Return the index of the selected lists, from its file or built anew.

    Args:
        folder: where indexes are kept; one that cannot be written costs the time of a build, nothing else.
        selected: folders of the lists.
        say: is told when something takes a while.

    Raises:
        ConfigurationError: a list cannot be read.
    """
    path = folder / f"warninglists-{_key(selected)}.index"
    found = _read(path)
    if found is None:
        say(f"building the index of {len(selected)} warninglists, once for each version of them")
        found = _build(selected)
        try:
            _write(path, found)
        except OSError as error:
            say(f"{path}: the index cannot be kept ({error.strerror}); the next run builds it again")
    return found


def _key(selected: Sequence[str]) -> str:
    """Return what changes whenever the index would: the files it is made of, their order, and its format."""
    root = lists.folder_of_lists()
    files = [suffix_file(), *(root / name / "list.json" for name in selected)]
    seen = [(str(file), (stat := file.stat()).st_size, stat.st_mtime_ns) for file in files]
    text = json.dumps([FORMAT, sys.byteorder, seen])
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _build(selected: Sequence[str]) -> Index:
    from defender_indicators.guard.build import sections  # noqa: PLC0415  # only where an index is built

    infos: list[ListInfo] = []

    def each() -> Iterator[lists.Warninglist]:
        for name in selected:
            one = lists.load(name)
            infos.append(ListInfo(name, one.name, one.version, len(one.entries)))
            yield one

    built = sections(each())
    return Index(tuple(infos), tuple(built))


def _read(path: Path) -> Index | None:
    """Return the index of a file; None where there is none, or where it is not what was written."""
    try:
        with path.open("rb") as file:
            private = os.fstat(file.fileno()).st_mode & 0o077 == 0
            raw = file.read()
    except OSError:
        return None
    content = memoryview(raw)[_CHECKSUM:]
    if not private or _checksum(content) != raw[:_CHECKSUM]:
        return None
    end = 4 + int.from_bytes(content[:4], "big")
    header = json.loads(bytes(content[4:end]))
    sections = []
    for length in header["sections"]:
        sections.append(content[end : end + length])
        end += length
    return Index(tuple(ListInfo(*each) for each in header["lists"]), tuple(sections))


def _write(path: Path, index: Index) -> None:
    """Put the file in its place as a whole, and remove the oldest of its kind."""
    header = json.dumps({"lists": index.lists, "sections": [len(each) for each in index.sections]}).encode()
    content = b"".join([len(header).to_bytes(4, "big"), header, *index.sections])
    private_folder(path.parent)
    write_whole(path, _checksum(content) + content)
    _remove_old(path.parent)


def _remove_old(folder: Path) -> None:
    with contextlib.suppress(OSError):  # another process may do the same
        files = sorted(folder.glob("warninglists-*.index"), key=lambda file: file.stat().st_mtime_ns)
        for file in files[:-_KEPT]:
            file.unlink()


def _checksum(content: bytes | memoryview) -> bytes:
    return zlib.crc32(content).to_bytes(_CHECKSUM, "big")
