import itertools
from contextlib import closing

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from defender_indicators.delivery import BadRow, RowStream


@pytest.fixture
def planned(make_core):
    """planned(rows, …) is a ledger with the plan of these rows."""

    def plan(given_rows, **limits):
        made = make_core(**limits)
        made.write(given_rows)
        return made

    return plan


def statuses(planned):
    return [(row["status"], row["code"]) for row in planned.report("run-0")["results"]]


def bodies(planned):
    return [
        [row["indicatorValue"] for row in batch.payloads()] for batch in planned.ledger.batches("1 = 1 ORDER BY id")
    ]


def test_rows_are_cut_into_calls_of_so_many(core, planned):
    made = planned(core.rows(7), batch_rows=3)
    assert [len(body) for body in bodies(made)] == [3, 3, 1]


def test_rows_are_cut_into_calls_of_so_many_bytes(core, planned):
    made = planned(core.rows(9), body_bytes=500)
    sizes = [len(batch.body) for batch in made.ledger.batches("1 = 1")]
    assert max(sizes) <= 500
    assert len(sizes) < 9


def test_a_row_longer_than_a_call_may_be_travels_alone(core, planned):
    made = planned(core.rows(2), body_bytes=10)
    assert [len(body) for body in bodies(made)] == [1, 1]


def test_an_empty_input_has_an_empty_plan(planned):
    made = planned([])
    assert bodies(made) == []
    assert list(made.report("run-0")["results"]) == []


def test_a_row_that_cannot_be_read_keeps_its_place(core, planned):
    bad = BadRow("line 2", "bad_json", "broken", "{x")
    made = planned(RowStream([*core.rows(1), bad, *core.rows(1, 1)]))
    row = made.report("run-0")["results"][1]
    assert (row["index"], row["status"], row["code"], row["value"]) == (1, "rejected", "bad_json", "{x")
    assert row["reason"] == "line 2: broken"


def test_the_name_of_a_file_may_be_no_text(planned):
    made = planned([BadRow("\udcff.csv line 2", "bad_json", "broken \udcff", "\udcff")])
    row = made.report("run-0")["results"][0]
    assert row["reason"] == "\\udcff.csv line 2: broken \\udcff"
    assert row["value"] == "\\udcff"


def test_a_rejected_row_is_reported_and_not_sent(core, planned):
    made = planned([{**core.rows(1)[0], "indicatorValue": 5}, *core.rows(1)])
    assert statuses(made) == [("rejected", "not_a_string"), ("pending", "not_sent_yet")]
    assert bodies(made) == [["h0.example.com"]]


def test_notes_of_a_row_reach_the_report(core, planned):
    made = planned([*core.rows(1), *core.rows(1, indicatorValue="H1[.]example.com")])
    first, second = made.report("run-0")["results"]
    assert first["notes"] == []
    assert second["notes"]


def test_the_same_row_again_is_a_duplicate_of_the_first(core, planned):
    made = planned([*core.rows(2), *core.rows(1)])
    assert statuses(made)[2] == ("duplicate", "duplicate")
    assert made.report("run-0")["results"][2]["reason"] == "the same as row 0"
    assert bodies(made) == [["h0.example.com", "h1.example.com"]]


def test_of_rows_with_other_details_the_later_one_is_sent(core, planned):
    made = planned([*core.rows(1, title="old"), *core.rows(1, title="new")])
    assert statuses(made) == [("duplicate", "repeated_with_changes"), ("pending", "not_sent_yet")]
    assert [batch.payloads()[0]["title"] for batch in made.ledger.batches("1 = 1")] == ["new"]


def test_a_row_that_returns_to_older_details_is_the_one_that_is_sent(core, planned):
    made = planned([*core.rows(1, title="a"), *core.rows(1, title="b"), *core.rows(1, title="a")])
    assert [status for status, _ in statuses(made)] == ["duplicate", "duplicate", "pending"]


def test_rows_that_want_different_actions_are_all_rejected(core, planned):
    made = planned([*core.rows(1), *core.rows(1, action="Allowed"), *core.rows(1, start=1)])
    assert statuses(made) == [("rejected", "conflicting_actions")] * 2 + [("pending", "not_sent_yet")]
    assert "rows 0 and 1" in made.report("run-0")["results"][0]["reason"]


@pytest.mark.parametrize("repeats", [1, 2])
@pytest.mark.parametrize("title", ["same", "other"])
def test_a_conflict_also_rejects_the_rows_that_were_dropped_for_the_one_in_conflict(core, planned, title, repeats):
    again = core.rows(1, title=title) * repeats
    made = planned([*core.rows(1, title="same"), *again, *core.rows(1, action="Allowed"), *core.rows(1)])
    assert statuses(made) == [("rejected", "conflicting_actions")] * (3 + repeats)


def test_many_changes_of_one_value_take_no_longer_than_as_many_values(core, planned):
    made = planned([row for number in range(5000) for row in core.rows(1, title=f"v{number}")])
    counts = made.report("run-0")["counts"]
    assert (counts["duplicate"], counts["pending"]) == (4999, 1)


def test_another_scope_travels_in_another_call(core, planned):
    made = planned([*core.rows(2), *core.rows(1, rbacGroupNames=["x"]), *core.rows(1, rbacGroupNames=["y"])])
    assert bodies(made) == [["h0.example.com", "h1.example.com"], ["h0.example.com"], ["h0.example.com"]]
    assert {status for status, _ in statuses(made)} == {"pending"}


def test_another_scope_may_have_another_action(core, planned):
    made = planned([*core.rows(1), *core.rows(1, rbacGroupNames=["x"], action="Allowed")])
    assert {status for status, _ in statuses(made)} == {"pending"}


def test_a_changed_row_keeps_the_lane_of_the_one_it_replaces(core, planned):
    scoped = {"rbacGroupNames": ["x"]}
    made = planned([*core.rows(1), *core.rows(1, title="old", **scoped), *core.rows(1, title="new", **scoped)])
    assert [batch.lane for batch in made.ledger.batches("1 = 1 ORDER BY id")] == [0, 1]


def test_equal_plans_have_equal_names_and_details_do_not_change_the_subject(core, make_core):
    make = make_core()
    first, same, other = make.plan(core.rows(3)), make.plan(core.rows(3)), make.plan(core.rows(3, title="x"))
    assert first.hash == same.hash != other.hash
    assert first.subject_hash == same.subject_hash == other.subject_hash
    assert make.plan(core.rows(3, action="Allowed")).subject_hash != first.subject_hash


def test_a_plan_that_cannot_be_written_whole_is_not_written(core, make_core):
    made = make_core()
    plan = made.plan(core.rows(3))
    plan.write(made.ledger, "run-0", "2026-01-01")
    with pytest.raises(Exception, match="UNIQUE"):
        plan.write(made.ledger, "run-1", "2026-01-01")
    assert [run.id for run in made.ledger.runs()] == ["run-0"]
    assert len(list(made.ledger.batches("run = 'run-1'"))) == 0


def test_a_closed_plan_keeps_nothing(core, make_core):
    plan = make_core().plan(core.rows(1))
    plan.close()
    for spool in (plan._good, plan._bad):
        with pytest.raises(ValueError, match="closed"):
            list(spool)


VALUES = st.sampled_from(["a.example.com", "b.example.com", "A[.]example.com", "c.example.com"])
SCOPES = st.sampled_from([[], ["x"], ["y", "x"], ["x", "y"]])
ROWS = st.builds(
    lambda value, action, title, scope: {
        "indicatorType": "DomainName",
        "indicatorValue": value,
        "action": action,
        "title": title,
        "description": "d",
        "rbacGroupNames": scope,
    },
    VALUES,
    st.sampled_from(["Block", "Block", "Block", "Allowed"]),
    st.sampled_from(["t", "u" * 200]),
    SCOPES,
)
INPUTS = st.lists(ROWS | st.none() | st.just(BadRow("line 1", "bad_json", "x")), max_size=25)


@settings(max_examples=150)
@given(INPUTS, st.integers(1, 4), st.integers(1, 1000))
def test_every_row_has_one_fate_and_every_call_keeps_its_limits(core, given_rows, batch_rows, body_bytes):
    with closing(core.Core(batch_rows=batch_rows, body_bytes=body_bytes)) as made:
        made.write(given_rows)
        report = made.report("run-0")
        results = list(report["results"])
        assert [row["index"] for row in results] == list(range(len(given_rows)))
        assert sum(report["counts"].values()) == len(given_rows)
        for batch in made.ledger.batches("1 = 1"):
            values = [row["indicatorValue"] for row in batch.payloads()]
            assert 1 <= len(values) <= batch_rows
            assert len(set(values)) == len(values), "a value stands twice in a call"
            assert len(batch.body) <= body_bytes or len(values) == 1
        check_identities(given_rows, results)


def identity(row):
    return row["indicatorValue"].replace("[.]", ".").lower(), tuple(sorted(row["rbacGroupNames"]))


def details_of(row):
    return row["title"], row["rbacGroupNames"]


def check_identities(given_rows, results):
    """The rule in one sentence: all rejected on two actions; else the last run of equal rows is sent, by its first."""
    good = [(row, result) for row, result in zip(given_rows, results, strict=True) if isinstance(row, dict)]
    for _, group in itertools.groupby(
        sorted(good, key=lambda pair: identity(pair[0])), key=lambda pair: identity(pair[0])
    ):
        pairs = list(group)
        codes = [result["code"] for _, result in pairs]
        if len({row["action"] for row, _ in pairs}) > 1:
            assert codes == ["conflicting_actions"] * len(pairs)
            continue
        last = details_of(pairs[-1][0])
        differ = [place for place, (row, _) in enumerate(pairs) if details_of(row) != last]
        sent = differ[-1] + 1 if differ else 0
        assert codes.index("not_sent_yet") == sent
        assert codes.count("not_sent_yet") == 1
        assert set(codes) <= {"not_sent_yet", "duplicate", "repeated_with_changes"}


def test_an_input_that_breaks_off_leaves_no_plan(core, make_core):
    def endless():
        yield from core.rows(10)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_core().plan(endless())


def test_frozen_bytes_are_the_ones_that_were_judged(core, planned):
    made = planned(core.rows(2))
    [batch] = made.ledger.batches("1 = 1")
    assert batch.body == b'{"Indicators":[' + b",".join(map(orjson.dumps, batch.payloads())) + b"]}"
