"""From input rows to what is wanted."""

from contextlib import closing

import pytest

from defender_indicators.delivery import BadRow, Ledger, Limits, Plan
from defender_indicators.errors import InputError
from defender_indicators.indicators import Canonicaliser, Policy
from defender_indicators.planning import wanted as module
from defender_indicators.planning.wanted import Ranked, wanted_of

A = "a.example.com"


def read(desk, *rows, days=90):
    ranked = Ranked(rows, "defender-indicators/feed", desk.now, days)
    judge = Canonicaliser(Policy(now=desk.now))
    with closing(Ledger(None)) as ledger, closing(Plan(ranked, judge, limits=Limits())) as plan:
        plan.write(ledger, "dry-run", "2026-01-01T00:00:00+00:00")
        return wanted_of(ledger, "dry-run", ranked)


def test_a_row_without_an_end_gets_one_that_is_counted_from_now(desk):
    [wanted], _, _ = read(desk, desk.row(A))
    assert wanted.rolling
    assert b'"expirationTime":"2026-04-01T00:00:00Z"' in wanted.indicator.payload


def test_a_row_with_an_end_keeps_it(desk):
    [wanted], _, _ = read(desk, desk.row(A, expirationTime=desk.stamp(5)))
    assert not wanted.rolling


def test_the_lifetime_of_a_row_wins_over_that_of_the_sync(desk):
    [wanted], _, _ = read(desk, desk.row(A, **{"x-lifetime": 1}))
    assert desk.stamp(1).encode() in wanted.indicator.payload
    [forever], _, _ = read(desk, desk.row(A, **{"x-lifetime": 0}))
    assert b"expirationTime" not in forever.indicator.payload


def test_a_rank_is_made_of_priority_severity_confidence_and_time(desk):
    [wanted], _, _ = read(desk, desk.row(A, severity="High", **{"x-rank": [7, 80, "2026-01-01T00:00:00Z"]}))
    assert wanted.rank == (7, 3, 80, "2026-01-01T00:00:00Z")


def test_every_row_says_which_set_it_is_of(desk):
    [wanted], _, _ = read(desk, desk.row(A, application="something else"))
    assert b'"application":"defender-indicators/feed"' in wanted.indicator.payload


def test_the_scope_is_that_of_the_row(desk):
    [wanted], _, _ = read(desk, desk.row(A, rbacGroupNames=["b", "a"]))
    assert wanted.indicator.scope == '["a","b"]'


def test_rows_that_are_not_wanted_are_named_with_their_values(desk):
    bad = BadRow("line 3", "bad_json", "broken", "C.example.com")
    wanted, stopped, known = read(desk, desk.row(A), desk.row(A), bad, 7)
    assert len(wanted) == 1
    assert [(one.position, one.status, one.code) for one in stopped] == [
        (1, "duplicate", "duplicate"), (2, "rejected", "bad_json"), (3, "rejected", "not_an_object"),
    ]  # fmt: skip
    assert {A, "c.example.com"} <= known


def test_a_source_that_could_never_fit_is_refused(desk, monkeypatch):
    monkeypatch.setattr(module, "MOST_ROWS", 2)
    with pytest.raises(InputError, match="more than 2 rows cannot be compared"):
        read(desk, *(desk.row(f"h{number}.example.com") for number in range(3)))
