"""Checking, copying, saving and pruning a ledger."""

import json
import os
import random
import shutil
import signal
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from defender_indicators.clock import SystemClock
from defender_indicators.delivery import Ledger, events, maintenance, recovery
from defender_indicators.delivery.approvals import approve
from defender_indicators.delivery.lock import sender_lock
from defender_indicators.delivery.maintenance import ledger_backup, ledger_check, ledger_prune
from defender_indicators.delivery.recovery import ledger_recover
from defender_indicators.errors import InputError, LedgerError, LockedError

DIE_AT = """
import os, signal, sys
from pathlib import Path
from defender_indicators.delivery import maintenance, recovery
fatal, seen = int(sys.argv[1]), []
def wrap(owner, name):
    original = getattr(owner, name)
    def wrapped(*given, **more):
        seen.append(name)
        if len(seen) == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*given, **more)
    setattr(owner, name, wrapped)
for owner, name in ((os, "fsync"), (os, "open"), (Path, "rename"), (Path, "unlink"), (Path, "touch")):
    wrap(owner, name)
work = {"ledger_backup": maintenance.ledger_backup, "ledger_recover": recovery.ledger_recover}[sys.argv[2]]
work(*map(Path, sys.argv[3:]))
"""


class Later(SystemClock):
    def __init__(self, days):
        self.days = days

    def now(self):
        return super().now() + timedelta(days=self.days)


@pytest.fixture
def half_done(bench):
    """A ledger with a finished run, rows of every kind, and a run that was stopped."""
    bench.deliver([*bench.rows(4), *bench.rows(1), {"indicatorValue": "10.0.0.1", "indicatorType": "IpAddress"}])
    bench.interrupted(bench.rows(400, start=100), 5)
    return bench


def damage(path, share, length=6000):
    with path.open("r+b") as file:
        file.seek(int(path.stat().st_size * share) // 4096 * 4096)
        file.write(random.Random(1).randbytes(length))


def test_a_sound_ledger_has_no_problems_also_while_a_run_holds_it(half_done):
    with sender_lock(half_done.path, SystemClock(), lambda _: False), closing(Ledger(half_done.path)) as ledger:
        with ledger.transaction():
            assert ledger_check(half_done.path) == []
        ledger_backup(half_done.path, half_done.path.with_name("backup"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("DELETE FROM batch WHERE id = (SELECT MAX(id) FROM batch)", "accounts for 398 places"),
        ("UPDATE batch SET state = 'split' WHERE state = 'answered'", "accounts for"),
        ("UPDATE run SET state = 'finished'", "have no final verdict"),
        ("UPDATE batch SET body = CAST(REPLACE(body, 'Loader', 'loader') AS BLOB)", "not what was planned"),
        ("UPDATE batch SET size = size + 1", "counts 3 rows and holds 2"),
        ("UPDATE batch SET ids = '[]' WHERE state = 'answered'", "ids answered do not match"),
        ("UPDATE run SET total = 1 WHERE number = 1", "has 1 rows"),
        (
            "UPDATE row SET position = 0 WHERE position = (SELECT MAX(position) FROM row)",
            "there twice",
        ),
        ("UPDATE row SET run = 'nobody'", "belongs to a run that is not there"),
    ],
)
def test_a_broken_promise_of_the_ledger_is_found(half_done, change, said):
    with closing(sqlite3.connect(half_done.path)) as other:
        assert other.execute(change).rowcount > 0
        other.commit()
    assert any(said in problem for problem in ledger_check(half_done.path))


@pytest.mark.parametrize("work", [ledger_check, ledger_recover, lambda path: ledger_prune(path, 1)])
def test_care_of_a_ledger_makes_none_where_there_is_none(tmp_path, work):
    with pytest.raises(InputError, match="no ledger yet"):
        work(tmp_path / "ledger.sqlite3")
    assert not (tmp_path / "ledger.sqlite3").exists()


def test_a_backup_is_a_sound_private_copy_and_replaces_nothing(half_done, tmp_path):
    target = tmp_path / "backup"
    ledger_backup(half_done.path, target)
    assert target.stat().st_mode & 0o777 == 0o600
    assert ledger_check(target) == []
    with pytest.raises(InputError, match="exists already"):
        ledger_backup(half_done.path, target)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match="exists already"):
        ledger_backup(half_done.path, tmp_path / "link")
    half_done.path = target
    assert half_done.resume()["counts"]["accepted"] == 400


def test_a_damaged_ledger_is_not_backed_up(half_done, tmp_path):
    damage(half_done.path, 0.5)
    with pytest.raises(LedgerError, match="damaged"):
        ledger_backup(half_done.path, tmp_path / "backup")
    assert not list(tmp_path.glob("backup*"))


def test_a_backup_that_cannot_be_written_says_where(half_done, tmp_path):
    with pytest.raises(LedgerError, match="nowhere"):
        ledger_backup(half_done.path, tmp_path / "nowhere" / "backup")


def test_case_082_a_backup_killed_at_any_step_is_whole_or_absent(half_done, tmp_path, run_script):
    fatal, code = 1, -signal.SIGKILL
    while code == -signal.SIGKILL:
        target = tmp_path / f"backup{fatal}"
        code = run_script(DIE_AT, fatal, "ledger_backup", half_done.path, target).returncode
        assert not target.exists() or ledger_check(target) == []
        fatal += 1
    assert code == 0
    assert fatal > 4
    leftovers = list(tmp_path.glob("backup*.new"))
    assert leftovers, "a kill leaves its scratch file behind"
    ledger_backup(half_done.path, leftovers[0].with_suffix(""))


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_case_079_recovery_keeps_what_can_be_read_and_names_what_is_lost(half_done, share):
    damage(half_done.path, share)
    spoiled = half_done.path.read_bytes()
    with pytest.raises(LedgerError, match=r"ledger (recover|check)"):
        half_done.resume()
    saved = ledger_recover(half_done.path)
    assert saved["recovered"]
    assert ledger_check(half_done.path) == []
    with open(saved["quarantined"], "rb") as kept:  # noqa: PTH123 - a path as text, as it is reported
        assert kept.read() == spoiled
    half_done.service.applied.clear()
    if half_done.query("SELECT 1 FROM run WHERE state <> 'finished'"):
        half_done.resume()
    states = dict(half_done.query("SELECT state, SUM(size) FROM batch WHERE state <> 'split' GROUP BY state"))
    [(total,)] = half_done.query("SELECT SUM(total) FROM run")
    rows = dict(half_done.query("SELECT status, COUNT(*) FROM row GROUP BY status"))
    assert states.get("answered", 0) + sum(rows.values()) == total
    assert rows.get("held", 0) == saved["lost_rows"]
    assert all(row["title"] == "Loader" for row in half_done.service.applied.values())


def test_case_079_a_damaged_ledger_of_the_first_version_is_recovered_with_its_rows(old_bench):
    with closing(sqlite3.connect(old_bench.path)) as other:
        other.execute("DELETE FROM run WHERE number = 1")
        other.commit()
    saved = ledger_recover(old_bench.path)
    assert saved["recovered"]
    assert (saved["runs"], saved["rows"], saved["lost_rows"]) == (2, 2, 0)
    assert old_bench.resume()["counts"]["accepted"] == 20
    assert ledger_check(old_bench.path) == []


def test_the_audit_log_approvals_and_what_was_adopted_survive_recovery_and_backup(half_done, tmp_path):
    with closing(Ledger(half_done.path)) as ledger:
        approve(ledger, "some plan", "ann", "because", SystemClock().now())
        ledger.database.execute("INSERT INTO adopted VALUES ('id-1', 'old tool', '2026-01-01T00:00:00+00:00')")
        noted, told = events.head(ledger.database), [event.what for event in events.events(ledger.database)]
    ledger_backup(half_done.path, tmp_path / "copy")
    with closing(sqlite3.connect(half_done.path)) as other:
        other.execute("DELETE FROM batch WHERE id = (SELECT MAX(id) FROM batch)")
        other.commit()
    ledger_recover(half_done.path)
    for path, more in ((half_done.path, ["ledger recovered"]), (tmp_path / "copy", [])):
        with closing(Ledger(path)) as ledger:
            assert [event.what for event in events.events(ledger.database)] == told + more
            assert events.verify(ledger.database, noted.hash) == []
            assert ledger.database.execute("SELECT plan_hash FROM approval").fetchall() == [("some plan",)]
            assert ledger.database.execute("SELECT id, owner FROM adopted").fetchall() == [("id-1", "old tool")]


def test_an_audit_log_that_lost_events_by_damage_says_so_after_recovery(half_done):
    with closing(sqlite3.connect(half_done.path)) as other:
        other.execute("DELETE FROM event WHERE number = 2")
        other.execute("UPDATE run SET total = total + 1 WHERE number = 1")
        other.commit()
    ledger_recover(half_done.path)
    with closing(Ledger(half_done.path)) as ledger:
        assert events.verify(ledger.database) == ["events 2 to 2 are missing"]


def test_pruning_keeps_the_audit_log_and_forgets_approvals_of_plans_that_are_gone(bench):
    bench.deliver(bench.rows(4))
    bench.interrupted(bench.rows(40, start=100), 3)
    plans = [plan for (plan,) in bench.query("SELECT plan_hash FROM run ORDER BY number")]
    with closing(Ledger(bench.path)) as ledger:
        ledger.database.execute("INSERT INTO adopted VALUES ('id-1', 'old tool', '2026-01-01T00:00:00+00:00')")
        for plan in (*plans, "not sent yet"):
            approve(ledger, plan, "ann", "because", SystemClock().now())
    before = bench.query("SELECT COUNT(*) FROM event")[0][0]
    assert ledger_prune(bench.path, 30, Later(31)) == 1
    assert bench.query("SELECT plan_hash FROM approval ORDER BY 1") == sorted([(plans[1],), ("not sent yet",)])
    assert bench.query("SELECT COUNT(*) FROM adopted") == [(1,)]
    with closing(Ledger(bench.path)) as ledger:
        *kept, last = events.events(ledger.database)
        assert (len(kept), last.what, last.to_dict()["details"]["runs"]) == (before, "runs pruned", 1)
        assert events.verify(ledger.database) == []


def test_recovery_keeps_doubt(half_done):
    with closing(sqlite3.connect(half_done.path)) as other:
        pending = "SELECT MIN(id) FROM batch WHERE state = 'pending'"
        other.execute(f"UPDATE batch SET state = 'inflight', sent_at = 1.0 WHERE id = ({pending})")
        other.execute("DELETE FROM batch WHERE id = (SELECT MAX(id) FROM batch)")
        other.commit()
    saved = ledger_recover(half_done.path)
    assert saved["in_doubt"] == 1
    assert saved["lost_rows"] == 2
    assert half_done.query("SELECT state, sent_at FROM batch WHERE sent_at = 1.0") == [("inflight", 1.0)]


def test_recovery_of_a_lost_run_keeps_its_batches(half_done):
    with closing(sqlite3.connect(half_done.path)) as other:
        other.execute("DELETE FROM run WHERE number = 2")
        other.commit()
    saved = ledger_recover(half_done.path)
    assert (saved["runs"], saved["lost_rows"]) == (2, 0)
    assert half_done.resume()["counts"]["accepted"] == 400


def test_recovery_of_something_unreadable_starts_anew_and_keeps_it(tmp_path):
    path = tmp_path / "ledger.sqlite3"
    path.write_bytes(b"this has never been a database" * 1000)
    saved = ledger_recover(path)
    assert saved["recovered"]
    assert saved["runs"] == 0
    assert ledger_check(path) == []


def test_a_sound_ledger_is_not_recovered(half_done):
    before = half_done.path.read_bytes()
    saved = ledger_recover(half_done.path)
    assert not saved["recovered"]
    assert saved["quarantined"] == ""
    assert half_done.path.read_bytes() == before


def test_the_command_line_checks_copies_saves_and_prunes(command, defender, indicators, tmp_path):
    def run(*arguments):
        process = command(*arguments, "--json")
        out, err = process.communicate(timeout=30)
        return process.returncode, json.loads(out), err

    assert run("import", indicators(1000))[0] == 0
    assert run("ledger", "check")[:2] == (0, {**run("ledger", "check")[1], "ok": True, "problems": []})
    assert run("ledger", "backup", str(tmp_path / "copy"))[0] == 0
    assert ledger_check(tmp_path / "copy") == []
    assert run("ledger", "backup", str(tmp_path / "copy"))[0] == 2
    damage(next(tmp_path.glob("state/ledgers/*.sqlite3")), 0.6)
    code, found, _ = run("ledger", "check")
    assert (code, found["ok"]) == (7, False)
    assert run("runs")[0] == 7
    code, saved, _ = run("ledger", "recover")
    assert (code, saved["recovered"]) == (0, True)
    assert run("ledger", "prune")[:2] == (0, {"schema_version": 1, "pruned": 0})
    assert run("ledger", "check")[0] == 0


def test_case_079_a_recovery_killed_at_any_step_is_finished_by_the_next_one(half_done, tmp_path, run_script):
    damage(half_done.path, 0.5)
    fatal, code = 1, -signal.SIGKILL
    pristine = tmp_path / "pristine"
    shutil.copy(half_done.path, pristine)
    while code == -signal.SIGKILL:
        home = tmp_path / str(fatal)
        home.mkdir()
        half_done.path = home / "ledger.sqlite3"
        shutil.copy(pristine, half_done.path)
        code = run_script(DIE_AT, fatal, "ledger_recover", half_done.path).returncode
        if (
            not any(half_done.path.parent.glob("*.damaged-*"))
            or half_done.path.with_name("ledger.sqlite3.recovered").exists()
        ):
            with pytest.raises(LedgerError):
                Ledger(half_done.path)
        ledger_recover(half_done.path)
        assert ledger_check(half_done.path) == []
        assert len(list(home.glob("*.damaged-*[0-9]"))) == 1
        assert half_done.query("SELECT COUNT(*) FROM run") == [(2,)]
        fatal += 1
    assert code == 0
    assert fatal > 8


def test_pruning_deletes_old_finished_runs_and_nothing_that_is_still_needed(bench):
    for number in range(3):
        bench.deliver(bench.rows(4, start=10 * number))
    unfinished = bench.interrupted(bench.rows(400, start=100), 3)["run_id"]
    bench.deliver(bench.rows(4, start=600))
    calls = bench.query("SELECT COUNT(*) FROM call")[0][0]
    assert ledger_prune(bench.path, 1) == 0
    assert ledger_prune(bench.path, 30, Later(31)) == 3
    assert [run for (run,) in bench.query("SELECT id FROM run WHERE state <> 'finished'")] == [unfinished]
    assert bench.query("SELECT COUNT(*) FROM run") == [(2,)]
    assert bench.query("SELECT COUNT(*) FROM call")[0][0] == calls - 6
    assert ledger_check(bench.path) == []
    assert bench.resume()["counts"]["accepted"] == 400
    assert ledger_prune(bench.path, 30, Later(31)) == 2
    assert bench.query("SELECT (SELECT COUNT(*) FROM batch) + (SELECT COUNT(*) FROM row)") == [(0,)]


@pytest.mark.parametrize("work", [ledger_recover, lambda path: ledger_prune(path, 1)])
def test_a_ledger_in_use_is_not_changed(half_done, work):
    with (
        sender_lock(half_done.path, SystemClock(), lambda _: False),
        pytest.raises(LockedError, match=str(os.getpid())),
    ):
        work(half_done.path)


def test_recovery_does_not_touch_a_newer_ledger(half_done):
    with closing(sqlite3.connect(half_done.path)) as other:
        other.execute("PRAGMA user_version = 99")
    with pytest.raises(LedgerError, match="newer version"):
        ledger_recover(half_done.path)
    assert maintenance.ledger_check(half_done.path)
    assert recovery.recovered_of(half_done.path).exists() is False
