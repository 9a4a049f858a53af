"""Opening a run again: deferred and released rows get another chance, overtaken rows none."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any, Final

import orjson

from defender_indicators.delivery.conditions import NOT_DONE
from defender_indicators.delivery.ledger import Ledger
from defender_indicators.delivery.records import NOTHING, Batch, Exceptional, NewBatch, Run
from defender_indicators.indicators import row_from_api

_FOR_A_PERSON: Final = frozenset({"changed_elsewhere"})
"""Codes of held rows that no approval releases: somebody has to look first."""


def reopen(ledger: Ledger, run: Run, *, released: bool = False, beside: Callable[[], None] = lambda: None) -> None:
    """Make a run ready to be sent again.

    Args:
        ledger: where it is.
        run: the run.
        released: whether the rows that waited for an approval are sent, too.
        beside: what else belongs into the same transaction.
    """
    newer = [other for other in ledger.runs() if other.number > run.number]
    with ledger.transaction():
        beside()
        ledger.set_run(run.id, state="sending", stopped="")
        _reopen_rows(ledger, run.id, released=released)
        _supersede(ledger, run, newer)


def waiting(ledger: Ledger, run_id: str) -> Iterator[Exceptional]:
    """Return the rows that an approval would release."""
    return filter(can_be_released, ledger.rows(run_id))


def can_be_released(row: Exceptional) -> bool:
    """Say whether an approval would release a row."""
    return row.status == "held" and row.code != NOT_DONE and _opens(row, released=True)


def releasable(ledger: Ledger, run_id: str) -> bool:
    """Say whether an approval would have something to release."""
    return any(True for _ in waiting(ledger, run_id))


def _opens(row: Exceptional, *, released: bool) -> bool:
    if row.payload is None or row.status not in {"deferred", "held"}:
        return False
    return row.status == "deferred" or row.code == NOT_DONE or (released and row.code not in _FOR_A_PERSON)


def _reopen_rows(ledger: Ledger, run_id: str, *, released: bool) -> None:
    """Put rows back into the lanes that they come from; no value twice in one lane."""
    execute = ledger.database.execute
    execute("UPDATE batch SET state = 'pending', code = '', root = 0 WHERE run = ? AND state = 'deferred'", (run_id,))
    rows = [row for row in ledger.rows(run_id) if _opens(row, released=released)]
    if not rows:
        return
    top = execute("SELECT COALESCE(MAX(lane), 0) FROM batch WHERE run = ?", (run_id,)).fetchone()[0]
    seen: Counter[tuple[int, str, str]] = Counter()
    lanes: dict[tuple[int, str], list[Exceptional]] = defaultdict(list)
    for row in rows:
        what = row.lane, row.operation, row.value if row.operation == "import" else str(row.position)
        lanes[top + seen[what] if seen[what] else row.lane, row.operation].append(row)
        seen[what] += 1
    limit = ledger.run(run_id).max_rows
    for (lane, operation), members in sorted(lanes.items()):
        for start in range(0, len(members), limit):
            ledger.put_batches(run_id, [_batch(lane, operation, members[start : start + limit])])
    gone = [(run_id, row.position) for row in rows]
    ledger.database.executemany("DELETE FROM row WHERE run = ? AND position = ?", gone)


def _batch(lane: int, operation: str, rows: list[Exceptional]) -> NewBatch:
    notes = {str(row.position): list(row.notes) for row in rows if row.notes}
    after = {str(row.position): row.after for row in rows if row.after != NOTHING}
    payloads = [row.payload for row in rows if row.payload is not None]
    return NewBatch(lane, [row.position for row in rows], payloads, notes, operation, after)


_Identity = tuple[str, str, str]


class _Taken:
    """What newer runs have taken over."""

    def __init__(self, ledger: Ledger, newer: list[str]) -> None:
        self._imported: dict[_Identity, tuple[str, str]] = {}
        self._deleted: dict[tuple[_Identity, str], str] = {}
        self._ids: dict[str, str] = {}
        for run in newer:
            for batch in ledger.batches("run = ? AND state <> 'split'", (run,)):
                self._add(ledger, run, batch)

    def _add(self, ledger: Ledger, run: str, batch: Batch) -> None:
        rows = batch.payloads()
        answered = ledger.ids(batch.id) if batch.state == "answered" else [None] * len(rows)
        for row, identifier in zip(rows, answered, strict=True):
            if batch.operation == "delete":
                self._deleted[_identity(row), row["action"]] = run
                self._ids[str(row["id"])] = run
            else:
                self._imported[_identity(row)] = run, identifier or ""

    def by(self, operation: str, row: dict[str, Any]) -> str:
        """Return the newest run that a row has to give way to, ``""`` for none.

        An import gives way to a newer import of the indicator, and to a newer deletion of it as it is. A deletion gives
        way to a newer deletion of its id, and to a newer import of the indicator unless that is known to be another
        row: where the service updates in place, the newer version lives under the old id.
        """
        run, identifier = self._imported.get(_identity(row), ("", ""))
        if operation == "import":
            return run or self._deleted.get((_identity(row), row["action"]), "")
        if run and identifier in ("", str(row["id"])):
            return run
        return self._ids.get(str(row["id"]), "")


def _supersede(ledger: Ledger, run: Run, newer: list[Run]) -> None:
    """Drop unsent rows whose place a newer run took: the older payload must never land last."""
    if not newer:
        return
    taken, planned = _Taken(ledger, [other.id for other in newer]), _planned_anew(ledger, run, newer)
    for batch in list(ledger.batches("run = ? AND state = 'pending'", (run.id,))):
        rows = batch.payloads()
        lines = [batch.exceptional(place, row, "superseded", "superseded", "") for place, row in enumerate(rows)]
        found = (planned(line) or taken.by(batch.operation, row) for line, row in zip(lines, rows, strict=True))
        gone = {place: by for place, by in enumerate(found) if by}
        if gone:
            _drop(ledger, batch, rows, gone)


def _planned_anew(ledger: Ledger, run: Run, newer: list[Run]) -> Callable[[Exceptional], str]:
    """Return what names the newest sync of the same set that read its whole source, for a row that it took over.

    A row that it found as it should be is in none of its batches, yet an older run must not change or delete it. What
    it holds as well waits for the same approval.
    """
    name = orjson.loads(run.facts).get("set") if run.kind == "sync" else None
    for other in reversed(newer if name else []):
        facts = orjson.loads(other.facts)
        if other.kind == "sync" and facts.get("set") == name and not facts.get("cut_off"):
            held = {_wish(row) for row in ledger.rows(other.id) if row.status == "held"}
            return lambda row: "" if _wish(row) in held else other.id
    return lambda _: ""


def _wish(row: Exceptional) -> tuple[str, ...]:
    return row.operation, row.type, row.value, row.action


def _drop(ledger: Ledger, batch: Batch, rows: list[dict[str, Any]], gone: dict[int, str]) -> None:
    kept = [place for place in range(len(rows)) if place not in gone]
    ledger.set_batch(batch.id, state="split")
    if kept:
        columns = {"code": batch.code, "reason": batch.reason, **batch.sent()} if batch.operation == "delete" else {}
        ledger.put_batches(batch.run, [batch.part(kept)], **columns)
    reasons = {place: f"run {by} has a newer version; its report tells more" for place, by in gone.items()}
    ledger.put_rows(
        batch.run,
        [batch.exceptional(place, rows[place], "superseded", "superseded", why) for place, why in reasons.items()],
    )


def _identity(row: dict[str, Any]) -> _Identity:
    ours = row_from_api({"id": "", **row}) or {}
    return ours.get("type", ""), ours.get("value", ""), ours.get("scope", "")
