"""From what is wanted and what is there to a list of changes. Pure.

The service's identity of a row is probably (type, value, action, scope), so an action or scope cannot be changed in
place: that is a deletion and an import, in the order that leaves no moment with an `Allowed` beside a stricter row and
no value without its row. Source: ti-indicator.md, facts on duplicates in Microsoft's own sample scripts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import orjson

from defender_indicators.indicators import Indicator
from defender_indicators.planning.changes import Change, Wanted, deleting, writing
from defender_indicators.planning.comparison import differing, due
from defender_indicators.planning.snapshot import APPLICATION, Row, Snapshot

_SEVERAL: Final = "several rows of ours allow the value; delete all but one of them, then plan again"


@dataclass(frozen=True, slots=True)
class Goal:
    """What a plan is to reach.

    ``set_name`` is whose rows may be deleted; ``keep`` says that nothing is deleted because it is not wanted;
    ``known`` are values that the source names, wanted or not.
    """

    set_name: str
    now: datetime
    keep: bool = False
    known: Collection[str] = field(default_factory=frozenset)


class Diff:
    """Compares one list of wanted rows with one snapshot.

    Args:
        first: position of the first deletion; the wanted rows have the positions before it.
    """

    def __init__(self, snapshot: Snapshot, goal: Goal, first: int) -> None:
        self._snapshot = snapshot
        self._goal = goal
        self._next = first
        self._placed: set[str] = set()
        self._keys: set[tuple[str, str, str]] = set()
        self._ids = snapshot.ids_of(goal.set_name)

    def changes(self, wanted: Sequence[Wanted]) -> list[Change]:
        """Return a change for every wanted row and one for every row to be deleted, in order of position."""
        self._keys = {(one.indicator.type, one.indicator.value, one.indicator.scope) for one in wanted}
        found: list[Change] = []
        for one in wanted:
            found += self._of(one)
        if not self._goal.keep:
            found += self._leavers()
        return sorted(found, key=lambda change: change.position)

    def _of(self, wanted: Wanted) -> Sequence[Change]:
        one = wanted.indicator
        there = self._snapshot.of(one.type, one.value)
        if not there:
            return [writing("add", wanted)]
        same = [row for row in there if row["action"] == one.action and row["scope"] == one.scope]
        ours = [row for row in same if self._touchable(row)]
        self._placed.update([row["id"] for row in same])
        if not same:
            return list(self._absent(wanted, there))
        # What a replacement that was cut off between its two steps has left.
        beside = [row for row in there if row["scope"] == one.scope]
        left = [self._delete("clear", row, f"the row with {one.action} is there") for row in self._leaving(one, beside)]
        if not ours:
            return [_covered(wanted, same[0], self._snapshot), *left]
        best, *doubles = ours if len(ours) == 1 else _best_first(wanted, ours)
        more = [self._delete("clear", row, "one of several rows that say the same") for row in doubles]
        return [self._compared(wanted, best), *more, *left]

    def _leaving(self, one: Indicator, there: Sequence[Row]) -> list[Row]:
        """Return the rows of the set that a wanted row takes the place of; nothing else will ask for them."""
        mine = [row for row in there if self._mine(row) and row["id"] not in self._placed]
        found = [row for row in mine if row["scope"] == one.scope or _key(row) not in self._keys]
        self._placed.update(row["id"] for row in found)
        return found

    def _compared(self, wanted: Wanted, row: Row) -> Change:
        payload = orjson.loads(wanted.indicator.payload)
        fields = differing(payload, row, rolling=wanted.rolling)
        if fields:
            return writing("update", wanted, identifier=row["id"], fields=fields)
        if wanted.rolling and due(payload, row, self._goal.now):
            return writing("renew", wanted, identifier=row["id"], fields=("expirationTime",))
        return writing("unchanged", wanted, "unchanged", identifier=row["id"])

    def _absent(self, wanted: Wanted, there: Sequence[Row]) -> Iterator[Change]:
        others = [row for row in there if not self._mine(row)]
        if others:
            whose = _owner(others[0], self._snapshot)
            reason = f"row {others[0]['id']} of {whose} has this value with the action {others[0]['action']}"
            yield writing("add", wanted).stopped("held", "foreign_row", reason)
            return
        leaving = self._leaving(wanted.indicator, there)
        if sum(row["action"] == "Allowed" for row in leaving) > 1:
            yield writing("add", wanted).stopped("held", "several_allowed", _SEVERAL, hard=True)
        elif leaving:
            yield from self._replaced(wanted, leaving)
        else:
            yield writing("add", wanted)

    def _replaced(self, wanted: Wanted, ours: Sequence[Row]) -> Iterator[Change]:
        """Replace rows of ours: what allows goes before its successor comes, anything else after it is there."""
        last = -1
        for row in ours:
            why = f"makes way for the new row with {wanted.indicator.action}"
            if row["action"] == "Allowed":
                change = self._delete("clear", row, why)
                last = change.position
            else:
                change = self._delete("clear", row, why)._replace(after=wanted.position)
            yield change
        one = wanted.indicator
        news = {"action": one.action, "scope": one.scope}
        fields = tuple(name for name in news if any(row[name] != news[name] for row in ours))
        yield writing("replace", wanted, identifier=ours[0]["id"], fields=fields, after=last)

    def _leavers(self) -> Iterator[Change]:
        for row in self._snapshot.rows:
            gone = (
                row["id"] not in self._placed and _key(row) not in self._keys and row["value"] not in self._goal.known
            )
            if gone and self._mine(row):
                yield self._delete("delete", row, "is not in the source any more")

    def _mine(self, row: Row) -> bool:
        return row["id"] in self._ids

    def _touchable(self, row: Row) -> bool:
        """Whether the row may be brought up to date in place: it belongs to the set, or is ours and in no set."""
        if self._mine(row):
            return True
        return self._snapshot.own(row) and row.get("application", APPLICATION) == APPLICATION

    def _delete(self, kind: str, row: Row, reason: str) -> Change:
        change = deleting(kind, row, self._next, reason=reason)
        self._next += 1
        return change


def _best_first(wanted: Wanted, rows: Sequence[Row]) -> list[Row]:
    """Return rows of one identity, first what needs no change: a service that never updates keeps old versions."""
    payload = orjson.loads(wanted.indicator.payload)
    newest = sorted(rows, key=lambda row: str(row.get("lastUpdateTime", "")), reverse=True)
    return sorted(newest, key=lambda row: len(differing(payload, row, rolling=wanted.rolling)))


def _covered(wanted: Wanted, row: Row, snapshot: Snapshot) -> Change:
    note = f"row {row['id']} of {_owner(row, snapshot)} says so already"
    return writing("unchanged", wanted, "unchanged", identifier=row["id"])._replace(
        notes=(*wanted.indicator.notes, note)
    )


def _owner(row: Row, snapshot: Snapshot) -> str:
    return "another set of ours" if snapshot.own(row) else "somebody else"


def _key(row: Row) -> tuple[str, str, str]:
    return row["type"], row["value"], row["scope"]
