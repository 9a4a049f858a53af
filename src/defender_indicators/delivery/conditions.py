"""Ordered pairs: a row that must not be sent before another one was accepted, and what happens when it was not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson

from defender_indicators.delivery.ledger import Ledger
from defender_indicators.delivery.records import Batch, Exceptional, status_of

NOT_DONE: Final = "first_step_not_done"
"""Code of rows whose first step was not accepted."""
IN_PLACE: Final = "replaced in place: the service keeps one row for both, so there is nothing to delete"
"""Note of a deletion whose row has become the one that replaces it."""
LOOK: Final = "id_not_known"
"""Code of deletions that wait for a listing: the service did not say which row their first step wrote."""
SEEN: Final = "still_there"
"""Code of deletions whose rows a listing showed as they were planned to be deleted."""


class FirstStep(NamedTuple):
    """What became of a row that others wait for; ``id`` and ``row`` (its payload) only where it was accepted."""

    status: str
    why: str = ""
    operation: str = "import"
    id: str = ""
    row: Mapping[str, Any] | None = None


_NONE: Final = FirstStep("accepted", operation="delete")
_LOST: Final = FirstStep("unknown", "the ledger knows nothing of it")
_DONE: Final = frozenset({"accepted", "unchanged"})


def first_steps(ledger: Ledger, run: str, positions: set[int]) -> dict[int, FirstStep]:
    """Return what became of the rows at these positions of a run."""
    found: dict[int, FirstStep] = {}
    if not positions:
        return found
    for line in ledger.rows(run):
        if line.position in positions:
            found[line.position] = FirstStep(line.status, line.reason, line.operation, line.remote_id)
    batches = ledger.database.execute(
        "SELECT id, state, positions FROM batch WHERE run = ? AND state <> 'split'", (run,)
    ).fetchall()
    for batch_id, state, places in batches:
        here = orjson.loads(places)
        if positions.isdisjoint(here):
            continue
        batch = ledger.batch(batch_id)
        ids = ledger.ids(batch_id) if state == "answered" else [None] * len(here)
        for position, row, identifier in zip(here, batch.payloads(), ids, strict=True):
            if position in positions and identifier is not None:
                found[position] = FirstStep("accepted", "", batch.operation, identifier, row)
            elif position in positions and state != "answered":
                found[position] = FirstStep(status_of(state), batch.reason)
    return found


class Conditions:
    """Looks at a batch before it is sent for the first time."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def sift(self, batch: Batch) -> bool:
        """Take out of a batch, in one transaction, what must not be sent; returns whether it was changed.

        A row whose first step was not accepted is held. A deletion of the very row that its first step has written is
        done already; where that row is not known, a listing has to tell first.
        """
        if not batch.after or batch.sent_at is not None or batch.code == SEEN:
            return False
        steps = first_steps(self._ledger, batch.run, set(batch.after.values()))
        kept: list[int] = []
        unsure: list[int] = []
        lines = []
        for place, row in enumerate(batch.payloads()):
            first = batch.after.get(str(batch.positions[place]))
            step = _NONE if first is None else steps.get(first, _LOST)
            if step.status not in _DONE:
                lines.append(_held(batch, place, row, f"row {first} comes first and is {step.status}: {step.why}"))
            elif batch.operation in {step.operation, "import"}:
                kept.append(place)
            elif step.id == str(row["id"]):
                lines.append(in_place(batch, place, row))
            else:
                (kept if step.id else unsure).append(place)
        if len(kept) == len(batch.positions):
            return False
        columns = {"parent": batch.parent, "root": batch.root, "reason": batch.reason}
        with self._ledger.transaction():
            self._ledger.set_batch(batch.id, state="split")
            self._ledger.put_rows(batch.run, lines)
            if kept:
                self._ledger.put_batches(batch.run, [batch.part(kept)], code=batch.code, **columns)
            if unsure:
                self._ledger.put_batches(batch.run, [batch.part(unsure)], state="unknown", code=LOOK, **columns)
        return True


def in_place(batch: Batch, place: int, row: Mapping[str, Any]) -> Exceptional:
    """Return the line of a deletion that the service has spared us."""
    line = batch.exceptional(place, row, "accepted", "", "")
    return line._replace(notes=[*line.notes, IN_PLACE])


def _held(batch: Batch, place: int, row: Mapping[str, Any], why: str) -> Exceptional:
    return batch.exceptional(place, row, "held", NOT_DONE, why.removesuffix(": "))._replace(payload=orjson.dumps(row))
