"""The durable record: runs, batches, exceptions and calls, read and written in the few ways delivery needs.

Methods named ``put_…`` and ``set_…`` must run inside ``transaction()``; every call to the service costs exactly two
transactions, one before a byte leaves (:meth:`CallBook.open`) and one after the answer was judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final
from uuid import uuid4
from zlib import crc32

import orjson

from defender_indicators.delivery.database import Database
from defender_indicators.delivery.records import Batch, Exceptional, NewBatch, Run, status_of
from defender_indicators.errors import InputError, LedgerError

OPEN_STATES: Final = ("pending", "inflight", "unknown", "deferred")
_BATCH: Final = (
    "id, run, lane, first, positions, notes, after, operation, body, request_id, state, parent, root, attempts,"
    " ambiguous, sent_at, sent_boot, sent_wall, code, reason, checksum"
)
_ROW: Final = "position, status, value, type, action, code, reason, remote_id, notes, payload, operation, lane, after"
_HEAD: Final = b'{"Indicators":['
_TAIL: Final = b"]}"


class Ledger:
    """Everything delivery remembers about one (cloud, tenant, application); ``path`` None: a private temporary one."""

    def __init__(self, path: Path | None) -> None:
        self.database = Database(path)
        self.path = path

    def transaction(self) -> AbstractContextManager[None]:
        """Commit what happens inside, or undo all of it."""
        return self.database.transaction()

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    # runs

    def run(self, run_id: str) -> Run:
        """Return a run by id, or the newest one for ``""``.

        Raises:
            InputError: there is no such run.
        """
        where, values = ("WHERE id = ?", (run_id,)) if run_id else ("ORDER BY number DESC LIMIT 1", ())
        found = self._runs(where, values)
        if not found:
            raise InputError(f"run {run_id or '(newest)'}: not in {self.path}; `runs` lists what is there")
        return found[0]

    def runs(self) -> list[Run]:
        """Return all runs, oldest first."""
        return self._runs("ORDER BY number")

    def unfinished(self) -> list[Run]:
        """Return the runs that can be resumed, oldest first."""
        return self._runs("WHERE state <> 'finished' ORDER BY number")

    def run_by_key(self, idempotency_key: str) -> Run | None:
        """Return the run that was started with this key of the caller's."""
        return next(iter(self._runs("WHERE idempotency_key = ?", (idempotency_key,))), None)

    def put_run(self, run_id: str, created: str, plan_hash: str, **more: Any) -> None:
        """Write a new run."""
        columns = {"id": run_id, "created": created, "state": "sending", "plan_hash": plan_hash, **more}
        marks = ", ".join("?" * len(columns))
        self.database.execute(f"INSERT INTO run ({', '.join(columns)}) VALUES ({marks})", tuple(columns.values()))

    def set_run(self, run_id: str, **columns: Any) -> None:
        """Change columns of a run."""
        self._set("run", run_id, columns)

    # batches

    def put_batches(self, run_id: str, batches: Iterable[NewBatch], **more: Any) -> None:
        """Write new, unsent batches; ``more`` are further columns."""
        for new in batches:
            positions, notes = orjson.dumps(new.positions), orjson.dumps(new.notes) if new.notes else b""
            after = orjson.dumps(new.after) if new.after else b""
            body = _HEAD + b",".join(new.rows) + _TAIL
            columns = {
                "run": run_id,
                "lane": new.lane,
                "first": new.positions[0],
                "size": len(new.positions),
                "positions": positions,
                "notes": notes,
                "body": body,
                "after": after,
                "operation": new.operation,
                "checksum": checksum_of(positions, notes, after, new.operation, body),
                "request_id": str(uuid4()),
                "state": "pending",
                **more,
            }
            marks = ", ".join("?" * len(columns))
            self.database.execute(f"INSERT INTO batch ({', '.join(columns)}) VALUES ({marks})", tuple(columns.values()))

    def set_batch(self, batch_id: int, **columns: Any) -> None:
        """Change columns of a batch."""
        self._set("batch", batch_id, columns)

    def batches(self, where: str, parameters: Sequence[Any] = ()) -> Iterator[Batch]:
        """Return batches, one in memory at a time.

        Raises:
            LedgerError: a batch is not what was written; it must be neither sent nor believed.
        """
        for row in self.database.execute(f"SELECT {_BATCH} FROM batch WHERE {where}", parameters):
            if checksum_of(*row[4:9]) != row[-1]:
                raise LedgerError(f"{self.path}: batch {row[0]} is damaged; nothing was sent, see `ledger recover`")
            positions, notes, after = (orjson.loads(text) if text else {} for text in row[4:7])
            yield Batch(*row[:4], positions, notes, after, *row[7:-1])  # type: ignore[call-arg]  # the columns of _BATCH

    def batch(self, batch_id: int) -> Batch:
        """Return one batch."""
        return next(self.batches("id = ?", (batch_id,)))

    def ids(self, batch_id: int) -> list[str | None]:
        """Return what the service answered for each row of a batch: its id, or None for a row not accepted."""
        found = self.database.execute("SELECT ids FROM batch WHERE id = ?", (batch_id,)).fetchone()[0]
        ids: list[str | None] = self._decoded(found)
        return ids

    # rows

    def put_rows(self, run_id: str, rows: Iterable[Exceptional]) -> None:
        """Write rows that need a line of their own."""
        self.database.executemany(
            f"INSERT INTO row (run, {_ROW}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            ((run_id, *row[:8], orjson.dumps(row.notes) if row.notes else b"", *row[9:]) for row in rows),
        )

    def rows(self, run_id: str) -> Iterator[Exceptional]:
        """Return the rows with a line of their own, in input order."""
        for row in self.database.execute(
            f"SELECT {_ROW} FROM row WHERE run = ? ORDER BY position",
            (run_id,),
        ):
            noted = self._decoded(row[8]) if row[8] else ()
            yield Exceptional(*row[:8], noted, *row[9:])  # type: ignore[call-arg]  # the columns selected

    def counts(self, run_id: str, operation: str = "") -> dict[str, int]:
        """Return rows per status; the sum is the number of input rows. ``operation`` counts its rows only."""
        counts: dict[str, int] = {}
        where = "run = ? AND (operation = ? OR ? = '')"
        values = (run_id, operation, operation)
        for status, count in self.database.execute(
            f"SELECT status, COUNT(*) FROM row WHERE {where} GROUP BY status", values
        ):
            counts[status] = counts.get(status, 0) + count
        for state, size, accepted in self.database.execute(
            f"SELECT state, SUM(size), SUM(accepted) FROM batch WHERE {where} AND state <> 'split' GROUP BY state",
            values,
        ):
            status, count = ("accepted", accepted) if state == "answered" else (status_of(state), size)
            counts[status] = counts.get(status, 0) + count
        return counts

    def _decoded(self, text: bytes) -> Any:
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise LedgerError(f"{self.path}: the ledger is damaged ({error}); see `ledger recover`") from error

    def _runs(self, tail: str, values: Sequence[Any] = ()) -> list[Run]:
        names = ", ".join(Run.__slots__)
        return [Run(*row) for row in self.database.execute(f"SELECT {names} FROM run {tail}", values)]

    def _set(self, table: str, identifier: Any, columns: dict[str, Any]) -> None:
        changes = ", ".join(f"{name} = ?" for name in columns)
        self.database.execute(f"UPDATE {table} SET {changes} WHERE id = ?", (*columns.values(), identifier))


def checksum_of(positions: bytes, notes: bytes, after: bytes, operation: str, body: bytes) -> int:
    """Return what ``batch.checksum`` must be; a plain import counts as it did before there was anything else."""
    what = b"" if operation == "import" else operation.encode()
    return crc32(what + after, crc32(body, crc32(notes, crc32(positions))))
