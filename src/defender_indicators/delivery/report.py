"""What an import returns, the same through every door. Rows are streamed from the ledger, in input order."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, Any, Final

import orjson

from defender_indicators.delivery.codes import code_of
from defender_indicators.delivery.ledger import Ledger
from defender_indicators.delivery.outcome import EXIT_CODES, RETRYABLE, STATUSES, as_if_sent, outcome_of
from defender_indicators.delivery.records import Batch, Exceptional, status_of

SCHEMA_VERSION: Final = "1.0"
DRY_RUN: Final = "dry-run"
"""The run id of a plan that nobody sends; its outcome speaks of the checks alone."""
_NAMES: Final = ("schema_version", "outcome", "run_id", "counts", "results", "calls", "retry_with", "plan")


class Report(Mapping[str, Any]):
    """A mapping with the keys of ``schemas/import_report.schema.json``.

    ``results`` and ``retry_with`` are read from the ledger while they are walked, so a report of any size costs little
    memory; they stay valid while the ledger is open.
    """

    def __init__(self, ledger: Ledger, run_id: str) -> None:
        run = ledger.run(run_id)
        counts = ledger.counts(run_id)
        planned = run_id == DRY_RUN
        summed = as_if_sent(counts) if planned else counts
        halted = run.state == "halted"
        self.total = run.total
        self.stopped = run.stopped
        outcome = outcome_of(summed, halted=halted)
        self.exit_code = EXIT_CODES[outcome]
        self._values: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "outcome": outcome,
            "run_id": run.id,
            "counts": {status: counts.get(status, 0) for status in STATUSES},
            "results": _Rows(run.total, lambda: _results(ledger, run_id)),
            "calls": _planned_calls(ledger) if planned else _calls(ledger, run_id, run.waited),
            "retry_with": _Rows(_retryable(ledger, run_id), lambda: _retry_with(ledger, run_id)),
            "plan": {"kind": run.kind, "hash": run.plan_hash, **orjson.loads(run.facts)},
        }

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_NAMES)

    def __len__(self) -> int:
        return len(_NAMES)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {name: list(value) if isinstance(value, _Rows) else value for name, value in self.items()}

    def write_json(self, stream: IO[bytes]) -> None:
        """Write one JSON document, a row at a time."""
        for number, (name, value) in enumerate(self.items()):
            stream.write((b"," if number else b"{") + orjson.dumps(name) + b":")
            if isinstance(value, _Rows):
                for place, row in enumerate(value):
                    stream.write((b"," if place else b"[") + orjson.dumps(row))
                stream.write(b"]" if len(value) else b"[]")
            else:
                stream.write(orjson.dumps(value))
        stream.write(b"}\n")


class _Rows(Sequence[Mapping[str, Any]]):
    """A list that is read when it is walked."""

    def __init__(self, length: int, read: Any) -> None:
        self._length = length
        self._read = read

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        return iter(self._read())

    def __getitem__(self, index: Any) -> Any:
        return list(self._read())[index]


def result(row: Exceptional) -> dict[str, Any]:
    """Return a result row in our names; ``""`` stands for what there is not."""
    return {
        "index": row.position,
        "value": row.value,
        "type": row.type,
        "action": row.action,
        "operation": row.operation,
        "status": row.status,
        "id": row.remote_id,
        "code": row.code,
        "reason": row.reason,
        "retryable": row.status in RETRYABLE,
        "notes": list(row.notes),
    }


def _results(ledger: Ledger, run_id: str) -> Iterator[dict[str, Any]]:
    return (result(row) for row in every_row(ledger, run_id))


def _retryable(ledger: Ledger, run_id: str) -> int:
    """Count the rows to import again; a plan's rows have an order, so that they are resumed or planned anew."""
    if ledger.run(run_id).kind != "import":
        return 0
    counts = ledger.counts(run_id, operation="import")
    return sum(counts.get(name, 0) for name in RETRYABLE)


def _retry_with(ledger: Ledger, run_id: str) -> Iterator[dict[str, Any]]:
    """Return the rows to import again; what is to be deleted now, only a new look at the tenant can say."""
    if not _retryable(ledger, run_id):
        return
    for row in every_row(ledger, run_id):
        if row.status in RETRYABLE and row.operation == "import" and row.payload is not None:
            yield orjson.loads(row.payload)


def every_row(ledger: Ledger, run_id: str) -> Iterator[Exceptional]:
    """Return every input row of a run once, in input order; a few batches are in memory at a time."""
    heads = ledger.database.execute(
        "SELECT first, id FROM batch WHERE run = ? AND state <> 'split' ORDER BY first", (run_id,)
    ).fetchall()
    return _merged(ledger.rows(run_id), ((first, _batch_rows(ledger, batch_id)) for first, batch_id in heads))


def _merged(
    exceptions: Iterator[Exceptional], batches: Iterable[tuple[int, Iterator[Exceptional]]]
) -> Iterator[Exceptional]:
    """Merge ordered streams; a batch is only opened when the rows before its first one are done."""
    waiting: list[tuple[int, int, Exceptional, Iterator[Exceptional]]] = []

    def admit(number: int, stream: Iterator[Exceptional]) -> None:
        row = next(stream, None)
        if row is not None:
            heapq.heappush(waiting, (row.position, number, row, stream))

    admit(0, exceptions)
    closed = iter(enumerate(batches, start=1))
    upcoming = next(closed, None)
    while waiting or upcoming:
        while upcoming and (not waiting or upcoming[1][0] <= waiting[0][0]):
            admit(upcoming[0], upcoming[1][1])
            upcoming = next(closed, None)
        if waiting:
            _, number, row, stream = heapq.heappop(waiting)
            yield row
            admit(number, stream)


def _batch_rows(ledger: Ledger, batch_id: int) -> Iterator[Exceptional]:
    batch = ledger.batch(batch_id)
    if batch.state == "answered":
        return _rows_of(batch, "accepted", ledger.ids(batch_id))
    return _rows_of(batch, status_of(batch.state), [""] * len(batch.positions))


def _rows_of(batch: Batch, status: str, ids: Sequence[str | None]) -> Iterator[Exceptional]:
    code = "" if status == "accepted" else code_of(status, batch.code)
    reason = "" if status == "accepted" else batch.reason
    for place, (row, identifier) in enumerate(zip(batch.payloads(), ids, strict=True)):
        if identifier is not None:
            line = batch.exceptional(place, row, status, code, reason)
            payload = None if status == "accepted" else orjson.dumps(row)
            yield line._replace(remote_id=identifier or line.remote_id, payload=payload)


def _planned_calls(ledger: Ledger) -> dict[str, Any]:
    count = ledger.database.execute("SELECT COUNT(*) FROM batch").fetchone()[0]
    return {"count": count, "attempts": 0, "seconds_waited": 0.0}


def _calls(ledger: Ledger, run_id: str, waited: float) -> dict[str, Any]:
    count, attempts = ledger.database.execute(
        "SELECT COUNT(DISTINCT batch), COUNT(*) FROM call WHERE run = ? AND endpoint IN ('import', 'batch_delete')",
        (run_id,),
    ).fetchone()
    return {"count": count, "attempts": attempts, "seconds_waited": round(waited, 3)}
