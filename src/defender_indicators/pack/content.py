"""Where the shipped content lives."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


@cache
def content_root() -> Path:
    """Return the folder of the shipped pack, the one that holds ``plugin.yaml``.

    In a wheel it is ``content/`` inside the package; in a checkout or an editable install, the repository's root.
    """
    shipped = _PACKAGE / "content"
    return shipped if shipped.is_dir() else _PACKAGE.parent.parent
