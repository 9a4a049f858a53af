"""Folders and files that belong to one user."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def private_folder(path: Path) -> None:
    """Make a folder and whatever is missing above it, closed to others (mode 0700); what is there stays as it is.

    Raises:
        OSError: it cannot be made, or something else is in its place.
    """
    if not path.parent.exists():
        private_folder(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file for its owner only (mode 0600) so that it is there whole or not at all, also after a power cut.

    Raises:
        OSError: it cannot be written.
    """
    with whole_file(path) as file:
        file.write(data)


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Yield a file to write as `write_whole` does, of any length; after an exception nothing has changed.

    Raises:
        OSError: it cannot be written.
    """
    file = tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False)  # noqa: SIM115 - renamed
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(path)
    finally:
        Path(file.name).unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
