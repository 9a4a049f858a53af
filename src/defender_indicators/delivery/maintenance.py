"""Care of the ledger file: is it sound, a copy of it, a smaller one; ``recovery`` makes a new one of a damaged one.

Checking and copying read one consistent state, also while a run is sending; what changes the file holds the sender's
lock, so that it never happens under a run.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from defender_indicators.clock import Clock, SystemClock
from defender_indicators.delivery import events
from defender_indicators.delivery.audit import audit
from defender_indicators.delivery.database import BUSY_SECONDS, Database, explained
from defender_indicators.delivery.lock import sender_lock
from defender_indicators.errors import InputError, LedgerError

_CLOCK: Final = SystemClock()


def ledger_check(path: Path) -> list[str]:
    """Return what is wrong with a ledger, one line each; nothing is changed.

    Raises:
        InputError: there is no ledger.
    """
    require(path)
    try:
        with reading(path) as connection:
            connection.execute("BEGIN")
            return list(audit(connection))
    except sqlite3.DatabaseError as error:
        return [f"cannot be read: {error}"]


def ledger_backup(path: Path, target: Path) -> None:
    """Copy a ledger, also while a run is sending; the copy appears whole or not at all, readable by its owner only.

    Raises:
        InputError: there is no ledger, or the target exists already.
        LedgerError: the ledger is damaged, or the copy cannot be written.
    """
    require(path)
    if os.path.lexists(target):
        raise InputError(f"{target}: exists already; name a new file, a backup never replaces another")
    scratch = target.with_name(target.name + ".new")
    try:
        scratch.unlink(missing_ok=True)
        scratch.touch(mode=0o600, exist_ok=False)
        _copy(path, scratch)
        sync(scratch)
        scratch.rename(target)
        sync(target.parent)
    except OSError as error:
        raise LedgerError(f"{target}: cannot be written: {error.strerror}") from error
    finally:
        scratch.unlink(missing_ok=True)


def ledger_prune(path: Path, older_than_days: int, clock: Clock = _CLOCK) -> int:
    """Delete what is known of runs that finished and are older than so many days; returns how many there were.

    A run newer than an unfinished one stays whatever its age: it may have taken the place of rows that are not sent
    yet. An idempotency key is forgotten with its run, and so are approvals of its plan; the audit log and what was
    adopted stay.

    Raises:
        InputError: there is no ledger.
        LockedError: a run is sending.
    """
    require(path)
    cutoff = (clock.now() - timedelta(days=older_than_days)).isoformat(timespec="seconds")
    with sender_lock(path, clock, lambda _: False), closing(Database(path)) as database:
        with database.transaction():
            execute = database.execute
            execute(
                "CREATE TEMPORARY TABLE gone AS SELECT id FROM run WHERE state = 'finished' AND created < ?"
                " AND NOT EXISTS (SELECT 1 FROM run AS other WHERE other.state <> 'finished'"
                " AND other.number < run.number)",
                (cutoff,),
            )
            execute(
                "DELETE FROM approval WHERE plan_hash IN (SELECT plan_hash FROM run WHERE id IN (SELECT id FROM gone))"
                " AND plan_hash NOT IN (SELECT plan_hash FROM run WHERE id NOT IN (SELECT id FROM gone))"
            )
            for table in ("row", "batch"):
                execute(f"DELETE FROM {table} WHERE run IN (SELECT id FROM gone)")
            execute("DELETE FROM run WHERE id IN (SELECT id FROM gone)")
            execute("DELETE FROM call WHERE wall < ? AND run NOT IN (SELECT id FROM run)", (cutoff,))
            count: int = execute("SELECT COUNT(*) FROM gone").fetchone()[0]
            if count:
                now, facts = clock.now().isoformat(timespec="seconds"), {"runs": count, "created_before": cutoff}
                events.record(database, now, events.os_user(), "runs pruned", details=facts)
        database.execute("VACUUM")
    return count


def require(path: Path) -> None:
    """Refuse to make a ledger where there is none.

    Raises:
        InputError: there is none.
    """
    if not path.exists():
        raise InputError(f"{path}: there is no ledger yet; the first import makes it")


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Yield a connection that cannot write."""
    address = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
        yield connection


def sync(place: Path) -> None:
    """Make a file, or the names in a folder, survive a power cut."""
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _copy(path: Path, scratch: Path) -> None:
    with explained(path), reading(path) as source, closing(sqlite3.connect(scratch)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
        problem = next(audit(copy), "")
    if problem:
        raise LedgerError(f"{path}: not backed up, the ledger is damaged ({problem}); see `ledger recover`")
