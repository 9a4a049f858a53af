import pytest
from hypothesis import given
from hypothesis import strategies as st

from defender_indicators.delivery.outcome import (
    EXIT_CODES,
    OUTCOMES,
    RESUMABLE,
    RETRYABLE,
    STATUSES,
    as_if_sent,
    outcome_of,
)

TABLE = [
    ({}, "succeeded", 0),
    ({"accepted": 3}, "succeeded", 0),
    ({"accepted": 1, "unchanged": 1, "duplicate": 1, "refused": 0}, "succeeded", 0),
    ({"duplicate": 2}, "succeeded", 0),
    ({"accepted": 1, "refused": 1}, "partial", 1),
    ({"unchanged": 1, "rejected": 1}, "partial", 1),
    ({"accepted": 1, "quarantined": 1}, "partial", 1),
    ({"accepted": 1, "superseded": 1}, "partial", 1),
    ({"accepted": 1, "held": 1}, "held", 6),
    ({"refused": 1}, "failed", 1),
    ({"rejected": 1}, "failed", 1),
    ({"quarantined": 1}, "failed", 1),
    ({"superseded": 1}, "failed", 1),
    ({"duplicate": 1, "rejected": 1}, "failed", 1),
    ({"held": 1}, "held", 6),
    ({"held": 1, "refused": 1}, "held", 6),
    ({"accepted": 9, "unknown": 1}, "paused", 5),
    ({"pending": 1}, "paused", 5),
    ({"deferred": 1, "held": 1, "refused": 1}, "paused", 5),
]


@pytest.mark.parametrize(("counts", "outcome", "code"), TABLE)
def test_the_worst_row_decides(counts, outcome, code):
    assert outcome_of(counts) == outcome
    assert EXIT_CODES[outcome] == code


@pytest.mark.parametrize("counts", [counts for counts, _, _ in TABLE])
def test_halted_is_worse_than_any_row(counts):
    assert outcome_of(counts, halted=True) == "halted"
    assert EXIT_CODES["halted"] == 4


@given(st.dictionaries(st.sampled_from(STATUSES), st.integers(0, 3)))
def test_only_what_succeeded_ends_with_0_and_only_if_no_row_is_missing(counts):
    good = {"accepted", "unchanged", "duplicate"}
    assert (EXIT_CODES[outcome_of(counts)] == 0) == all(status in good for status, count in counts.items() if count)


def test_every_outcome_is_reached():
    assert {outcome for _, outcome, _ in TABLE} | {"halted"} == set(OUTCOMES)


def test_every_status_has_a_place_in_the_table():
    assert {status for counts, _, _ in TABLE for status in counts} == set(STATUSES)


def test_what_can_be_resumed_can_also_be_retried():
    assert RESUMABLE < RETRYABLE < set(STATUSES)


def test_a_plan_is_summed_up_as_if_the_service_took_every_row():
    assert as_if_sent({"pending": 2, "rejected": 1}) == {"accepted": 2, "pending": 0, "rejected": 1}
    assert as_if_sent({}) == {"accepted": 0, "pending": 0}
