"""A folder as a source: its files, in the order of their names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from defender_indicators.errors import InputError
from defender_indicators.sources.manifest import event_files

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_FILES: Final = 10_000


def read_folder(path: Path) -> list[Path]:
    """Return the files in a folder and the folders below it, in the order of their names.

    Hidden files and folders are left out, and so is everything that is no regular file. A link counts as what it
    leads to as long as that lies in the folder; folders are not entered through links. Of a folder that holds a MISP
    feed, only the events that its manifest lists are returned.

    Raises:
        InputError: no folder, it or one below it cannot be read, holds no file, or more than 10,000.
    """
    try:
        root = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', '') or 'a loop of links'}") from None
    files: list[Path] = []
    for file in _walk(path):
        if _is_inside(file, root):
            files.append(file)
            if len(files) > MOST_FILES:
                raise InputError(f"{path}: more than {MOST_FILES:,} files; give a folder for each run, or one file")
    if not files:
        raise InputError(f"{path}: holds no file that can be read; nothing was sent")
    return sorted(event_files(path, files) or files)


def _walk(path: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise InputError(f"{error.filename}: cannot be read: {error.strerror}; give a folder that can be") from None

    for folder, folders, names in os.walk(path, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(folder, name) for name in names if not name.startswith("."))


def _is_inside(file: Path, root: Path) -> bool:
    try:
        return file.is_file() and file.resolve(strict=True).is_relative_to(root)
    except (OSError, RuntimeError):
        return False  # a link that leads nowhere, or to itself
