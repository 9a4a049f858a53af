"""The guard's word on a list of changes: single rows, then their numbers. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from defender_indicators.delivery.records import NOTHING
from defender_indicators.delivery.repeats import BLOCKING
from defender_indicators.guard.codes import Hold
from defender_indicators.indicators import Indicator
from defender_indicators.planning.changes import WRITING, Change

_FEW: Final = 20
"""So many rows may stop blocking in one run, however few there are."""
Judge = Callable[[Indicator], Hold | None]
Brake = Callable[[int], Hold | None]


@dataclass(frozen=True, slots=True)
class Brakes:
    """How much one run may change: each brake gets a number of rows and holds all of them, or none."""

    blocks: Brake
    deletes: Brake


def guarded(changes: Sequence[Change], judge: Judge, brakes: Brakes) -> list[Change]:
    """Return the changes, those held that somebody has to look at first.

    A row that is in the tenant already with this action passes unless it must never be blocked: whoever let it in has
    looked at it.
    """
    found = [_judged(change, judge) for change in changes]
    blocks = [change for change in found if change.sent and _new_block(change)]
    found = _held(found, blocks, brakes.blocks(len(blocks)))
    leaving = [change for change in found if change.sent and change.kind == "delete"]
    weakened = _weakened(found)
    leaving += weakened if len(weakened) > _FEW else []
    return _together(_held(found, leaving, brakes.deletes(len(leaving))))


def _weakened(changes: Sequence[Change]) -> list[Change]:
    """Return rows that block and make way for one that does not, or for other devices: as good as deleted."""
    olds = [change for change in changes if change.sent and change.kind == "clear" and change.action in BLOCKING]
    kept = {
        (change.value, change.scope)
        for change in changes
        if change.operation == "import" and change.action in BLOCKING and change.status in {"pending", "unchanged"}
    }
    return [change for change in olds if (change.value, change.scope) not in kept]


def _judged(change: Change, judge: Judge) -> Change:
    if not change.sent or change.kind not in WRITING:
        return change
    hold = judge(Indicator(change.type, change.value, change.action, change.scope, change.row, change.notes))
    if hold is None or (change.kind in {"update", "renew"} and not hold.hard):
        return change
    return change.stopped("held", hold.code, hold.reason, hard=hold.hard)


def _new_block(change: Change) -> bool:
    return change.kind in {"add", "replace"} and change.action in BLOCKING


def _held(changes: Sequence[Change], which: Iterable[Change], hold: Hold | None) -> list[Change]:
    if hold is None:
        return list(changes)
    positions = {change.position for change in which}
    return [
        change.stopped("held", hold.code, hold.reason, hard=hold.hard) if change.position in positions else change
        for change in changes
    ]


def _together(changes: Sequence[Change]) -> list[Change]:
    """Hold what belongs to a held row: of a replacement both halves are done, or none."""
    stopped = {change.position: change for change in changes if change.status == "held"}
    firsts = {change.after: change for change in stopped.values() if change.after != NOTHING}
    return [_with_partner(change, stopped.get(change.after) or firsts.get(change.position)) for change in changes]


def _with_partner(change: Change, partner: Change | None) -> Change:
    if partner is None or not change.sent:
        return change
    return change.stopped(
        "held", partner.code, f"belongs to row {partner.position}: {partner.reason}", hard=partner.hard
    )
