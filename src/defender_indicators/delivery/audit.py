"""What must be true of a ledger: SQLite's own structure, and the conservation of every input row (see ``tables``)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any, Final

import orjson

from defender_indicators.delivery.ledger import OPEN_STATES, checksum_of
from defender_indicators.delivery.tables import SCHEMA_VERSION

BATCH_COLUMNS: Final = "state, size, accepted, positions, notes, after, operation, body, checksum, ids"
"""What :func:`held_by` looks at."""
_SHOWN: Final = 10


def audit(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield what is wrong, one line each; nothing for a sound ledger.

    Raises:
        sqlite3.DatabaseError: the file cannot even be read.
    """
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA_VERSION:
        yield f"written by a newer version (schema {version}, this one knows {SCHEMA_VERSION}); upgrade to check it"
        return
    damage = [line for (line,) in connection.execute(f"PRAGMA integrity_check({_SHOWN})") if line != "ok"]
    yield from damage
    for table, number, parent, _ in connection.execute("PRAGMA foreign_key_check"):
        yield f"{table} {number}: belongs to a {parent} that is not there"
    if damage or version < SCHEMA_VERSION:
        return
    for run, state, total in connection.execute("SELECT id, state, total FROM run ORDER BY number").fetchall():
        yield from _run(connection, run, state, total)


def held_by(state: str, size: int, accepted: int, *content: Any) -> list[int]:
    """Return the positions that a batch answers for.

    Args:
        state: as in the batch, like all that follows.
        size: rows sent.
        accepted: ids answered.
        content: positions, notes, after, operation, body, checksum, ids.

    Raises:
        ValueError: the batch contradicts itself.
    """
    positions, notes, after, operation, body, checksum, ids = content
    if checksum_of(positions, notes, after, operation, body) != checksum:
        raise ValueError("what is to be sent is not what was planned")
    places: list[int] = orjson.loads(positions)
    if len(places) != size:
        raise ValueError(f"counts {size} rows and holds {len(places)}")
    if state == "split":
        return []
    if state != "answered":
        return places
    found = orjson.loads(ids or b"[]")
    if len(found) != size or sum(identifier is not None for identifier in found) != accepted:
        raise ValueError("the ids answered do not match the rows")
    return [place for place, identifier in zip(places, found, strict=True) if identifier is not None]


def _run(connection: sqlite3.Connection, run: str, state: str, total: int) -> Iterator[str]:
    rows = connection.execute("SELECT position, status FROM row WHERE run = ?", (run,)).fetchall()
    places = [position for position, _ in rows]
    open_rows = sum(status == "deferred" for _, status in rows)
    for number, batch_state, *columns in connection.execute(
        f"SELECT id, {BATCH_COLUMNS} FROM batch WHERE run = ? ORDER BY id", (run,)
    ):
        try:
            held = held_by(batch_state, *columns)
        except ValueError as error:
            yield f"run {run}: batch {number}: {error}"
        else:
            places += held
            open_rows += len(held) if batch_state in OPEN_STATES else 0
    yield from _conserved(run, total, places)
    if state == "finished" and open_rows:
        yield f"run {run}: finished, but {open_rows} rows have no final verdict"


def _conserved(run: str, total: int, places: Iterable[int]) -> Iterator[str]:
    known, twice = set(), 0
    for place in places:
        twice += place in known
        known.add(place)
    if twice:
        yield f"run {run}: {twice} rows are there twice"
    if len(known) != total or (known and not 0 <= min(known) <= max(known) < total):
        yield f"run {run}: has {total} rows, the ledger accounts for {len(known)} places"
