"""What contradicts itself in a tenant, and what would mend it. Pure.

Source: indicator-manage.md (precedence: of addresses, domains and URLs the allowing row wins, of files the blocking
one; SHA-256 beats SHA-1 beats MD5), Microsoft's sample scripts that look for duplicates.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from defender_indicators.planning.changes import Change, deleting
from defender_indicators.planning.snapshot import Row, Snapshot

CONFLICTS: Final = {
    "allowed_and_blocked": "One row allows the value and another one blocks or warns of it",
    "several_actions": "Several rows of one scope want different actions for the value",
    "doubled": "Several rows say the same, perhaps in another spelling, and each takes a slot",
    "several_scopes": "A row for all devices and rows for groups speak of the value; a group's row wins there",
    "weaker_hash": "The file, by its texts, has a row with a stronger hash too, which alone decides",
}
"""Kind → what it means."""
_STOPPING: Final = frozenset({"Block", "BlockAndRemediate", "Warn"})
_STRENGTH: Final = ("FileMd5", "FileSha1", "FileSha256")


class Conflict(NamedTuple):
    """``rows`` contradict each other; ``surplus`` are those of ours that a repair would delete."""

    kind: str
    type: str
    value: str
    rows: Sequence[Row]
    surplus: Sequence[Row] = ()


def conflicts_of(snapshot: Snapshot) -> list[Conflict]:
    """Return every conflict of a tenant, by kind and value."""
    found = [conflict for key, rows in snapshot.values() if len(rows) > 1 for conflict in _of(key, rows, snapshot)]
    found += _weaker_hashes(snapshot)
    order = list(CONFLICTS)
    return sorted(found, key=lambda one: (order.index(one.kind), one.type, one.value))


def repair_of(conflicts: Sequence[Conflict]) -> list[Change]:
    """Return the deletions that mend what can be mended with rows of ours; each row once."""
    rows = {row["id"]: (conflict, row) for conflict in conflicts for row in conflict.surplus}
    return [
        deleting("clear", row, position, reason=CONFLICTS[conflict.kind].lower())
        for position, (conflict, row) in enumerate(rows.values())
    ]


def described(conflict: Conflict, snapshot: Snapshot) -> dict[str, Any]:
    """Return a conflict as plain data."""
    surplus = {row["id"] for row in conflict.surplus}
    return {
        "conflict": conflict.kind,
        "meaning": CONFLICTS[conflict.kind],
        "type": conflict.type,
        "value": conflict.value,
        "rows": [
            {
                "id": row["id"],
                "type": row["type"],
                "value": row["value"],
                "action": row["action"],
                "scope": row["scope"],
                "own": snapshot.own(row),
                "set": snapshot.set_of(row),
                "created_by": str(row.get("createdByDisplayName") or row.get("createdBy") or ""),
                "title": str(row.get("title", "")),
                "repair": "delete" if row["id"] in surplus else "keep",
            }
            for row in conflict.rows
        ],
    }


def _of(key: tuple[str, str], rows: Sequence[Row], snapshot: Snapshot) -> Iterator[Conflict]:
    doubles = _grouped(rows, "action", "scope")
    for same in doubles:
        if len(same) > 1:
            ours = sorted(filter(snapshot.own, same), key=_stays_longest)
            yield Conflict("doubled", *key, same, ours[:-1])
    actions = {row["action"] for row in rows}
    if "Allowed" in actions and actions & _STOPPING:
        yield Conflict("allowed_and_blocked", *key, rows)
    else:
        for same in _grouped(rows, "scope"):
            if len({row["action"] for row in same}) > 1:
                yield Conflict("several_actions", *key, same)
    scopes = {row["scope"] for row in rows}
    if "" in scopes and len(scopes) > 1:
        yield Conflict("several_scopes", *key, rows)


def _stays_longest(row: Row) -> tuple[bool, str, str]:
    ends = str(row.get("expirationTime", ""))
    return not ends, ends, str(row.get("lastUpdateTime", ""))


def _grouped(rows: Sequence[Row], *names: str) -> list[list[Row]]:
    groups: defaultdict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in names)].append(row)
    return list(groups.values())


def _weaker_hashes(snapshot: Snapshot) -> Iterator[Conflict]:
    """Yield what looks like several hashes of one file: rows of one author and text, one of each kind of hash.

    No row of them is surplus: two files of one campaign can look the same.
    """
    files: defaultdict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in snapshot.rows:
        if row["type"] in _STRENGTH:
            texts = (str(row.get(name, "")) for name in ("createdBy", "title", "description"))
            files[(*texts, row["action"], row["scope"])].append(row)
    for rows in files.values():
        kinds = [row["type"] for row in rows]
        if 1 < len(rows) == len(set(kinds)):
            ordered = sorted(rows, key=lambda row: _STRENGTH.index(row["type"]))
            best = ordered[-1]
            yield Conflict("weaker_hash", best["type"], best["value"], ordered)
