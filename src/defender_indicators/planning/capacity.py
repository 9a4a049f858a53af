"""Does it fit? The tenant holds so many active rows, whoever made them. Pure.

Source: ti-indicator.md (15,000 active indicators a tenant, shared by all that write to it).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from defender_indicators.delivery.records import NOTHING
from defender_indicators.planning.changes import Change, deleting
from defender_indicators.planning.snapshot import Row, Snapshot

_SHOWN: Final = 1000
_SEVERITIES: Final = ("Informational", "Low", "Medium", "High")


@dataclass(frozen=True, slots=True)
class Room:
    """``limit`` active rows a tenant, of which ``reserve`` are kept for analysts; ``evict`` allows own rows to go."""

    limit: int = 15_000
    reserve: int = 0
    evict: bool = False


def rank(severity: str, priority: int, confidence: int, newest: str) -> tuple[int, int, int, str]:
    """Return what rows are ordered by when not all fit; the highest stays."""
    level = _SEVERITIES.index(severity) if severity in _SEVERITIES else -1
    return priority, level, confidence, newest


def rank_of(row: Row) -> tuple[int, int, int, str]:
    """Return the rank of a row of the tenant, of which priority and confidence are not known any more."""
    return rank(str(row.get("severity", "")), 0, 0, str(row.get("lastUpdateTime", "")))


EARLY: Final = -1
"""The lane of deletions that come before every import."""


def fitted(changes: Sequence[Change], snapshot: Snapshot, room: Room, set_name: str) -> list[Change]:
    """Return the changes that fit, the others deferred; deletions that make room are put before the additions.

    Rows are added by rank. What does not fit takes the place of lower rows of the set only where ``room.evict`` says
    so; rows of others are never touched. A row that replaces another needs room of its own until the other is gone.
    """
    additions = [change for change in changes if change.sent and _needs_room(change)]
    free = max(0, room.limit - room.reserve - len(snapshot.rows))
    if len(additions) <= free:
        return list(changes)
    early = {change.position for change in changes if change.sent and change.kind == "delete"}
    found = [change._replace(lane=EARLY) if change.position in early else change for change in changes]
    lacking = len(additions) - free - len(early)
    if lacking <= 0:
        return found
    lowest = sorted(additions, key=lambda change: (change.kind == "replace", change.rank))[:lacking]
    evicted = _evicted(lowest, changes, snapshot, set_name) if room.evict else []
    first = max((change.position for change in changes), default=-1) + 1
    left_out = {change.position for change in lowest[: lacking - len(evicted)]}
    gone = {row["id"] for row in evicted}
    full = f"the tenant holds {len(snapshot.rows)} of {room.limit} rows"
    found = [
        change.stopped("deferred", "capacity_reached", full)
        if change.position in left_out or change.after in left_out or (change.kind == "unchanged" and change.id in gone)
        else change
        for change in found
    ]
    why = "makes room for a row of a higher rank"
    return found + [
        deleting("evict", row, first + number, reason=why, lane=EARLY) for number, row in enumerate(evicted)
    ]


def _needs_room(change: Change) -> bool:
    return change.kind == "add" or (change.kind == "replace" and change.after == NOTHING)


def _evicted(lowest: Sequence[Change], changes: Sequence[Change], snapshot: Snapshot, set_name: str) -> list[Row]:
    """Return rows of the set that give way, each to an addition of a higher rank."""
    ranks = {change.id: change.rank for change in changes if change.kind == "unchanged"}
    busy = {change.id for change in changes if change.id and change.kind != "unchanged"}
    mine = snapshot.ids_of(set_name) - busy
    rows = [(ranks.get(row["id"]) or rank_of(row), row["id"], row) for row in snapshot.rows if row["id"] in mine]
    best_first = sorted((change for change in lowest if change.kind == "add"), key=lambda one: one.rank, reverse=True)
    return [row for (low, _, row), change in zip(sorted(rows), best_first, strict=False) if low < change.rank]


def summary(changes: Sequence[Change], snapshot: Snapshot, room: Room) -> dict[str, Any]:
    """Return the room before and after: ``limit, reserve, total, own, foreign, free, total_after, free_after``."""
    counted = snapshot.count()
    more = sum(change.sent and change.kind in {"add", "replace"} for change in changes)
    less = sum(change.sent and change.operation == "delete" for change in changes)
    after = counted["total"] + more - less
    usable = room.limit - room.reserve
    return {
        "limit": room.limit,
        "reserve": room.reserve,
        **counted,
        "free": max(0, usable - counted["total"]),
        "total_after": after,
        "free_after": max(0, usable - after),
    }


def demand(changes: Sequence[Change]) -> dict[str, Any]:
    """Return what a plan asks of the room: ``needed`` rows, how many are ``left_out``, and the lowest 1,000 of them."""
    left_out = sorted((change for change in changes if change.status == "deferred"), key=lambda change: change.rank)
    return {
        "needed": sum(change.kind == "add" and change.status in {"pending", "deferred"} for change in changes),
        "left_out": len(left_out),
        "left_out_rows": [{"type": change.type, "value": change.value} for change in left_out[:_SHOWN]],
    }
