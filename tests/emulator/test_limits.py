"""Rate limits, batch size, capacity: what the service counts."""

from __future__ import annotations

import pytest

from defender_indicators.emulator import Settings
from defender_indicators.emulator.arrivals import Arrival, most_calls_in_any_window
from defender_indicators.emulator.windows import LIMITS, Limiter


def admitted(limiter, endpoint, moments, app="app", tenant="tenant"):
    return [limiter.admit(tenant, app, endpoint, now) for now in moments]


@pytest.mark.parametrize("endpoint", sorted(LIMITS))
def test_every_documented_limit_is_enforced(endpoint):
    for calls, seconds in LIMITS[endpoint]:
        limiter, pace = Limiter(Settings()), seconds / calls if seconds > 60 else 0
        moments = [1000 + number * pace for number in range(calls)]
        assert not any(admitted(limiter, endpoint, moments))
        assert limiter.admit("tenant", "app", endpoint, moments[-1]) > 0


def test_retry_after_is_when_the_oldest_call_leaves_the_window():
    limiter = Limiter(Settings())
    admitted(limiter, "import", [1000 + number for number in range(30)])
    assert limiter.admit("tenant", "app", "import", 1029.5) == 31
    assert limiter.admit("tenant", "app", "import", 1060) == 0


def test_apps_and_tenants_are_counted_apart():
    limiter = Limiter(Settings())
    assert any(admitted(limiter, "import", [1000] * 31))
    assert not any(admitted(limiter, "import", [1000] * 30, app="other"))
    assert not any(admitted(limiter, "import", [1000] * 30, tenant="other"))
    assert not any(admitted(limiter, "list", [1000] * 30))


def test_the_window_length_scales_every_limit():
    limiter = Limiter(Settings(window_seconds=1))
    assert any(admitted(limiter, "import", [1000] * 31))
    assert limiter.admit("tenant", "app", "import", 1001) == 0


def test_without_limits_nothing_waits():
    assert not any(admitted(Limiter(Settings(limits=False)), "import", [1000] * 500))


def test_a_fixed_window_forgets_at_the_stroke():
    limiter = Limiter(Settings(window="fixed"))
    assert admitted(limiter, "import", [1019.5] * 31)[-1] == 1
    assert not any(admitted(limiter, "import", [1020] * 30))


def test_a_token_bucket_refills_evenly():
    limiter = Limiter(Settings(window="token_bucket"))
    assert admitted(limiter, "import", [1000] * 31)[-1] == 2
    assert admitted(limiter, "import", [1002, 1002]) == [0, 2]


@pytest.mark.parametrize(("counted", "wait"), [(False, 0), (True, 59)])
def test_whether_refused_calls_count_is_a_switch(counted, wait):
    limiter = Limiter(Settings(rejected_calls_count=counted))
    admitted(limiter, "import", [1000] * 30)
    admitted(limiter, "import", [1059] * 30)
    assert limiter.admit("tenant", "app", "import", 1060) == wait


def test_the_31st_import_of_a_minute_gets_429_and_retry_after(start_emulator, connect, row, fake_clock):
    emulator = start_emulator(clock=fake_clock)
    client = connect(emulator)
    assert [client.send(row()).status_code for _ in range(30)] == [200] * 30
    answer = client.send(row())
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "TooManyRequests")
    assert answer.headers["Retry-After"] == "60"
    assert connect(emulator, emulator.register()).send(row()).status_code == 200
    fake_clock.pass_time(60)
    assert client.send(row()).status_code == 200


def test_501_rows_are_too_many(client, rows):
    answer = client.send(*rows(501))
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "MaximumBatchSizeExceeded"
    assert answer.json()["error"]["message"] == "Maximum batch size exceeded. Received: 501, allowed: 500."
    assert len(client.send(*rows(500)).json()["value"]) == 500


def test_a_full_tenant_refuses_new_rows_and_updates_old_ones(start_emulator, connect, rows):
    emulator = start_emulator(capacity=3)
    listed = connect(emulator).send(*rows(5)).json()["value"]
    assert [result["isFailed"] for result in listed] == [False] * 3 + [True] * 2
    assert "Maximum number of indicators (3)" in listed[-1]["failureReason"]
    assert not any(result["isFailed"] for result in connect(emulator).send(*rows(3)).json()["value"])


def test_a_full_tenant_may_refuse_the_whole_call(start_emulator, connect, rows):
    emulator = start_emulator(capacity=3, capacity_answer="batch")
    assert connect(emulator).send(*rows(4)).status_code == 400
    assert emulator.rows() == []
    assert connect(emulator).send(*rows(3)).status_code == 200
    assert connect(emulator).send(*rows(3)).status_code == 200


@pytest.mark.parametrize(("release", "failed"), [(0, False), (20, True)])
def test_freed_places_may_come_back_late(client_of, rows, fake_clock, release, failed):
    client = client_of(capacity=1, slot_release_seconds=release, clock=fake_clock)
    first, second = rows(2)
    number = client.send(first).json()["value"][0]["id"]
    assert client.call("DELETE", f"/{number}").status_code == 204
    assert client.send(second).json()["value"][0]["isFailed"] is failed
    fake_clock.pass_time(release)
    assert client.send(second).json()["value"][0]["isFailed"] is False


def test_the_fullest_window_is_found():
    arrivals = [Arrival(at, "import", "POST", "", "") for at in (0, 30, 59.9, 60, 89, 200)]
    assert most_calls_in_any_window(arrivals, 60) == 4
    assert most_calls_in_any_window([], 60) == 0
