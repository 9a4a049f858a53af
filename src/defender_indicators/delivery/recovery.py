"""A new ledger out of a damaged one: what can be read is kept, doubt stays doubt, what is lost is said row by row.

The damaged file is never deleted, it gets another name. A kill at any point leaves either the damaged ledger or a
finished recovery that only has to take its place; the ledger refuses to open in between.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from defender_indicators.clock import Clock, SystemClock
from defender_indicators.delivery import events
from defender_indicators.delivery.audit import BATCH_COLUMNS, held_by
from defender_indicators.delivery.database import recovered_of
from defender_indicators.delivery.ledger import OPEN_STATES, Ledger
from defender_indicators.delivery.lock import sender_lock
from defender_indicators.delivery.maintenance import ledger_check, reading, require, sync
from defender_indicators.delivery.records import Exceptional
from defender_indicators.delivery.tables import SCHEMA_VERSION
from defender_indicators.errors import LedgerError

LOST: Final = "lost_with_ledger"
"""Code of a row that nothing is known of any more."""
_CLOCK: Final = SystemClock()
_TABLES: Final = ("meta", "run", "batch", "row", "call", "rate", "approval", "event", "adopted")
_SINCE: Final[Mapping[str, Mapping[str, Any]]] = {"batch": {"after": b"", "operation": "import"}}
"""What a row means that was written before there were such columns."""
_COMPANIONS: Final = ("", "-wal", "-shm")
_PROBES: Final = 10_000
_MOST_LOST: Final = 1_000_000
_REASON: Final = "the ledger was damaged and what became of this row is not known; import it again if it is wanted"


def ledger_recover(path: Path, clock: Clock = _CLOCK) -> dict[str, Any]:
    """Save what can be read of a damaged ledger into a new one.

    Returns:
        ``schema_version``, ``recovered`` (false: the ledger is sound and nothing was done), ``quarantined`` (where the
        damaged file is now), and what the ledger holds: ``runs``, ``batches``, ``in_doubt`` (of them), ``rows`` with a
        line of their own, ``lost_rows`` (of them), ``calls``.

    Raises:
        InputError: there is no ledger.
        LockedError: a run is sending.
        LedgerError: the ledger is of a newer version, or the disk fails.
    """
    finished = recovered_of(path)
    if not finished.exists():
        require(path)
    with sender_lock(path, clock, lambda _: False):
        quarantined = ""
        if finished.exists() or ledger_check(path):
            try:
                if not finished.exists():
                    _rebuild(path, finished, clock)
                quarantined = str(_take_place(path, finished))
            except OSError as error:
                raise LedgerError(f"{path}: cannot be replaced: {error.strerror}") from error
        with closing(Ledger(path)) as ledger:
            return {"schema_version": 1, "recovered": bool(quarantined), "quarantined": quarantined, **_counts(ledger)}


def _rebuild(path: Path, finished: Path, clock: Clock) -> None:
    """Write everything readable to a new file; only when that is whole and on disk does it get its name."""
    part = finished.with_name(finished.name + ".part")
    for suffix in _COMPANIONS:
        part.with_name(part.name + suffix).unlink(missing_ok=True)
    with closing(Ledger(part)) as ledger, reading(path) as source:
        source.text_factory = lambda text: text.decode("utf-8", "replace")
        _require_known_version(path, source)
        with ledger.transaction():
            runs: set[str] = set()
            for table in _TABLES:
                for row in _readable(source, table, _columns(ledger, source, table)):
                    _save(ledger, table, {**_SINCE.get(table, {}), **row}, runs, clock)
            for run in runs:
                _account_for_all(ledger, run)
            now = clock.now().isoformat(timespec="seconds")
            events.record(ledger.database, now, events.os_user(), "ledger recovered", details=_counts(ledger))
    sync(part)
    part.rename(finished)
    sync(path.parent)


def _require_known_version(path: Path, source: sqlite3.Connection) -> None:
    with suppress(sqlite3.DatabaseError):
        version = source.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise LedgerError(f"{path}: written by a newer version (schema {version}); recover it with that version")


def _take_place(path: Path, finished: Path) -> Path:
    made = datetime.fromtimestamp(finished.stat().st_mtime, UTC)
    aside = path.with_name(f"{path.name}.damaged-{made:%Y%m%d-%H%M%S-%f}")
    for suffix in _COMPANIONS:
        companion = path.with_name(path.name + suffix)
        if companion.exists():
            companion.rename(aside.with_name(aside.name + suffix))
    sync(path.parent)
    finished.rename(path)
    sync(path.parent)
    return aside


def _readable(source: sqlite3.Connection, table: str, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield rows up to the damage, from the end back to the damage, and what single probes find in between."""
    select, low, high = f"SELECT {', '.join(('rowid', *columns))} FROM {table}", 0, None
    with suppress(sqlite3.DatabaseError):
        for number, *row in source.execute(f"{select} ORDER BY rowid"):
            low = number + 1
            yield dict(zip(columns, row, strict=True))
        return
    with suppress(sqlite3.DatabaseError):
        for number, *row in source.execute(f"{select} WHERE rowid >= ? ORDER BY rowid DESC", (low,)):
            high = number
            yield dict(zip(columns, row, strict=True))
    for number in range(low, low + _PROBES if high is None else high):
        with suppress(sqlite3.DatabaseError):
            for _, *row in source.execute(f"{select} WHERE rowid = ?", (number,)):
                yield dict(zip(columns, row, strict=True))


def _columns(ledger: Ledger, source: sqlite3.Connection, table: str) -> list[str]:
    """Return the columns that the damaged ledger, which may be of an older version, shares with the new one."""
    columns = f"PRAGMA table_info({table})"
    with suppress(sqlite3.DatabaseError):
        there = {name for _, name, *_ in source.execute(columns)}
        return [name for _, name, *_ in ledger.database.execute(columns) if name in there]
    return []


def _save(ledger: Ledger, table: str, row: dict[str, Any], runs: set[str], clock: Clock) -> None:
    """Copy one row unless it contradicts itself or the table's rules."""
    if table == "batch":
        try:
            held_by(*(row[name] for name in BATCH_COLUMNS.split(", ")))
        except (ValueError, TypeError):
            return
    with suppress(LedgerError):
        if table in ("batch", "row") and row["run"] not in runs:
            ledger.put_run(row["run"], clock.now().isoformat(timespec="seconds"), f"recovered {row['run']}", **_NO_RUN)
            runs.add(row["run"])
        marks = ", ".join("?" * len(row))
        ledger.database.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))
        if table == "run":
            runs.add(row["id"])


_NO_RUN: Final = {"subject_hash": "", "retry_of": "", "total": 0, "max_rows": 500, "max_bytes": 900_000}


def _account_for_all(ledger: Ledger, run: str) -> None:
    """Give every place of a run that nothing is known of a line that says so."""
    execute = ledger.database.execute
    rows = execute("SELECT position, status FROM row WHERE run = ?", (run,)).fetchall()
    known = {position for position, _ in rows}
    open_rows = any(status in OPEN_STATES for _, status in rows)
    for state, *columns in execute(f"SELECT {BATCH_COLUMNS} FROM batch WHERE run = ?", (run,)).fetchall():
        known.update(held_by(state, *columns))
        open_rows = open_rows or state in OPEN_STATES
    total = ledger.run(run).total
    least = max(known, default=-1) + 1
    if not least <= total <= least + _MOST_LOST:
        total = least
    lost = (Exceptional(place, "held", "", "", "", LOST, _REASON) for place in range(total) if place not in known)
    ledger.put_rows(run, lost)
    ledger.set_run(run, total=total, state="paused" if open_rows else "finished")


def _counts(ledger: Ledger) -> dict[str, int]:
    def count(table: str, where: str = "1 = 1") -> int:
        return int(ledger.database.execute(f"SELECT COUNT(*) FROM {table} WHERE {where}").fetchone()[0])

    return {
        "runs": count("run"),
        "batches": count("batch"),
        "in_doubt": count("batch", "state IN ('inflight', 'unknown')"),
        "rows": count("row"),
        "lost_rows": count("row", f"code = '{LOST}'"),
        "calls": count("call"),
    }
