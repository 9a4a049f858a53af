"""A disk that fails, fills up, or gives back something else than was written."""

import os
import random
import shutil
import sqlite3
from contextlib import closing

import pytest

from defender_indicators.delivery import Ledger, database
from defender_indicators.delivery.database import Database, filesystem_of
from defender_indicators.delivery.maintenance import ledger_check
from defender_indicators.errors import LedgerError, PackError

FLIPPED_FILES = int(os.environ.get("ROUNDS") or 120)


class FailingConnection(sqlite3.Connection):
    """Fails at one statement (``once``) or from there on."""

    left, once = 0, True

    def execute(self, *arguments):
        self._count()
        return super().execute(*arguments)

    def executemany(self, *arguments):
        self._count()
        return super().executemany(*arguments)

    def cursor(self, *arguments):
        self._count()
        return super().cursor(*arguments)

    @classmethod
    def _count(cls):
        cls.left -= 1
        if cls.left == 0 or (cls.left < 0 and not cls.once):
            raise sqlite3.OperationalError("disk I/O error")


@pytest.mark.parametrize("once", [True, False], ids=["once", "for ever"])
def test_case_076_an_error_at_any_statement_stops_loudly_and_loses_nothing(make_bench, monkeypatch, once):
    connect, statement, failed = sqlite3.connect, 0, True
    while failed:
        statement += 1
        bench = make_bench(f"{statement}.sqlite3")
        rows = bench.rows(6)
        FailingConnection.left, FailingConnection.once = statement, once
        with monkeypatch.context() as patch:
            patch.setattr(sqlite3, "connect", lambda *given, **more: connect(*given, factory=FailingConnection, **more))
            try:
                bench.deliver(rows)
            except LedgerError as error:
                assert "disk I/O error" in str(error)  # noqa: PT017 - the message is what a user sees
            failed = FailingConnection.left <= 0
        _accepted_is_applied(bench)
        report = bench.deliver(rows)
        assert report["counts"]["accepted"] == 6
        _accepted_is_applied(bench)
        assert ledger_check(bench.path) == []
    assert statement > 40


def _accepted_is_applied(bench):
    with closing(Ledger(bench.path)) as ledger:
        answered = list(ledger.batches("state = 'answered'"))
    assert all(bench.service.applied.get(row["indicatorValue"]) == row for each in answered for row in each.payloads())


def test_case_076_nothing_is_sent_once_the_ledger_fails(bench, monkeypatch):
    bench.timing = bench.timing.__class__(calls_in_flight=1)
    execute = Database.execute

    def fail_at_the_first_answer(self, sql, parameters=()):
        if sql.startswith("UPDATE call SET ended") and bench.service.sent:
            raise LedgerError("disk I/O error")
        return execute(self, sql, parameters)

    monkeypatch.setattr(Database, "execute", fail_at_the_first_answer)
    with pytest.raises(LedgerError):
        bench.deliver(bench.rows(20))
    assert len(bench.service.sent) == 1
    assert LedgerError.exit_code == 7


@pytest.mark.parametrize("kilobytes", [40, 100, 200, 400])
def test_case_077_a_full_disk_ends_with_exit_code_7_and_the_run_can_go_on(defender, command, indicators, kilobytes):
    limit = f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({kilobytes << 10}, {kilobytes << 10}))"
    process = command("import", indicators(1500), wrapper=limit)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 7, err
    assert "Traceback" not in out + err
    process = command("import", indicators(1500))
    assert (process.communicate(timeout=60), process.returncode)[1] == 0
    assert len(defender.rows()) == 1500
    assert not defender.duplicates()


def test_case_077_nothing_is_sent_when_the_answers_could_not_be_kept(bench, monkeypatch):
    monkeypatch.setattr(database, "MIN_FREE_BYTES", 2**62)
    with pytest.raises(LedgerError, match="free"):
        bench.deliver(bench.rows(2))
    assert bench.service.sent == []


def test_case_078_a_symbolic_link_is_refused(tmp_path):
    (tmp_path / "ledger.sqlite3").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LedgerError, match="symbolic link"):
        Ledger(tmp_path / "ledger.sqlite3")


def test_case_078_a_folder_of_another_user_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(LedgerError, match="another user"):
        Ledger(tmp_path / "ledger.sqlite3")


def test_case_078_a_read_only_folder_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda place, mode: mode != os.W_OK)
    with pytest.raises(LedgerError, match="read-only"):
        Ledger(tmp_path / "ledger.sqlite3")


def test_case_078_a_file_where_the_folder_should_be_is_refused(tmp_path):
    (tmp_path / "state").touch()
    with pytest.raises(LedgerError, match="DEFENDER_INDICATORS_HOME"):
        Ledger(tmp_path / "state" / "ledger.sqlite3")


def test_the_ledger_is_readable_by_its_owner_only(bench):
    bench.deliver(bench.rows(2))
    assert bench.path.stat().st_mode & 0o777 == 0o600


def test_case_079_a_truncated_ledger_is_refused_and_kept(bench):
    bench.interrupted(bench.rows(400), 3)
    size = bench.path.stat().st_size
    for share in (0.9, 0.5, 0.1):
        os.truncate(bench.path, int(size * share))
        left = bench.path.read_bytes()
        with pytest.raises(LedgerError, match=r"ledger (recover|check)"):
            bench.resume()
        assert bench.path.read_bytes() == left


def test_case_079_after_any_flipped_bytes_only_planned_bytes_are_sent(bench, tmp_path):
    planned = bench.rows(30)
    bench.interrupted(planned, 4)
    pristine = tmp_path / "pristine"
    shutil.copy(bench.path, pristine)
    dice, whole = random.Random(79), {row["indicatorValue"]: row["title"] for row in planned}
    refused = 0
    for _ in range(FLIPPED_FILES):
        content = bytearray(pristine.read_bytes())
        for _ in range(dice.choice((1, 1, 4, 16))):
            content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
        for companion in bench.path.parent.glob(bench.path.name + "-*"):
            companion.unlink()
        bench.path.write_bytes(content)
        bench.service.applied.clear()
        try:
            bench.resume()
        except (PackError, TypeError):  # SQLite lets damage change a column's type; loud, and nothing wrong is sent
            refused += 1
        assert {value: row["title"] for value, row in bench.service.applied.items()}.items() <= whole.items()
    assert refused > FLIPPED_FILES // 10


def test_case_079_a_lost_wal_or_a_spoiled_shm_lets_the_run_go_on(bench):
    rows = bench.rows(20)
    bench.interrupted(rows, 3)
    keeper = sqlite3.connect(bench.path)
    keeper.execute("SELECT COUNT(*) FROM run").fetchone()
    bench.service.stop_after = len(bench.service.sent) + 2
    bench.resume()
    wal, shm = (bench.path.with_name(bench.path.name + suffix) for suffix in ("-wal", "-shm"))
    kept = bench.path.read_bytes(), wal.read_bytes()
    keeper.close()
    bench.path.write_bytes(kept[0])
    wal.write_bytes(kept[1])
    shm.write_bytes(random.Random(1).randbytes(32768))
    assert bench.query("SELECT COUNT(*) FROM batch WHERE state = 'answered'")[0][0] >= 4
    bench.path.write_bytes(kept[0])
    wal.unlink(missing_ok=True)
    shm.unlink(missing_ok=True)
    assert bench.resume()["counts"]["accepted"] == 20
    assert ledger_check(bench.path) == []


def test_case_081_a_network_file_system_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "filesystem_of", lambda _: "nfs4")
    with pytest.raises(LedgerError, match="lies on nfs4"):
        Ledger(tmp_path / "ledger.sqlite3")


def test_case_081_the_innermost_mount_names_the_file_system(tmp_path):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"root / ext4 rw 0 0\nhost:/x {tmp_path}/a\\040b nfs4 rw 0 0\nother {tmp_path} tmpfs rw 0 0\n")
    (tmp_path / "a b" / "c").mkdir(parents=True)
    assert filesystem_of(tmp_path / "a b" / "c", mounts) == "nfs4"
    assert filesystem_of(tmp_path, mounts) == "tmpfs"
    assert filesystem_of(tmp_path.parent, mounts) == "ext4"
    assert filesystem_of(tmp_path, tmp_path / "nowhere") == ""
