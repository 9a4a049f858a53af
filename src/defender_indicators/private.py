"""Folders that belong to one user."""

from __future__ import annotations

from pathlib import Path


def private_folder(path: Path) -> None:
    """Make a folder and whatever is missing above it, closed to others (mode 0700); what is there stays as it is.

    Raises:
        OSError: it cannot be made, or something else is in its place.
    """
    if not path.parent.exists():
        private_folder(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
