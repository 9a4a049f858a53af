"""Reading back: compare the tenant's indicators with what was sent. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from enum import Enum
from typing import Any, Final, NamedTuple

from defender_indicators.indicators import row_from_api

_COMPARED: Final = (
    "title",
    "description",
    "severity",
    "recommendedActions",
    "generateAlert",
    "educateUrl",
    "expirationTime",
)

Key = tuple[str, str]
"""(type, canonical value)"""


class Found(Enum):
    """What the tenant holds of one sent row."""

    EQUAL = "equal"
    OLDER = "older"
    CHANGED = "changed"
    ABSENT = "absent"


class Finding(NamedTuple):
    """``ids`` are all rows of the same identity, the best match first; more than one means doubles.

    ``fresh``: the tenant's row was changed after ours was sent, so our call may be what changed it.
    """

    found: Found
    ids: Sequence[str]
    fresh: bool = False


class Reading:
    """What a listing says about some rows; only those with a wanted key or id are kept."""

    def __init__(self, wanted: set[Key], ids: AbstractSet[str] = frozenset()) -> None:
        self._wanted = wanted
        self._wanted_ids = ids
        self._rows: dict[Key, list[dict[str, Any]]] = {}
        self._ids: dict[str, dict[str, Any]] = {}

    def add(self, page: Iterable[object]) -> None:
        """Take in a page of the tenant's rows."""
        for raw in page:
            row = row_from_api(raw)
            if row is None:
                continue
            if row["id"] in self._wanted_ids:
                self._ids[row["id"]] = row
            if (row["type"], row["value"]) in self._wanted:
                self._rows.setdefault((row["type"], row["value"]), []).append(row)

    def find(self, sent: Mapping[str, Any], sent_wall: str) -> Finding:
        """Say what became of a row that was sent (Microsoft's spelling) at ``sent_wall`` (ISO 8601, ``""``: never)."""
        ours = row_from_api({"id": "", **sent})
        if ours is None:
            return Finding(Found.ABSENT, ())
        rows = self._rows.get((ours["type"], ours["value"]), [])
        same = [row for row in rows if row["action"] == ours["action"] and row["scope"] == ours["scope"]]
        same.sort(key=lambda row: not _equal(ours, row))
        ids = list(dict.fromkeys(row["id"] for row in same))
        if not same:
            return Finding(Found.ABSENT, ())
        if _equal(ours, same[0]):
            return Finding(Found.EQUAL, ids, _after(same[0].get("lastUpdateTime"), sent_wall))
        fresh = any(_after(row.get("lastUpdateTime"), sent_wall) for row in same)
        return Finding(Found.CHANGED if fresh else Found.OLDER, ids, fresh)

    def listed(self, identifier: str) -> dict[str, Any] | None:
        """Return the row with a wanted id as ``row_from_api`` does, None when there is none."""
        return self._ids.get(identifier)

    def sees(self, keys: set[Key]) -> bool:
        """Whether the listing holds at least one of these rows."""
        return any(key in self._rows for key in keys)


def changed_since(row: Mapping[str, Any], listed: Mapping[str, Any], sent_wall: str) -> bool:
    """Say whether somebody gave a listed row other details after ``sent_wall`` (ISO 8601, ``""``: never)."""
    return _after(listed.get("lastUpdateTime"), sent_wall) and not _equal(row, listed)


def _equal(sent: Mapping[str, Any], listed: Mapping[str, Any]) -> bool:
    """Compare the fields that both sides name, and the end, without which a row stays; null is empty text."""
    named = (name for name in _COMPARED if name in sent and (name in listed or name == "expirationTime"))
    return all(_plain(sent[name]) == _plain(listed.get(name)) for name in named)


def _plain(value: Any) -> Any:
    if not isinstance(value, str):
        return "" if value is None else value
    return _instant(value) or value


def _instant(text: str) -> datetime | None:
    if len(text) < len("2026-01-01T00:00:00Z") or text[4] != "-":
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else None


def _after(stamp: Any, sent_wall: str) -> bool:
    """Whether a row was changed since we sent ours; the service may write whole seconds."""
    changed, sent = _instant(stamp) if isinstance(stamp, str) else None, _instant(sent_wall)
    return changed is not None and sent is not None and changed >= sent.replace(microsecond=0)
