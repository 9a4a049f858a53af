"""What an organisation has seen of one file, domain or address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

HASHES = ("sha1", "sha256", "md5")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One file, domain or address; times are ISO 8601 texts with a zone, ``""`` for never."""

    devices: int = 0
    """How many devices of the organisation have met it."""
    first_seen: str = ""
    last_seen: str = ""
    file: Mapping[str, Any] = field(default_factory=dict)
    """Of a file: its hashes (``sha1``, ``sha256``, ``md5``), and what else ``GET /api/files/{id}`` shows of it."""
    alerts: Sequence[Mapping[str, Any]] = ()
    """The alerts it is related to, in Microsoft's spelling."""
