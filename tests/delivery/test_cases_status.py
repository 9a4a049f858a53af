"""Cases 40 to 53, 57, 58: the service refuses whole calls; the run finds out why, with few calls, and blames no row."""

import pytest

from defender_indicators.delivery import Answer

FIRST, MIDDLE, LAST = 0, 249, 499


def statuses(report):
    return {status: count for status, count in report["counts"].items() if count}


def values_of(rows, *places):
    return [rows[place]["indicatorValue"] for place in places]


def with_status(report, status):
    return [row["value"] for row in report["results"] if row["status"] == status]


@pytest.mark.parametrize("place", [FIRST, MIDDLE, LAST])
def test_case_040_one_poisoned_row_of_500_is_found_with_18_calls_and_499_are_accepted(world, rows, place):
    given = rows(500)
    [poison] = values_of(given, place)
    report = world.run(given, f"poison={poison}")
    assert statuses(report) == {"accepted": 499, "quarantined": 1}
    row = report["results"][place]
    assert (row["value"], row["status"], row["code"]) == (poison, "quarantined", "isolated_by_bisect")
    assert not row["retryable"]
    assert len(world.imports()) <= 18
    assert (report["outcome"], report.exit_code) == ("partial", 1)


@pytest.mark.parametrize("places", [(7, 300, 480), (7, 700, 1400), (0, 1, 2)])
def test_case_041_three_poisoned_rows_of_1500_are_found_with_some_57_calls(world, rows, places):
    given = rows(1500)
    poison = values_of(given, *places)
    report = world.run(given, *(f"poison={value}" for value in poison))
    assert with_status(report, "quarantined") == poison
    assert statuses(report) == {"accepted": 1497, "quarantined": 3}
    assert len(world.imports()) <= 60


def test_case_042_fifty_poisoned_rows_spend_the_budget_and_the_rest_waits_while_the_run_goes_on(world, rows):
    given = rows(600)
    poison = values_of(given, *range(0, 500, 10))
    report = world.run(given, *(f"poison={value}" for value in poison))
    assert set(with_status(report, "quarantined")) < set(poison)
    assert {row["code"] for row in report["results"] if row["status"] == "deferred"} == {"bisect_budget_spent"}
    assert {row["status"] for row in report["results"][500:]} == {"accepted"}
    assert len(world.imports()) <= 122
    assert (report["outcome"], report.exit_code) == ("paused", 5)


def test_case_043_when_every_row_is_refused_alike_the_run_halts_and_no_row_is_blamed(world, rows):
    report = world.run(rows(1500), "reject_all")
    assert statuses(report) == {"pending": 1500}
    assert (report["outcome"], report.exit_code) == ("halted", 4)
    assert len(world.imports()) <= 30
    assert "every row is refused alike" in report.stopped


def test_case_043_ten_rows_are_too_few_to_speak_of_a_system(world, rows):
    report = world.run(rows(10), "reject_all")
    assert statuses(report) == {"quarantined": 10}
    assert report.exit_code == 1


def test_case_044_a_smaller_batch_size_is_taken_over_for_the_run(world, rows):
    report = world.run(rows(1200), "max_batch=100")
    assert statuses(report) == {"accepted": 1200}
    assert sum(call.rows > 100 for call in world.imports()) <= 3
    assert sum(call.rows == 100 for call in world.imports()) == 12
    assert world.ledger("SELECT max_rows FROM run") == [(100,)]


def test_case_045_too_large_a_body_is_halved(world, rows):
    report = world.run(rows(500), "max_bytes=30000")
    assert statuses(report) == {"accepted": 500}
    assert {call.status for call in world.imports()} == {413, 200}
    assert len(world.imports()) == 1 + 2 + 4 + 8


def test_case_045_several_calls_in_flight_are_one_discovery(world, rows):
    report = world.run(rows(2000), "max_bytes=17000")
    assert statuses(report) == {"accepted": 2000}
    assert report.stopped == ""


def test_case_045_a_single_row_that_is_too_large_is_the_row_to_blame(world, rows):
    given = rows(40)
    given[20]["description"] = "x" * 2000
    report = world.run(given, "max_bytes=2000")
    assert statuses(report) == {"accepted": 39, "quarantined": 1}
    assert report["results"][20]["code"] == "too_large"


def test_case_046_an_expired_token_costs_one_new_token_and_the_same_bytes_are_sent_again(make_world, rows):
    world = make_world(batch_rows=10)
    report = world.run(rows(60), "expire_token_after=3")
    assert statuses(report) == {"accepted": 60}
    turned_away = [call for call in world.imports() if call.status == 401]
    assert 1 <= len(turned_away) <= 4
    served = {call.body_sha256: call.request_id for call in world.imports() if call.status == 200}
    assert {call.body_sha256: call.request_id for call in turned_away}.items() <= served.items()
    assert sum(call.endpoint == "token" for call in world.emulator.arrivals) == 2


def test_case_046_a_second_401_in_a_row_halts(world, rows):
    report = world.run(rows(500), "status=401:Unauthorized")
    assert statuses(report) == {"pending": 500}
    assert (report["outcome"], report.exit_code) == ("halted", 4)
    assert len(world.imports()) == 2
    assert sum(call.endpoint == "token" for call in world.emulator.arrivals) == 2


def test_case_047_a_claims_challenge_is_answered_once(world, rows):
    report = world.run(rows(5), "claims")
    assert statuses(report) == {"accepted": 5}
    assert [call.status for call in world.imports()] == [401, 200]
    assert sum(call.endpoint == "token" for call in world.emulator.arrivals) == 2


@pytest.mark.parametrize("code", ["Forbidden", "DisabledFeature"])
def test_case_048_forbidden_halts_after_one_call(world, rows, code):
    report = world.run(rows(500), f"403={code}")
    assert statuses(report) == {"pending": 500}
    assert (report["outcome"], report.exit_code) == ("halted", 4)
    assert len(world.imports()) == 1
    assert code in report.stopped


def test_case_048_the_hint_names_the_permission(world, rows):
    assert "grant the application Ti.ReadWrite.All" in world.run(rows(5), "403=Forbidden").stopped


@pytest.mark.parametrize("place", [FIRST, MIDDLE, LAST])
def test_case_049_one_disallowed_row_is_found(world, rows, place):
    given = rows(500)
    [value] = values_of(given, place)
    report = world.run(given, f"disallow={value}")
    assert with_status(report, "quarantined") == [value]
    assert statuses(report) == {"accepted": 499, "quarantined": 1}
    assert len(world.imports()) <= 18


def test_case_049_when_both_halves_are_disallowed_the_run_halts(world, rows):
    given = rows(500)
    report = world.run(given, *(f"disallow={value}" for value in values_of(given, *range(500))))
    assert statuses(report) == {"pending": 500}
    assert (report["outcome"], report.exit_code) == ("halted", 4)
    assert len(world.imports()) <= 13


def test_case_049_even_when_they_are_few_rows(world, rows):
    given = rows(2)
    report = world.run(given, *(f"disallow={value}" for value in values_of(given, 0, 1)))
    assert (report["outcome"], report.exit_code) == ("halted", 4)
    assert len(world.imports()) == 3


@pytest.mark.parametrize("status", [404, 405, 410, 415, 501, 505])
def test_case_050_what_is_not_the_api_halts_after_one_call(world, rows, status):
    report = world.run(rows(500), f"status={status}")
    assert statuses(report) == {"pending": 500}
    assert (report["outcome"], report.exit_code) == ("halted", 4)
    assert len(world.imports()) == 1
    assert f"HTTP {status}" in report.stopped


FAILURES = ["500_before", "500_after", "status=408", "status=502", "status=503", "status=504"]


@pytest.mark.parametrize("fault", FAILURES)
def test_case_051_one_failure_of_the_server_is_overcome_with_the_same_bytes(world, rows, fault):
    report = world.run(rows(500), f"{fault}@first:1")
    assert statuses(report) == {"accepted": 500}
    assert len(world.imports()) == 2
    assert len({(call.body_sha256, call.request_id) for call in world.imports()}) == 1


def test_case_052_a_row_that_always_breaks_the_server_is_isolated_and_judged_by_reading_back(make_world, rows):
    world = make_world(batch_rows=100)
    given = rows(400)
    [value] = values_of(given, 150)
    report = world.run(given, f"500_if={value}")
    assert with_status(report, "quarantined") == [value]
    assert statuses(report) == {"accepted": 399, "quarantined": 1}
    last_import = max(call.time for call in world.imports() if call.status == 500)
    assert [call.time > last_import for call in world.emulator.arrivals if call.endpoint == "list"] == [True]


def test_case_052_such_a_row_is_accepted_when_reading_back_finds_it(world, rows):
    report = world.run(rows(1), "500_after")
    assert statuses(report) == {"accepted": 1}
    assert report["results"][0]["id"] == world.emulator.rows()[0]["id"]
    assert len(world.imports()) == 3


def test_case_053_a_service_that_always_fails_pauses_the_run_and_a_resume_ends_it(world, rows):
    report = world.run(rows(700), "500_before")
    assert statuses(report) == {"unknown": 700}
    assert (report["outcome"], report.exit_code) == ("paused", 5)
    assert "the service keeps failing" in report.stopped
    assert len(world.imports()) <= 12
    world.emulator.faults.clear()
    again = world.context.resume(report["run_id"])
    assert statuses(again) == {"accepted": 700}
    assert again.exit_code == 0


def test_case_057_a_refusal_that_asks_for_patience_is_granted_it_twice(world, rows):
    report = world.run(rows(1), "retry_after_on_400=0")
    assert statuses(report) == {"quarantined": 1}
    first, second, third = world.imports()
    assert second.time - first.time >= 1
    assert third.time - second.time >= 1


@pytest.mark.parametrize("status", [425, 418, 599])
def test_case_058_an_unheard_of_status_halts_after_three_tries(world, rows, status):
    report = world.run(rows(5), f"status={status}")
    assert statuses(report) == {"unknown": 5}
    assert (report["outcome"], report.exit_code) == ("halted", 4)
    assert len({call.body_sha256 for call in world.imports()}) == 1
    assert len(world.imports()) == 3


def test_case_058_even_one_that_http_does_not_know(world, rows):
    world.answers.extend([Answer(status=700)] * 9)
    report = world.run(rows(5))
    assert report["outcome"] == "halted"
    assert report["calls"]["attempts"] == 3
