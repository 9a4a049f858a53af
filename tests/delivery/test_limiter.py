import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from defender_indicators.delivery.limiter import (
    PACE_CAP,
    PACE_CLEAN_SECONDS,
    PACE_DECAY,
    PACE_GROWTH,
    PACE_START,
    PACE_SUCCESSES,
    STALE_SECONDS,
    Rate,
    Slot,
    Window,
    delay,
    succeeded,
    throttled,
)

MINUTE = Window(3, 60.0)


def test_the_figures_are_the_measured_ones():
    assert (PACE_START, PACE_GROWTH, PACE_CAP, PACE_DECAY, PACE_SUCCESSES) == (2.1, 1.5, 60.0, 1.1, 8)
    assert (PACE_CLEAN_SECONDS, STALE_SECONDS) == (120.0, 180.0)


def test_the_first_call_may_go_at_once():
    assert delay([MINUTE], [], Rate(), 5.0) == 0.0


def test_calls_below_the_limit_may_go_at_once():
    assert delay([MINUTE], [Slot(0.0, 1.0)] * 2, Rate(), 1.0) == 0.0


def test_a_slot_is_held_until_one_window_after_the_call_ended():
    slots = [Slot(0.0, 10.0), Slot(1.0, 11.0), Slot(2.0, 12.0)]
    assert delay([MINUTE], slots, Rate(), 20.0) == 50.0
    assert delay([MINUTE], slots, Rate(), 69.5) == 0.5
    assert delay([MINUTE], slots, Rate(), 70.0) == 0.0


def test_the_slot_that_ended_first_is_free_first_whatever_the_order_of_starts():
    slots = [Slot(0.0, 50.0), Slot(1.0, 20.0), Slot(2.0, 40.0)]
    assert delay([MINUTE], slots, Rate(), 50.0) == 30.0


def test_more_calls_than_the_limit_wait_for_as_many_to_leave():
    slots = [Slot(0.0, 10.0), Slot(0.0, 20.0), Slot(0.0, 30.0), Slot(0.0, 40.0)]
    assert delay([MINUTE], slots, Rate(), 40.0) == 40.0


def test_calls_in_flight_hold_their_slots_without_an_end():
    slots = [Slot(0.0, None), Slot(0.0, None), Slot(0.0, None)]
    assert delay([MINUTE], slots, Rate(), 100.0) is None
    assert delay([MINUTE], [*slots[:2], Slot(0.0, 90.0)], Rate(), 100.0) == 50.0


def test_a_slot_whose_holder_died_is_free_a_window_after_the_longest_call():
    free = STALE_SECONDS + MINUTE.seconds
    assert delay([Window(1, 60.0)], [Slot(0.0, None)], Rate(), free - 0.001) is None
    assert delay([Window(1, 60.0)], [Slot(0.0, None)], Rate(), free) == 0.0


def test_the_strictest_of_several_windows_counts():
    windows = [Window(2, 60.0), Window(3, 3600.0)]
    slots = [Slot(0.0, 1.0), Slot(100.0, 101.0), Slot(130.0, 131.0)]
    assert delay(windows, slots[1:], Rate(), 140.0) == 21.0
    assert delay(windows, slots, Rate(), 140.0) == 3461.0


def test_nothing_goes_during_a_block():
    rate = throttled(Rate(), 30.0, 100.0)
    assert delay([MINUTE], [], rate, 100.0) == 30.0
    assert delay([MINUTE], [], rate, 129.0) == 1.0
    assert delay([MINUTE], [], rate, 130.0) == 0.0


def test_one_probe_goes_after_a_block_and_the_rest_wait_for_its_answer():
    rate = throttled(Rate(), 30.0, 100.0)
    assert delay([MINUTE], [Slot(130.0, None)], rate, 131.0) is None
    assert delay([MINUTE], [Slot(99.0, None)], rate, 131.0) == 0.0
    assert delay([MINUTE], [Slot(130.0, 132.0)], rate, 132.0) == 0.0
    assert delay([MINUTE], [Slot(130.0, None)], succeeded(rate, 131.0), 131.0) == 0.0


def test_an_answer_to_a_call_from_before_the_block_is_not_the_probe():
    rate = throttled(Rate(), 30.0, 100.0)
    assert succeeded(rate, 129.9) == rate
    assert not succeeded(rate, 130.0).probing


def test_a_late_answer_does_not_end_a_long_block():
    rate = throttled(Rate(), 600.0, 100.0)
    assert succeeded(rate, 100.0 + PACE_CLEAN_SECONDS).not_before == 700.0


def test_a_second_429_of_the_same_block_prolongs_it_and_does_not_pace_twice():
    first = throttled(Rate(), 5.0, 100.0)
    assert throttled(first, 3.0, 101.0) == first
    assert throttled(first, 9.0, 101.0) == replace(first, not_before=110.0)


@pytest.mark.parametrize(("wait", "pace"), [(1.0, PACE_START), (10.0, PACE_START), (11.0, PACE_START), (11.1, 0.0)])
def test_only_a_short_retry_after_paces(wait, pace):
    assert throttled(Rate(), wait, 100.0).pace == pace


def test_a_429_to_a_probe_paces_more():
    rate = throttled(Rate(), 1.0, 100.0)
    rate = throttled(rate, 1.0, 101.0)
    assert rate == Rate(102.0, probing=True, pace=PACE_START * PACE_GROWTH, successes=0, throttled_at=101.0)


def test_pace_stays_when_a_long_wait_is_asked_for():
    assert throttled(Rate(pace=5.0), 60.0, 100.0).pace == 5.0


def test_pace_has_a_cap():
    assert throttled(Rate(pace=PACE_CAP - 1.0), 1.0, 100.0).pace == PACE_CAP


def test_paced_calls_keep_their_distance_from_start_to_start():
    slots = [Slot(90.0, 90.5), Slot(100.0, 101.0)]
    assert delay([Window(30, 60.0)], slots, Rate(pace=4.0), 101.0) == 3.0
    assert delay([Window(30, 60.0)], slots, Rate(pace=4.0), 104.0) == 0.0
    assert delay([Window(30, 60.0)], [], Rate(pace=4.0), 104.0) == 0.0


def test_pace_eases_once_per_eight_successes():
    rate = Rate(pace=4.0, throttled_at=100.0)
    for _ in range(PACE_SUCCESSES - 1):
        rate = succeeded(rate, 101.0)
    assert rate.pace == 4.0
    rate = succeeded(rate, 101.0)
    assert rate.pace == 4.0 / PACE_DECAY
    for _ in range(PACE_SUCCESSES):
        rate = succeeded(rate, 101.0)
    assert rate.pace == 4.0 / PACE_DECAY / PACE_DECAY


def test_without_pace_there_is_nothing_to_ease():
    assert succeeded(Rate(successes=7, throttled_at=100.0), 101.0).pace == 0.0


def test_everything_is_forgotten_after_two_clean_minutes():
    rate = Rate(not_before=110.0, probing=True, pace=4.0, successes=3, throttled_at=100.0)
    assert succeeded(rate, 100.0 + PACE_CLEAN_SECONDS - 0.5).pace == 4.0
    assert succeeded(rate, 100.0 + PACE_CLEAN_SECONDS) == Rate()


def test_success_without_trouble_changes_nothing():
    rate = Rate()
    assert succeeded(rate, 100.0) is rate


LATENCIES = st.floats(0.0, 119.0)
WINDOWS = st.lists(st.builds(Window, st.integers(1, 5), st.floats(0.5, 100.0)), min_size=1, max_size=3)


@given(WINDOWS, st.lists(st.tuples(LATENCIES, st.floats(0.0, 1.0), st.floats(0.0, 20.0)), min_size=1, max_size=25))
def test_no_observer_ever_sees_more_calls_in_a_window_than_allowed(windows, plan):
    """A call reaches the observer at any moment between its start and its end; up to four are in flight at once."""
    now, slots, arrivals = 0.0, [], []
    for latency, share, idle in plan:
        now += idle
        while (wait := delay(windows, landed(slots, now), Rate(), now)) != 0.0:
            ends = [slot.ended for slot in slots if slot.ended > now]
            now = min(ends) if wait is None else max(now + wait, math.nextafter(now, math.inf))
        slots.append(Slot(now, now + latency))
        arrivals.append(now + latency * share)
    arrivals.sort()
    for window in windows:
        for first, over in zip(arrivals, arrivals[window.calls :], strict=False):
            assert over - first >= window.seconds - 1e-6


def landed(slots, now):
    """What the ledger knows at a moment: a call that has not come back has no end."""
    return [slot if slot.ended <= now else Slot(slot.started, None) for slot in slots]


SLOTS = st.lists(
    st.tuples(st.integers(0, 100), st.integers(0, 100)).map(lambda pair: Slot(min(pair), max(pair))), max_size=10
)
RATES = st.builds(Rate, not_before=st.integers(0, 300), pace=st.sampled_from([0, 3, 60]))


@given(st.lists(st.builds(Window, st.integers(1, 4), st.integers(1, 200)), min_size=1, max_size=3), SLOTS, RATES)
def test_delay_is_exact_one_instant_earlier_would_break_a_limit(windows, slots, rate):
    now = 100
    wait = delay(windows, slots, rate, now)
    assert allowed(windows, slots, rate, now + wait)
    assert wait == 0 or not allowed(windows, slots, rate, now + wait - 1)


def allowed(windows, slots, rate, at):
    """The rules, as a sentence each."""
    full = any(sum(slot.ended > at - window.seconds for slot in slots) >= window.calls for window in windows)
    close = rate.pace and any(at - slot.started < rate.pace for slot in slots)
    return at >= rate.not_before and not full and not close
