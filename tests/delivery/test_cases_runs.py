"""Cases 84 to 86 and 88: the same plan twice, newer versions, somebody else's changes, several runs at once."""

import os
import subprocess
import sys
from itertools import pairwise

import pytest

from defender_indicators.clock import SystemClock
from defender_indicators.delivery.lock import sender_lock
from defender_indicators.errors import InputError


def titles(world, row):
    return [applied["title"] for applied in world.emulator.history(row["indicatorValue"])]


def test_case_084_the_same_plan_again_goes_on_with_the_unfinished_run(world, rows):
    first = world.run(rows(600), "500_before")
    assert first["outcome"] == "paused"
    world.emulator.faults.clear()
    again = world.run(rows(600))
    assert again["run_id"] == first["run_id"]
    assert again["outcome"] == "succeeded"
    assert len(world.context.runs()) == 1


def test_case_084_the_same_key_again_shows_the_finished_run_and_sends_nothing(world, rows):
    first = world.run(rows(20), idempotency_key="ticket 7")
    world.reopen()
    again = world.run(rows(20), idempotency_key="ticket 7")
    assert again.to_dict() == first.to_dict()
    assert len(world.imports()) == 1


def test_case_084_a_key_belongs_to_its_indicators(world, rows):
    world.run(rows(20), idempotency_key="ticket 7")
    with pytest.raises(InputError, match="used it for other indicators"):
        world.run(rows(21), idempotency_key="ticket 7")
    assert len(world.imports()) == 1


def test_case_084_two_processes_with_one_key_send_every_row_once(world, start_worker):
    world.emulator.faults.add("latency=0.1")
    workers = [start_worker(world, 0, 30, 10, "cron 12:00") for _ in range(2)]
    one, other = [worker.result() for worker in workers]
    assert one["run_id"] == other["run_id"]
    assert len(world.imports()) == 3


def test_case_085_a_newer_version_waits_until_the_doubt_about_the_older_one_is_gone(world, rows):
    old = rows(20, title="Old")
    assert world.run(old, "drop_after")["counts"]["unknown"] == 20
    world.emulator.faults.clear()
    assert world.run(rows(20, title="New"))["outcome"] == "succeeded"
    for row in old:
        assert titles(world, row)[-2:] == ["Old", "New"]
    assert [world.context.show(run["run_id"])["outcome"] for run in world.context.runs()] == ["succeeded"] * 2


def test_case_085_a_newer_version_waits_until_the_older_one_was_sent_again(make_world, rows):
    world = make_world(durations={"backoff_seconds": 3600, "backoff_cap_seconds": 3600})
    world.context.progress = lambda now: now.waiting_seconds > 1 and world.context.stop.request()
    older = world.run(rows(20, title="Old"), "drop_before")
    assert (older["counts"]["unknown"], older["calls"]["attempts"]) == (20, 1)
    world.emulator.faults.clear()
    world.configure()
    world.reopen()
    assert world.run(rows(20, title="New"))["outcome"] == "succeeded"
    assert titles(world, rows(1)[0]) == ["Old", "New"]
    assert [call.request_id for call in world.imports()][:2] == [world.imports()[0].request_id] * 2


def test_case_085_an_older_version_that_was_lost_does_not_come_after_the_newer_one(world, rows):
    old = rows(20, title="Old")
    older = world.run(old, "drop_before")
    world.emulator.faults.clear()
    assert world.run(rows(20, title="New"))["outcome"] == "succeeded"
    resumed = world.context.resume(older["run_id"])
    assert resumed["counts"]["superseded"] == 20
    for row in old:
        assert titles(world, row) == ["New"]


def test_case_085_an_older_version_that_was_never_sent_gives_way(world, rows):
    older = world.run(rows(20, title="Old"), "403=Forbidden")
    world.emulator.faults.clear()
    assert world.run(rows(15, title="New"))["outcome"] == "succeeded"
    resumed = world.context.resume(older["run_id"])
    assert {name: count for name, count in resumed["counts"].items() if count} == {"superseded": 15, "accepted": 5}
    assert titles(world, rows(1)[0]) == ["New"]


def in_doubt_for_long(world, rows):
    """Return a run whose rows were applied but never answered, and let what is unanswered be old from now on."""
    report = world.run(rows, "drop_after")
    assert report["counts"]["unknown"] == len(rows)
    world.emulator.faults.clear()
    world.configure(reconcile_after_seconds=0.001)
    world.reopen()
    return report["run_id"]


def test_case_086_what_an_analyst_deleted_meanwhile_is_not_brought_back(world, rows):
    given = rows(5)
    run_id = in_doubt_for_long(world, given)
    sent = len(world.imports())
    world.emulator.delete(given[3]["indicatorValue"])
    report = world.context.resume(run_id)
    assert [row["status"] for row in report["results"]] == ["accepted"] * 3 + ["held", "accepted"]
    assert report["results"][3]["code"] == "changed_elsewhere"
    assert (report["outcome"], report.exit_code) == ("held", 6)
    assert len(world.imports()) == sent
    assert len(world.emulator.rows()) == 4


def test_case_086_what_an_analyst_changed_meanwhile_is_not_overwritten(world, rows):
    given = rows(5)
    run_id = in_doubt_for_long(world, given)
    sent = len(world.imports())
    world.emulator.add_rows([given[3] | {"title": "By hand"}])
    report = world.context.resume(run_id)
    assert [row["status"] for row in report["results"]] == ["accepted"] * 3 + ["held", "accepted"]
    assert titles(world, given[3])[-1] == "By hand"
    assert len(world.imports()) == sent


def test_case_086_what_was_never_applied_is_sent_after_reading_back(world, rows):
    given = rows(5)
    world.run(given, "drop_before")
    world.emulator.faults.clear()
    world.configure(reconcile_after_seconds=0.001)
    world.reopen()
    assert world.context.resume()["outcome"] == "succeeded"
    listed, imported = world.emulator.arrivals[-2:]
    assert (listed.endpoint, imported.endpoint) == ("list", "import")


def test_case_088_runs_at_once_take_turns_and_those_that_wait_name_the_holder(world, start_worker):
    world.emulator.faults.add("latency=0.3")
    results = [worker.result() for worker in [start_worker(world, 100 * number, 30, 10) for number in range(4)]]
    assert [found["outcome"] for found in results] == ["succeeded"] * 4
    assert len(world.imports()) == len({call.body_sha256 for call in world.imports()}) == 12
    holders = {f"process {found['pid']} on " for found in results}
    seen = [reason for found in results for reason in found["reasons"] if "is sending for this tenant" in reason]
    assert seen
    assert all(any(reason.startswith(holder) for holder in holders) for reason in seen)
    assert_turns(world)


def assert_turns(world):
    """The calls of different runs do not overlap: a run's last call ended before the next one's first began."""
    spans = sorted(world.ledger("SELECT MIN(started), MAX(ended) FROM call WHERE endpoint = 'import' GROUP BY run"))
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(spans))


def test_case_088_without_patience_they_end_with_3_and_leave_no_run(world, tmp_path):
    world.run([])
    runs = len(world.context.runs())
    values = tmp_path / "values.txt"
    values.write_text("bad.example\n")
    command = [sys.executable, "-m", "defender_indicators.cli", "import", str(values), "--no-wait"]
    with sender_lock(world.context.ledger_path, SystemClock(), lambda _: False):
        processes = [
            subprocess.Popen(
                [*command, "--action", "Block", "--title", "Bad"],
                env=os.environ | world.environment(),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(3)
        ]
        ended = [(*process.communicate(), process.returncode) for process in processes]
    assert [code for _, _, code in ended] == [3, 3, 3]
    assert all(f"process {os.getpid()} on " in err for _, err, _ in ended)
    assert len(world.context.runs()) == runs
    assert not world.imports()
