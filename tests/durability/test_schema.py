"""Ledgers of other versions, busy ledgers, and ledgers in the wrong process."""

import sqlite3
import time
from contextlib import closing

import pytest

from defender_indicators.delivery import Ledger, database
from defender_indicators.delivery.maintenance import ledger_check
from defender_indicators.errors import LedgerError, LockedError

NEXT = ("ALTER TABLE run ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'", "ALTER TABLE batch ADD COLUMN weight {double}")
MIGRATE = """
import os, signal, sys
from pathlib import Path
from defender_indicators.delivery import database, Ledger
path, fatal = Path(sys.argv[1]), int(sys.argv[2])
seen = []
def count(statement):
    seen.append(statement)
    if len(seen) == fatal:
        os.kill(os.getpid(), signal.SIGKILL)
original = database.sqlite3.connect
def connect(*given, **more):
    connection = original(*given, **more)
    connection.set_trace_callback(count)
    return connection
database.sqlite3.connect = connect
Ledger(path).close()
print(len(seen))
"""


def test_case_080_a_newer_ledger_is_refused_untouched(bench):
    bench.deliver(bench.rows(2))
    with closing(sqlite3.connect(bench.path)) as other:
        other.execute("PRAGMA user_version = 99")
    with pytest.raises(LedgerError, match="newer version"):
        bench.resume()
    assert "newer version" in ledger_check(bench.path)[0]


def test_case_080_an_older_ledger_is_brought_up_to_date_with_its_rows(bench, monkeypatch):
    bench.interrupted(bench.rows(20), 3)
    version = database.SCHEMA_VERSION
    monkeypatch.setattr(database, "SCHEMA_VERSION", version + 1)
    monkeypatch.setattr(database, "UPGRADES", {version: NEXT})
    assert bench.resume()["counts"]["accepted"] == 20
    assert bench.query("SELECT colour FROM run") == [("red",)]
    assert bench.query("PRAGMA user_version") == [(version + 1,)]


def test_case_080_a_ledger_of_the_first_version_is_resumed_with_its_rows(old_bench):
    assert ledger_check(old_bench.path) == []
    assert old_bench.resume()["counts"]["accepted"] == 20
    assert dict(old_bench.query("SELECT status, COUNT(*) FROM row GROUP BY status")) == {"duplicate": 1, "rejected": 1}
    assert set(old_bench.query("SELECT operation, lane, after FROM row")) == {("import", 0, -1)}
    assert old_bench.query("PRAGMA user_version") == [(2,)]
    assert ledger_check(old_bench.path) == []


def test_case_080_an_upgraded_ledger_has_the_tables_and_columns_of_a_new_one(old_bench, make_bench):
    shape = (
        "SELECT m.name, c.name, c.type, c.[notnull], c.dflt_value, c.pk"
        " FROM sqlite_schema AS m, pragma_table_info(m.name) AS c"
    )
    assert set(old_bench.query(shape)) == set(make_bench("new").query(shape))
    indexes = "SELECT name, tbl_name FROM sqlite_schema WHERE type = 'index'"
    assert set(old_bench.query(indexes)) == set(make_bench("new").query(indexes))


def test_case_080_a_kill_during_migration_leaves_the_old_or_the_new_schema(old_bench, run_script):
    original = old_bench.path.read_bytes()
    rows = "SELECT (SELECT COUNT(*) FROM row), (SELECT COUNT(*) FROM batch), (SELECT COUNT(*) FROM call)"
    with closing(sqlite3.connect(old_bench.path)) as other:
        before = other.execute(rows).fetchone()
    fatal, killed, versions = 1, -9, set()
    while killed == -9:
        for companion in old_bench.path.parent.glob(old_bench.path.name + "-*"):
            companion.unlink()
        old_bench.path.write_bytes(original)
        killed = run_script(MIGRATE, old_bench.path, fatal).returncode
        assert killed in (0, -9)
        with closing(sqlite3.connect(old_bench.path)) as other:
            version = other.execute("PRAGMA user_version").fetchone()[0]
            tables = {name for (name,) in other.execute("SELECT name FROM sqlite_schema")}
            assert other.execute(rows).fetchone() == before
        assert (version, "event" in tables, "row_before" in tables) in {(1, False, False), (2, True, False)}
        versions.add(version)
        fatal += 1
    assert versions == {1, 2}
    assert fatal > 8
    assert old_bench.resume()["counts"]["accepted"] == 20


def test_a_file_that_is_no_ledger_is_refused(tmp_path):
    (tmp_path / "a").write_bytes(b"not a database, and longer than a header of one " * 50)
    with closing(sqlite3.connect(tmp_path / "b")) as other:
        other.execute("CREATE TABLE run (x)")
    for name in "ab":
        with pytest.raises(LedgerError):
            Ledger(tmp_path / name)


def test_case_083_a_busy_ledger_is_waited_for_and_then_named_with_its_sender(bench, monkeypatch):
    bench.deliver(bench.rows(2))
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.3)
    with closing(sqlite3.connect(bench.path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        with pytest.raises(LockedError, match=r"last known sender: process \d+ on ") as refused:
            bench.deliver(bench.rows(3))
    assert 0.25 < time.monotonic() - started < 3
    assert refused.value.exit_code == 3


def test_case_083_every_transaction_asks_for_the_write_lock_at_once(bench, monkeypatch):
    statements, connect = [], sqlite3.connect

    def traced(*given, **more):
        connection = connect(*given, **more)
        connection.set_trace_callback(statements.append)
        return connection

    monkeypatch.setattr(sqlite3, "connect", traced)
    bench.deliver(bench.rows(10))
    begins = {statement for statement in statements if statement.startswith("BEGIN")}
    assert begins == {"BEGIN IMMEDIATE"}
    assert database.BUSY_SECONDS == 5


def test_case_090_a_ledger_opened_before_a_fork_is_not_used_after_it(run_script, tmp_path):
    done = run_script(
        """
import os, sys
from pathlib import Path
from defender_indicators.delivery import Ledger
from defender_indicators.errors import LedgerError
ledger = Ledger(Path(sys.argv[1]))
if os.fork() == 0:
    refused = 0
    for use in (ledger.runs, lambda: ledger.transaction().__enter__(), lambda: ledger.put_rows("", ())):
        try:
            use()
        except LedgerError as error:
            refused += "fork" in str(error)
    fresh = Ledger(Path(sys.argv[1]))
    os._exit(0 if refused == 3 and fresh.runs() == [] else 1)
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]) or len(ledger.runs()))
""",
        tmp_path / "ledger.sqlite3",
    )
    assert done.returncode == 0, done.stderr
