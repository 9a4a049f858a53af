import pytest

from defender_indicators.delivery import Timing
from defender_indicators.delivery.health import Health


@pytest.fixture
def make():
    """make(**timing) is a health whose random waits are always the longest."""
    return lambda **timing: Health(Timing(**timing), lambda low, high: high)


def ambiguous(health, times, now=0.0, *, strange=False):
    for _ in range(times):
        health.ambiguous("HTTP 500", now, strange=strange)


def test_a_fresh_run_has_no_reason_to_end_or_wait(make):
    health = make()
    assert not health.ended
    assert health.hold_until == 0.0


def test_back_off_doubles_up_to_the_cap(make):
    health = make()
    assert [health.backoff(attempt) for attempt in (0, 1, 2, 6, 7, 10_000)] == [0.8, 1.6, 3.2, 51.2, 60.0, 60.0]


def test_back_off_has_full_jitter():
    asked = []
    Health(Timing(), lambda low, high: asked.append((low, high)) or 0.0).backoff(1)
    assert asked == [(0.0, 1.6)]


def test_a_throttle_waits_as_long_as_asked_and_up_to_a_tenth_more(make):
    assert make().throttle(10.0, 0.0) == pytest.approx(11.0)
    assert Health(Timing(), lambda low, high: low).throttle(10.0, 0.0) == 10.0


def test_a_throttle_without_a_wait_waits_a_minute(make):
    assert make().throttle(None, 0.0) == pytest.approx(66.0)


def test_half_an_hour_of_throttling_pauses(make):
    health = make()
    health.throttle(1.0, 100.0)
    health.throttle(1.0, 1900.0)
    assert not health.ended
    health.throttle(1.0, 1900.5)
    assert health.paused == "throttled by the service for too long"
    assert not health.halted


def test_a_good_answer_starts_the_throttling_budget_anew(make):
    health = make()
    health.throttle(1.0, 100.0)
    health.answered()
    health.throttle(1.0, 5000.0)
    assert not health.ended


def test_six_calls_that_did_not_leave_pause(make):
    health = make()
    for _ in range(5):
        health.not_sent("refused", 0.0)
    assert not health.ended
    health.not_sent("refused", 0.0)
    assert health.paused == "the service cannot be reached: refused"


def test_calls_that_did_not_leave_for_five_minutes_pause(make):
    health = make()
    health.not_sent("refused", 100.0)
    health.not_sent("refused", 400.0)
    assert not health.ended
    health.not_sent("refused", 400.5)
    assert health.paused


def test_a_call_that_did_not_leave_holds_everything_back_for_a_while(make):
    health = make()
    health.not_sent("refused", 100.0)
    assert (health.hold_until, health.hold_reason) == (101.6, "refused")
    health.not_sent("refused", 100.0)
    assert health.hold_until == 103.2


@pytest.mark.parametrize("heard", ["answered", "spoke", "throttle"])
def test_any_answer_of_the_api_proves_that_it_can_be_reached(make, heard):
    health = make()
    for _ in range(5):
        health.not_sent("refused", 0.0)
    health.throttle(1.0, 0.0) if heard == "throttle" else getattr(health, heard)()
    health.not_sent("refused", 1000.0)
    assert not health.ended


def test_five_doubtful_answers_in_a_row_open_the_breaker(make):
    health = make()
    ambiguous(health, 4, now=10.0)
    assert health.opened == 0
    assert health.hold_until == 0.0
    ambiguous(health, 1, now=10.0)
    assert health.opened == 1
    assert health.hold_until == 70.0
    assert health.hold_reason == "the service keeps failing: HTTP 500"


def test_answers_to_calls_from_before_do_not_open_the_breaker_again(make):
    health = make()
    ambiguous(health, 20, now=10.0)
    ambiguous(health, 1, now=69.9)
    assert (health.opened, health.hold_until) == (1, 70.0)
    assert not health.ended


def test_a_half_open_breaker_opens_again_at_the_first_failure(make):
    health = make()
    ambiguous(health, 5)
    ambiguous(health, 1, now=60.0)
    assert (health.opened, health.hold_until) == (2, 120.0)
    assert not health.ended


def test_the_third_opening_pauses(make):
    health = make()
    ambiguous(health, 5)
    ambiguous(health, 1, now=60.0)
    ambiguous(health, 1, now=120.0)
    assert health.opened == 3
    assert health.paused == "the service keeps failing: HTTP 500"


def test_a_good_answer_closes_the_breaker(make):
    health = make()
    ambiguous(health, 5)
    health.answered()
    ambiguous(health, 4, now=60.0)
    assert health.opened == 0
    assert not health.ended


def test_a_refusal_does_not_close_the_breaker(make):
    health = make()
    ambiguous(health, 4)
    health.spoke()
    ambiguous(health, 1)
    assert health.opened == 1


def test_three_strange_answers_in_a_row_halt(make):
    health = make()
    ambiguous(health, 2, strange=True)
    assert not health.ended
    ambiguous(health, 1, strange=True)
    assert health.halted.startswith("the answers do not come from the API: HTTP 500; check")


@pytest.mark.parametrize("heard", ["answered", "spoke", "doubt"])
def test_an_answer_of_the_api_between_strange_ones_counts(make, heard):
    health = make()
    ambiguous(health, 2, strange=True)
    ambiguous(health, 1) if heard == "doubt" else getattr(health, heard)()
    ambiguous(health, 2, strange=True)
    assert not health.halted


def test_the_first_reason_to_end_is_kept(make):
    health = make()
    health.pause("a")
    health.pause("b")
    health.halt("c")
    health.halt("d")
    assert (health.paused, health.halted, health.ended) == ("a", "c", True)


def test_a_shorter_hold_does_not_replace_a_longer_one(make):
    health = make()
    health.hold(10.0, "long")
    health.hold(10.0, "same")
    health.hold(5.0, "short")
    assert (health.hold_until, health.hold_reason) == (10.0, "long")
