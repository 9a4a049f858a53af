"""Opening an unfinished run again: deferred rows get another chance, overtaken rows none."""

from __future__ import annotations

from collections import Counter
from typing import Any

from defender_indicators.delivery.ledger import Ledger
from defender_indicators.delivery.records import Batch, Exceptional, NewBatch, Run
from defender_indicators.indicators import row_from_api


def reopen(ledger: Ledger, run: Run) -> None:
    """Make a paused, halted or interrupted run ready to be sent again."""
    newer = [other.id for other in ledger.runs() if other.number > run.number]
    with ledger.transaction():
        ledger.set_run(run.id, state="sending", stopped="")
        _undefer(ledger, run.id)
        _supersede(ledger, run.id, newer)


def _undefer(ledger: Ledger, run_id: str) -> None:
    """Give deferred rows another chance, each value in a lane of its own behind what is already planned."""
    ledger.database.execute(
        "UPDATE batch SET state = 'pending', code = '', root = 0 WHERE run = ? AND state = 'deferred'", (run_id,)
    )
    rows = [row for row in ledger.rows(run_id) if row.status == "deferred" and row.payload is not None]
    if not rows:
        return
    top = ledger.database.execute("SELECT MAX(lane) FROM batch WHERE run = ?", (run_id,)).fetchone()[0]
    seen: Counter[str] = Counter()
    lanes: dict[int, list[Exceptional]] = {}
    for row in rows:
        seen[row.value] += 1
        lanes.setdefault(top + seen[row.value], []).append(row)
    limit = ledger.run(run_id).max_rows
    for lane, members in lanes.items():
        for start in range(0, len(members), limit):
            part = members[start : start + limit]
            notes = {str(row.position): list(row.notes) for row in part if row.notes}
            payloads = [row.payload for row in part if row.payload is not None]
            ledger.put_batches(run_id, [NewBatch(lane, [row.position for row in part], payloads, notes)])
    ledger.database.execute("DELETE FROM row WHERE run = ? AND status = 'deferred'", (run_id,))


def _supersede(ledger: Ledger, run_id: str, newer: list[str]) -> None:
    """Drop unsent rows whose place a newer run took: the older payload must never land last."""
    taken: dict[tuple[str, str, str], str] = {}
    for other in newer:
        for batch in ledger.batches("run = ? AND state <> 'split'", (other,)):
            taken.update((_identity(row), other) for row in batch.payloads())
    if not taken:
        return
    for batch in list(ledger.batches("run = ? AND state = 'pending'", (run_id,))):
        rows = batch.payloads()
        gone = {place: taken[_identity(row)] for place, row in enumerate(rows) if _identity(row) in taken}
        if gone:
            _drop(ledger, batch, rows, gone)


def _drop(ledger: Ledger, batch: Batch, rows: list[dict[str, Any]], gone: dict[int, str]) -> None:
    kept = [place for place in range(len(rows)) if place not in gone]
    ledger.set_batch(batch.id, state="split")
    if kept:
        ledger.put_batches(batch.run, [batch.part(kept)])
    reasons = {place: f"run {by} has a newer version; its report tells more" for place, by in gone.items()}
    ledger.put_rows(
        batch.run,
        [batch.exceptional(place, rows[place], "superseded", "superseded", why) for place, why in reasons.items()],
    )


def _identity(row: dict[str, Any]) -> tuple[str, str, str]:
    ours = row_from_api({"id": "", **row}) or {}
    return ours.get("type", ""), ours.get("value", ""), ours.get("scope", "")
