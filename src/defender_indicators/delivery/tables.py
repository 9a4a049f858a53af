"""The ledger's tables, in SQL that SQLite and PostgreSQL both read once four names are filled in.

**The batch is the record.** A batch row holds the frozen body and, later, what became of its rows; that is what has to
be sent again byte for byte. Rows get a line of their own only as exceptions. For every row of every run exactly one
of these holds: it has a line in ``row``; an ``answered`` batch holds its id; an open batch holds its position.
``checksum`` (CRC-32) is over positions, notes, body and, where there are any, operation and conditions: SQLite
notices damage in its own structure only.

``operation`` is ``import`` or ``delete``; ``after`` maps positions to the positions that must be accepted first. A
row that is held keeps all that is needed to send it once it is released: payload, operation, lane and condition
(-1: none). ``event`` is the audit log, a hash chain; its head stands in ``meta``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

SCHEMA_VERSION: Final = 2

SQLITE_TYPES: Final = {"serial": "INTEGER PRIMARY KEY", "bytes": "BLOB", "empty": "x''", "double": "REAL"}

_BATCH_STATE: Final = "CREATE INDEX batch_state ON batch (state, run, lane, first, operation, size, accepted)"
"""Finds the next batch, and counts rows without reading the bodies, several times a second while a run is under way."""
_ROW: Final = """CREATE TABLE row (
         run TEXT NOT NULL REFERENCES run (id),
         position INTEGER NOT NULL,
         status TEXT NOT NULL CHECK (status IN
           ('accepted', 'unchanged', 'refused', 'rejected', 'duplicate', 'superseded', 'held', 'deferred')),
         value TEXT NOT NULL,
         type TEXT NOT NULL,
         action TEXT NOT NULL,
         remote_id TEXT NOT NULL,
         code TEXT NOT NULL,
         reason TEXT NOT NULL,
         notes {bytes} NOT NULL,
         payload {bytes},
         operation TEXT NOT NULL DEFAULT 'import' CHECK (operation IN ('import', 'delete')),
         lane INTEGER NOT NULL DEFAULT 0,
         after INTEGER NOT NULL DEFAULT -1,
         PRIMARY KEY (run, position))"""

_GOVERNANCE: Final = (
    """CREATE TABLE approval (
         plan_hash TEXT NOT NULL,
         approver TEXT NOT NULL,
         at TEXT NOT NULL,
         expires TEXT NOT NULL,
         why TEXT NOT NULL,
         PRIMARY KEY (plan_hash, approver))""",
    """CREATE TABLE event (
         number {serial},
         at TEXT NOT NULL,
         actor TEXT NOT NULL,
         what TEXT NOT NULL,
         run TEXT NOT NULL,
         why TEXT NOT NULL,
         details TEXT NOT NULL,
         hash TEXT NOT NULL)""",
    """CREATE TABLE adopted (
         id TEXT PRIMARY KEY,
         owner TEXT NOT NULL,
         at TEXT NOT NULL)""",
)

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
         kind TEXT NOT NULL DEFAULT 'import',
         author TEXT NOT NULL DEFAULT '',
         why TEXT NOT NULL DEFAULT '',
         facts TEXT NOT NULL DEFAULT '{{}}',
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
         reason TEXT NOT NULL DEFAULT '',
         operation TEXT NOT NULL DEFAULT 'import' CHECK (operation IN ('import', 'delete')),
         after {bytes} NOT NULL DEFAULT {empty})""",
    _BATCH_STATE,
    """CREATE INDEX batch_tree ON batch (parent)""",
    _ROW,
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
    *_GOVERNANCE,
)

UPGRADES: Final[Mapping[int, Sequence[str]]] = {
    1: (
        "ALTER TABLE run ADD COLUMN kind TEXT NOT NULL DEFAULT 'import'",
        "ALTER TABLE run ADD COLUMN author TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE run ADD COLUMN why TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE run ADD COLUMN facts TEXT NOT NULL DEFAULT '{{}}'",
        """ALTER TABLE batch ADD COLUMN
           operation TEXT NOT NULL DEFAULT 'import' CHECK (operation IN ('import', 'delete'))""",
        "ALTER TABLE batch ADD COLUMN after {bytes} NOT NULL DEFAULT {empty}",
        "DROP INDEX batch_state",
        _BATCH_STATE,
        "ALTER TABLE row RENAME TO row_before",
        _ROW,
        """INSERT INTO row (run, position, status, value, type, action, remote_id, code, reason, notes, payload)
           SELECT run, position, status, value, type, action, remote_id, code, reason, notes, payload
           FROM row_before""",
        "DROP TABLE row_before",
        *_GOVERNANCE,
    ),
}
"""Version → the statements that lead to the next one; all that are needed run in one transaction."""
