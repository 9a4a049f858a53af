"""The planner: one snapshot, one wish, one plan. Pure.

Every wish ends in the same three steps: the guard looks at it, it is fitted into the room there is, and what it knew of
the tenant is written down, so that it is not applied to another state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Final

from defender_indicators.delivery import Limits
from defender_indicators.errors import InputError
from defender_indicators.indicators.codes import shown
from defender_indicators.planning.capacity import Room, fitted, summary
from defender_indicators.planning.changes import Change, Wanted, deleting
from defender_indicators.planning.diff import Diff, Goal
from defender_indicators.planning.guarding import Brakes, Judge, guarded
from defender_indicators.planning.prepared import Prepared
from defender_indicators.planning.snapshot import Row, Snapshot

FEW: Final = 21
"""So few rows of ours are never too many to be deleted by name."""
BrakesFor = Callable[[int, bool], Brakes]
"""Makes the brakes for so many active rows of ours, with a source that was read to its end (or not)."""


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans for one tenant.

    ``brakes`` is asked with the number of rows that the set has in the tenant and whether the source is complete.
    """

    snapshot: Snapshot
    judge: Judge
    brakes: BrakesFor
    room: Room = field(default_factory=Room)
    limits: Limits = field(default_factory=Limits)
    author: str = ""
    why: str = ""

    def sync(
        self,
        wanted: Sequence[Wanted],
        stopped: Sequence[Change],
        goal: Goal,
        *,
        cut_off: str = "",
        facts: Mapping[str, Any] | None = None,
    ) -> Prepared:
        """Plan that a set becomes equal to what is wanted.

        Args:
            wanted: the rows of the source, each key once.
            stopped: its rows that are not wanted (rejected, repeated).
            goal: whose rows may go, and when it is now.
            cut_off: why the source was not read to its end; ``""`` when it was.
            facts: more that the report is to say.
        """
        first = len(wanted) + len(stopped)
        changes = Diff(self.snapshot, goal, first).changes(wanted)
        own = len(self.snapshot.ids_of(goal.set_name))
        judged = guarded(changes, self.judge, self.brakes(own, not cut_off))
        more = {**(facts or {}), "cut_off": cut_off}
        return self._prepared("sync", judged, stopped, set_name=goal.set_name, facts=more)

    def delete(self, rows: Iterable[Row], stopped: Sequence[Change] = (), *, foreign: bool = False) -> Prepared:
        """Plan that rows of the tenant go; rows of others are rejected, or held where they were asked for."""
        first = len(stopped)
        changes = [
            self._deletion(row, position, foreign=foreign)
            for position, row in enumerate({row["id"]: row for row in rows}.values(), start=first)
        ]
        judged = guarded(changes, self.judge, self._explicit())
        return self._prepared("delete", judged, stopped)

    def replace(self, wanted: Sequence[Wanted], stopped: Sequence[Change], goal: Goal) -> Prepared:
        """Plan that rows get another action or scope; a value that the tenant does not hold is rejected."""
        first = len(wanted) + len(stopped)
        changes = Diff(self.snapshot, replace(goal, keep=True), first).changes(wanted)
        absent = "the tenant holds no row of this value that could be replaced; import it"
        changes = [
            change.stopped("rejected", "not_in_tenant", absent) if _new(change) else change for change in changes
        ]
        judged = guarded(changes, self.judge, self._explicit())
        return self._prepared("replace", judged, stopped, set_name=goal.set_name)

    def repair(self, kind: str, changes: Sequence[Change]) -> Prepared:
        """Plan changes that somebody else found (conflicts, a rollback)."""
        judged = guarded(changes, self.judge, self._explicit())
        return self._prepared(kind, judged, ())

    def again(self, plan: Prepared) -> Prepared:
        """Judge a plan that was made before once more: the guard may know more by now.

        Raises:
            InputError: a change is none that was ever planned for this tenant.
        """
        for change in plan.changes:
            self._require_plausible(change)
        judged = guarded(plan.changes, self.judge, self._brakes_of(plan))
        return replace(plan, changes=judged)

    def _require_plausible(self, change: Change) -> None:
        """Refuse what only an edited plan can say: a checksum finds accidents, not intent."""
        row = self.snapshot.by_id(change.id) if change.id else None
        named = (change.type, change.value, change.action)
        same = row is not None and (row["type"], row["value"], row["action"]) == named
        own = row is not None and self.snapshot.own(row)
        allowed = {
            "add": change.status in {"pending", "held", "deferred", "rejected"},
            "replace": change.status in {"pending", "held", "deferred"},
            "update": same and own,
            "renew": same and own,
            "unchanged": change.status in {"unchanged", "deferred"},
            "rejected": change.status in {"rejected", "duplicate"},
            "delete": same and (own or change.status in {"held", "rejected"}),
            "clear": same and own,
            "evict": same and own,
        }
        if not allowed.get(change.kind, False):
            what = f"change {change.position} ({change.kind} of {shown(change.value, 80)})"
            raise InputError(f"{what}: no such change was planned for this tenant; nothing was sent, plan again")

    def _brakes_of(self, plan: Prepared) -> Brakes:
        if plan.kind != "sync":
            return self._explicit()
        return self.brakes(len(self.snapshot.ids_of(plan.set_name)), not plan.facts.get("cut_off"))

    def _explicit(self) -> Brakes:
        """Return the brakes of a wish that names its rows: a few of them may well be all there are."""
        return self.brakes(max(self.snapshot.count()["own"], FEW), True)

    def _fitted(self, changes: Sequence[Change], set_name: str) -> list[Change]:
        """Fit the changes; where rows would have to give way for more than the brake lets go, none does."""
        found = fitted(changes, self.snapshot, self.room, set_name)
        leaving = sum(change.sent and change.kind in {"delete", "evict"} for change in found)
        evicted = any(change.kind == "evict" for change in found)
        own = len(self.snapshot.ids_of(set_name))
        if evicted and self.brakes(own, True).deletes(leaving):
            return fitted(changes, self.snapshot, replace(self.room, evict=False), set_name)
        return found

    def _deletion(self, row: Row, position: int, *, foreign: bool) -> Change:
        change = deleting("delete", row, position)
        if self.snapshot.own(row):
            return change
        reason = f"made by {row.get('createdByDisplayName') or row.get('createdBy') or 'somebody else'}"
        if foreign:
            return change.stopped("held", "foreign_row", reason)
        return change.stopped("rejected", "foreign_row", reason)

    def _prepared(
        self,
        kind: str,
        changes: Sequence[Change],
        stopped: Sequence[Change],
        *,
        set_name: str = "",
        facts: Mapping[str, Any] | None = None,
    ) -> Prepared:
        changes = self._fitted(changes, set_name)
        whole = sorted((*changes, *stopped), key=lambda change: change.position)
        return Prepared(
            changes=whole,
            kind=kind,
            set_name=set_name,
            author=self.author,
            why=self.why,
            facts={**(facts or {}), "capacity": summary(changes, self.snapshot, self.room)},
            expected=state_of(changes, self.snapshot),
            limits=self.limits,
        )


def state_of(changes: Iterable[Change], snapshot: Snapshot) -> str:
    """Return a digest of what the tenant holds of the values that the changes touch."""
    touched = {(change.type, change.value) for change in changes if change.kind not in {"unchanged", "rejected"}}
    rows = [
        f"{row['type']}\0{row['value']}\0{row['id']}\0{row['action']}\0{row['scope']}\0{row.get('lastUpdateTime')}"
        for kind, value in touched
        for row in snapshot.of(kind, value)
    ]
    return sha256("\n".join(sorted(rows)).encode("utf-8", "backslashreplace")).hexdigest()


def _new(change: Change) -> bool:
    return change.kind == "add" and change.status == "pending"
