"""Files whose hashes are known without any list: the empty file, and the Python that runs this."""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from pathlib import Path
from typing import Final

ALGORITHMS: Final = {32: "md5", 40: "sha1", 64: "sha256"}
"""Digits of a hash → its algorithm."""
EMPTY_FILE: Final = frozenset(hashlib.new(name, b"", usedforsecurity=False).hexdigest() for name in ALGORITHMS.values())


@cache
def interpreter_hash(algorithm: str) -> str:
    """Return the hash of the running Python, in lower-case hex; ``""`` where its file cannot be read."""
    try:
        with Path(sys.executable).open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()
    except OSError:
        return ""
