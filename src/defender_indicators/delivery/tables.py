"""The ledger's tables, in SQL that SQLite and PostgreSQL both read once the three type names are filled in.

**The batch is the record.** A batch row holds the frozen body and, later, what became of its rows; that is what has to
be sent again byte for byte. Rows get a line of their own only as exceptions. For every row of every run exactly one
of these holds: it has a line in ``row``; an ``answered`` batch holds its id; an open batch holds its position.
``checksum`` (CRC-32) is over positions, notes and body: SQLite notices damage in its own structure only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

SCHEMA_VERSION: Final = 1

UPGRADES: Final[Mapping[int, Sequence[str]]] = {}
"""Version → the statements that lead to the next one; all that are needed run in one transaction."""

SQLITE_TYPES: Final = {"serial": "INTEGER PRIMARY KEY", "bytes": "BLOB", "double": "REAL"}

TABLES: Final = (
    """CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)""",
    """CREATE TABLE run (
         number {serial},
         id TEXT NOT NULL UNIQUE,
         created TEXT NOT NULL,
         state TEXT NOT NULL CHECK (state IN ('sending', 'paused', 'halted', 'finished')),
         plan_hash TEXT NOT NULL,
         subject_hash TEXT NOT NULL,
         idempotency_key TEXT UNIQUE,
         retry_of TEXT NOT NULL,
         total INTEGER NOT NULL,
         max_rows INTEGER NOT NULL,
         max_bytes INTEGER NOT NULL,
         waited {double} NOT NULL DEFAULT 0,
         stopped TEXT NOT NULL DEFAULT '')""",
    """CREATE UNIQUE INDEX run_unfinished ON run (plan_hash) WHERE state <> 'finished'""",
    """CREATE TABLE batch (
         id {serial},
         run TEXT NOT NULL REFERENCES run (id),
         lane INTEGER NOT NULL,
         first INTEGER NOT NULL,
         size INTEGER NOT NULL,
         positions {bytes} NOT NULL,
         notes {bytes} NOT NULL,
         body {bytes} NOT NULL,
         checksum BIGINT NOT NULL,
         request_id TEXT NOT NULL,
         state TEXT NOT NULL
           CHECK (state IN ('pending', 'inflight', 'unknown', 'answered', 'split', 'deferred', 'quarantined')),
         parent INTEGER NOT NULL DEFAULT 0,
         root INTEGER NOT NULL DEFAULT 0,
         attempts INTEGER NOT NULL DEFAULT 0,
         ambiguous INTEGER NOT NULL DEFAULT 0,
         sent_at {double},
         sent_boot TEXT NOT NULL DEFAULT '',
         sent_wall TEXT NOT NULL DEFAULT '',
         accepted INTEGER NOT NULL DEFAULT 0,
         ids {bytes},
         code TEXT NOT NULL DEFAULT '',
         reason TEXT NOT NULL DEFAULT '')""",
    """CREATE INDEX batch_state ON batch (state, run, lane, first)""",
    """CREATE INDEX batch_tree ON batch (parent)""",
    """CREATE TABLE row (
         run TEXT NOT NULL REFERENCES run (id),
         position INTEGER NOT NULL,
         status TEXT NOT NULL
           CHECK (status IN ('accepted', 'refused', 'rejected', 'duplicate', 'superseded', 'held', 'deferred')),
         value TEXT NOT NULL,
         type TEXT NOT NULL,
         action TEXT NOT NULL,
         remote_id TEXT NOT NULL,
         code TEXT NOT NULL,
         reason TEXT NOT NULL,
         notes {bytes} NOT NULL,
         payload {bytes},
         PRIMARY KEY (run, position))""",
    """CREATE TABLE call (
         id {serial},
         endpoint TEXT NOT NULL,
         boot TEXT NOT NULL,
         started {double} NOT NULL,
         ended {double},
         run TEXT NOT NULL,
         batch INTEGER NOT NULL,
         wall TEXT NOT NULL,
         kind TEXT NOT NULL DEFAULT '',
         status INTEGER NOT NULL DEFAULT 0,
         target TEXT NOT NULL DEFAULT '')""",
    """CREATE INDEX call_window ON call (endpoint, ended)""",
    """CREATE INDEX call_run ON call (run)""",
    """CREATE TABLE rate (
         endpoint TEXT PRIMARY KEY,
         boot TEXT NOT NULL,
         not_before {double} NOT NULL,
         probing INTEGER NOT NULL,
         pace {double} NOT NULL,
         successes INTEGER NOT NULL,
         throttled_at {double} NOT NULL)""",
)
