"""Cases 54 to 56, 59, 61, 62 and 69: 429, many rows, many processes, a full tenant."""

import pytest

from defender_indicators.delivery.retry_after import retry_after

DATE = "Tue, 24 Feb 2026 12:00:00 GMT"
SPELLINGS = [
    ("0", 1.0),
    ("1", 1.0),
    ("60", 60.0),
    ("7200", 3600.0),
    ("1e999", 3600.0),
    ("-5", 1.0),
    ("1.5", 1.5),
    (" 7 ", 7.0),
    ("soon", None),
    ("nan", None),
    ("", None),
    ("5, 30", 30.0),
    ("soon, 30", 30.0),
    ("Tue, 24 Feb 2026 12:00:45 GMT", 45.0),
    ("Tue, 24 Feb 2026 11:00:00 GMT", 1.0),
    ("Wed, 25 Feb 2026 12:00:00 GMT", 3600.0),
    ("Tue, 24 Feb 2026 25:61:00 GMT", None),
    ("Tue, 24 Foo 2026", None),
]


@pytest.mark.parametrize(("text", "seconds"), SPELLINGS)
def test_case_054_every_spelling_of_retry_after_has_a_meaning(text, seconds):
    assert retry_after({"retry-after": text, "date": DATE}) == seconds


def test_case_054_a_date_is_measured_with_the_clock_of_the_service():
    skewed = {"retry-after": "Tue, 24 Feb 1998 12:00:45 GMT", "date": "Tue, 24 Feb 1998 12:00:00 GMT"}
    assert retry_after(skewed) == 45.0
    assert retry_after({"retry-after": DATE}) is None
    assert retry_after({}) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 1.0), ("1|1", 1.0), ("Tue, 24 Feb 2015 12:00:00 GMT", 1.0), ("soon", 0.3), ("", 0.3)],
)
def test_case_054_a_429_costs_the_wait_and_no_attempt(world, rows, text, seconds):
    report = world.run(rows(5), ("throttle@first:1", text))
    assert report["outcome"] == "succeeded"
    first, second = world.imports()
    assert first.body_sha256 == second.body_sha256
    assert seconds <= second.time - first.ended <= seconds * 1.1 + 2
    assert world.ledger("SELECT ambiguous FROM batch") == [(0,)]


def test_case_055_a_429_without_retry_after_blocks_everything_then_one_probe_goes_first(make_world, rows):
    world = make_world(batch_rows=5)
    slow_before_the_block = ("latency=0.8@first:4", "latency=0@first:1")
    report = world.run(rows(30), "throttle@first:1", "latency=0.8", *slow_before_the_block)
    assert report["counts"]["accepted"] == 30
    calls = world.imports()
    assert [call.status for call in calls].count(429) == 1
    throttled, *slow = calls[:4]
    probe, following = calls[4], calls[5]
    assert probe.time >= throttled.ended + 0.3
    assert probe.time < min(call.ended for call in slow) < probe.ended <= following.time
    assert len(calls) == 7


def test_case_056_another_client_with_our_application_id_slows_us_down_and_fails_nothing(make_world, rows):
    world = make_world(batch_rows=5)
    report = world.run(rows(100), "foreign_load=20/min")
    assert report["counts"]["accepted"] == 100
    assert report.exit_code == 0
    [(foreign,)] = world.ledger("SELECT COUNT(*) FROM call WHERE kind = 'throttled'")
    assert foreign == sum(call.status == 429 for call in world.imports()) >= 1
    assert world.ledger("SELECT DISTINCT ambiguous FROM batch") == [(0,)]


def test_case_059_20000_rows_are_40_calls_and_never_more_than_30_in_any_window(make_world, rows):
    world = make_world(window_seconds=1.0, capacity=20_000)
    report = world.run(rows(20_000))
    assert report["counts"]["accepted"] == 20_000
    assert [call.status for call in world.imports()] == [200] * 40
    assert world.emulator.most_calls_in_any_window() <= 30
    assert report["calls"]["seconds_waited"] <= 1.2 * world.emulator.settings.window_seconds


def test_case_059_15000_rows_are_30_calls_without_a_wait(make_world, rows):
    world = make_world(window_seconds=1.0)
    report = world.run(rows(15_000))
    assert report["counts"]["accepted"] == 15_000
    assert [call.status for call in world.imports()] == [200] * 30
    assert report["calls"]["seconds_waited"] == 0


def test_case_061_four_processes_share_one_ledger_without_a_single_429(make_world, start_worker):
    world = make_world(window_seconds=1.0)
    processes = [start_worker(world, 1000 * number, 300, 20) for number in range(4)]
    results = [process.result() for process in processes]
    assert [found["counts"]["accepted"] for found in results] == [300] * 4
    assert [call.status for call in world.imports()] == [200] * 60
    assert len({call.body_sha256 for call in world.imports()}) == 60
    assert world.emulator.most_calls_in_any_window() <= 30


def test_case_062_two_hosts_that_do_not_know_of_each_other_are_slowed_down_and_fail_nothing(
    make_world, start_worker, rows, tmp_path
):
    world = make_world(window_seconds=1.0)
    world.alone = False
    world.excused.update(row["indicatorValue"] for row in rows(100, start=1000))
    here = start_worker(world, 0, 100, 5)
    other = str(tmp_path / "other host")
    there = start_worker(world, 1000, 100, 5, DEFENDER_INDICATORS_HOME=other)
    assert here.result()["counts"]["accepted"] == there.result()["counts"]["accepted"] == 100
    assert len(world.emulator.rows()) == 200


@pytest.mark.parametrize("sent", [1500, 600])
def test_case_069_a_full_tenant_defers_what_did_not_fit_and_pauses(world, rows, sent):
    report = world.run(rows(sent), "capacity=550")
    counts = {status: count for status, count in report["counts"].items() if count}
    assert counts == {"accepted": 550, "deferred": sent - 550}
    assert {row["code"] for row in report["results"] if row["status"] == "deferred"} == {"capacity_reached"}
    assert (report["outcome"], report.exit_code) == ("paused", 5)
    assert "free some" in report.stopped
    assert len(report["retry_with"]) == sent - 550


def test_case_069_still_full_on_resume_it_pauses_again_without_losing_a_row(world, rows):
    first = world.run(rows(1500), "capacity=550")
    again = world.context.resume(first["run_id"])
    assert again["counts"]["accepted"] == 550
    assert again["counts"]["deferred"] == 950
    world.emulator.faults.clear()
    assert world.context.resume(first["run_id"])["outcome"] == "succeeded"


@pytest.mark.parametrize("capacity", [550, 1])
def test_case_069_a_full_tenant_that_refuses_whole_calls_is_recognised_by_20_rows(make_world, rows, capacity):
    world = make_world(capacity_answer="batch")
    report = world.run(rows(1000), f"capacity={capacity}")
    assert report["counts"]["accepted"] == capacity
    assert report["counts"]["deferred"] + report["counts"]["pending"] == 1000 - capacity
    assert report.exit_code == 5
    assert "free some" in report.stopped


def test_case_069_a_tenant_that_is_full_from_the_start_defers_everything(make_world, rows):
    world = make_world(capacity_answer="batch")
    report = world.run(rows(1000), "capacity=0")
    assert report["counts"]["deferred"] == 1000
    assert report.exit_code == 5
    assert len(world.imports()) <= 30
