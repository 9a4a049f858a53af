import itertools
import tracemalloc
from contextlib import closing

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from defender_indicators.delivery import BadRow, RowStream, repeats, spool
from defender_indicators.delivery.plan import RANK
from defender_indicators.errors import LedgerError
from defender_indicators.guard import Hold


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
    for lines in (plan._good, plan._bad):
        with pytest.raises(ValueError, match="closed"):
            list(lines)


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


# What the guard holds


def hold_of(code, *, hard=False):
    return Hold(code, f"because of {code}", hard)


def guard(*values, hard=False):
    return lambda indicator: hold_of("warninglist", hard=hard) if indicator.value in values else None


def test_a_held_row_keeps_what_would_be_sent_and_is_in_no_call(core, make_core):
    made = make_core()
    made.write(core.rows(3), guard=guard("h1.example.com"))
    assert bodies(made) == [["h0.example.com", "h2.example.com"]]
    [row] = made.ledger.rows("run-0")
    assert (row.position, row.status, row.code, row.reason) == (1, "held", "warninglist", "because of warninglist")
    assert orjson.loads(row.payload)["indicatorValue"] == "h1.example.com"
    assert made.report("run-0")["counts"]["held"] == 1


def test_a_hard_hold_keeps_nothing_that_could_be_sent(core, make_core):
    made = make_core()
    made.write(core.rows(1), guard=guard("h0.example.com", hard=True))
    [row] = made.ledger.rows("run-0")
    assert (row.status, row.payload) == ("held", None)
    report = made.report("run-0")
    assert (report["outcome"], report.exit_code) == ("held", 6)


def test_conflicts_and_duplicates_are_judged_before_what_is_held(core, make_core):
    made = make_core()
    rows = [*core.rows(1), *core.rows(1), *core.rows(1, start=5), *core.rows(1, start=5, action="Allowed")]
    made.write(rows, guard=lambda _: hold_of("warninglist"))
    assert statuses(made) == [
        ("held", "warninglist"),
        ("duplicate", "duplicate"),
        ("rejected", "conflicting_actions"),
        ("rejected", "conflicting_actions"),
    ]


def test_a_held_row_keeps_its_lane_and_its_notes(core, make_core):
    made = make_core()
    scoped = core.rows(1, indicatorValue="H0[.]example.com", rbacGroupNames=["x"])
    made.write([*core.rows(1), *scoped], guard=lambda indicator: hold_of("warninglist") if indicator.scope else None)
    [row] = made.ledger.rows("run-0")
    assert (row.position, row.lane, row.operation) == (1, 1, "import")
    assert row.notes


def test_the_brake_is_told_of_new_blocks_once_and_holds_all_of_them(core, make_core):
    made, told = make_core(), []

    def brake(count):
        told.append(count)
        return hold_of("too_many_blocks")

    rows = [
        *core.rows(3),
        *core.rows(1),
        *core.rows(1, start=1, title="changed"),
        *core.rows(2, start=10, action="Warn"),
        *core.rows(1, action="BlockAndRemediate", indicatorType="FileSha256", indicatorValue="ab" * 32),
        *core.rows(1, start=30),
        *core.rows(1, start=30, action="Warn"),
    ]
    made.write(rows, guard=guard("h2.example.com"), brake=brake)
    assert told == [3]
    assert statuses(made) == [
        ("held", "too_many_blocks"),
        ("duplicate", "repeated_with_changes"),
        ("held", "warninglist"),
        ("duplicate", "duplicate"),
        ("held", "too_many_blocks"),
        ("pending", "not_sent_yet"),
        ("pending", "not_sent_yet"),
        ("held", "too_many_blocks"),
        ("rejected", "conflicting_actions"),
        ("rejected", "conflicting_actions"),
    ]


def test_a_brake_that_does_not_hold_changes_nothing(core, make_core):
    made = make_core()
    assert made.plan(core.rows(2), brake=lambda _: None).hash == made.plan(core.rows(2)).hash


def test_what_a_source_says_of_a_rows_weight_is_no_part_of_the_indicator(core, make_core):
    made = make_core()
    [row] = core.rows(1)
    ranked = {**row, RANK: [1, 2, "2026-01-01"]}
    assert made.plan([ranked]).hash == made.plan([row]).hash
    assert RANK in ranked


# Many rows


@settings(max_examples=60)
@given(INPUTS)
def test_a_plan_on_disk_is_the_plan_in_memory(core, given_rows):
    with closing(core.Core()) as one, closing(core.Core()) as other, pytest.MonkeyPatch.context() as patch:
        one.write(given_rows)
        patch.setattr(spool, "_BLOCK", 1)
        patch.setattr(repeats, "_SORTED_AT_ONCE", 2)
        other.write(given_rows)
        assert list(one.report("run-0")["results"]) == list(other.report("run-0")["results"])
        assert bodies(one) == bodies(other)


def test_memory_does_not_grow_with_the_rows(make_core, monkeypatch):
    made = make_core()
    monkeypatch.setattr(spool, "_BLOCK", 1024)
    monkeypatch.setattr(repeats, "_SORTED_AT_ONCE", 500)

    def peak(count):
        tracemalloc.start()
        rows = ({"indicatorType": "FileSha256", "indicatorValue": f"{number // 2:064x}", "action": "Block",
                 "title": "t", "description": "d"} for number in range(count))  # fmt: skip
        made.plan(RowStream(rows))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(100)
    assert peak(24_000) - peak(8_000) < 16_000 * 40


def test_a_full_disk_is_said_while_records_are_put_away(core, make_core, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spool, "_BLOCK", 1)
    monkeypatch.setattr(spool.os, "pread", full)
    with pytest.raises(LedgerError, match="set TMPDIR"):
        make_core().plan(core.rows(2))
