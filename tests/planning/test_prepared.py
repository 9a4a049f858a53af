"""A plan on its way into the ledger."""

from contextlib import closing

import pytest

from defender_indicators.delivery import Ledger, Limits, Report, events
from defender_indicators.planning.capacity import Room
from defender_indicators.planning.changes import Wanted
from defender_indicators.planning.prepared import Prepared

A, B = "a.example.com", "b.example.com"


@pytest.fixture
def ledger():
    with closing(Ledger(None)) as found:
        yield found


def written(ledger, plan, run="run-1", created="2026-01-01T00:00:00+00:00"):
    plan.write(ledger, run, created)
    return Report(ledger, run)


def batches(ledger, run="run-1"):
    return [
        (one.lane, one.operation, list(one.positions), one.after)
        for one in ledger.batches("run = ? ORDER BY lane", (run,))
    ]


def finish(ledger, run):
    with ledger.transaction():
        ledger.set_run(run, state="finished")


def test_every_row_and_every_deletion_is_in_the_report_once(desk, ledger):
    tenant = [desk.listed(1, A), desk.listed(2, B), desk.listed(3, "x.example.com", "Allowed")]
    rows = [desk.row(A), desk.row("new.example.com"), desk.row("x.example.com", "Block")]
    report = written(ledger, desk.sync(tenant, rows))
    assert [row["index"] for row in report["results"]] == [0, 1, 2, 3, 4]
    assert report["counts"]["unchanged"] == 1
    assert report["counts"]["pending"] == 4
    assert [row["operation"] for row in report["results"]] == ["import", "import", "import", "delete", "delete"]


def test_the_order_leaves_no_gap_and_no_contradiction(desk, ledger):
    tenant = [desk.listed(1, A), desk.listed(2, B), desk.listed(3, "x.example.com", "Allowed")]
    rows = [desk.row(A, "Warn"), desk.row("x.example.com", "Block")]
    written(ledger, desk.sync(tenant, rows))
    assert batches(ledger) == [(0, "delete", [3], {}), (1, "import", [0, 1], {"1": 3}), (2, "delete", [2, 4], {"2": 0})]


def test_a_value_stands_once_in_a_call(desk, ledger):
    rows = [desk.row(A), desk.row(A, "Block", rbacGroupNames=["Servers"])]
    written(ledger, desk.sync([], rows))
    assert [positions for _, _, positions, _ in batches(ledger)] == [[0], [1]]


def test_calls_are_cut_at_the_limits(desk, ledger):
    rows = [desk.row(f"h{number}.example.com") for number in range(7)]
    plan = desk.sync([], rows)
    by_rows = Prepared(plan.changes, "sync", limits=Limits(3, 900_000))
    written(ledger, by_rows)
    assert [len(positions) for _, _, positions, _ in batches(ledger)] == [3, 3, 1]
    by_bytes = Prepared(plan.changes, "sync", limits=Limits(500, 2 * len(plan.changes[0].row) + 10))
    finish(ledger, "run-1")
    written(ledger, by_bytes, "run-2")
    assert [len(positions) for _, _, positions, _ in batches(ledger, "run-2")] == [2, 2, 2, 1]


def test_the_hash_names_everything_that_would_be_done(desk):
    base = desk.sync([], [desk.row(A)])
    others = [
        desk.sync([], [desk.row(A, title="other")]),
        desk.sync([desk.listed(1, B)], [desk.row(A)]),
        desk.sync([desk.listed(1, A, title="other")], [desk.row(A)]),
    ]
    assert len({base.hash, *(other.hash for other in others)}) == 4
    assert base.hash == desk.sync([], [desk.row(A)]).hash


def test_the_run_tells_what_was_known(desk, ledger):
    report = written(ledger, desk.sync([desk.listed(1, B)], [desk.row(A)]))
    assert report["plan"]["kind"] == "sync"
    assert report["plan"]["set"] == "feed"
    assert report["plan"]["changes"]["add"] == 1
    assert report["plan"]["capacity"]["total"] == 1


def test_a_new_run_is_an_event_of_the_audit_log(desk, ledger):
    written(ledger, desk.sync([], [desk.row(A)]))
    [event] = events.events(ledger.database)
    assert event.what == "run created"
    assert event.run == "run-1"
    assert events.verify(ledger.database) == []


def test_idle_runs_of_a_set_are_forgotten_but_for_the_last_ones(desk, ledger):
    plan = desk.sync([desk.listed(1, A)], [desk.row(A)])
    for number in range(6):
        written(ledger, plan, f"run-{number}")
        finish(ledger, f"run-{number}")
    written(ledger, plan, "last")
    assert [run.id for run in ledger.runs()] == ["run-3", "run-4", "run-5", "last"]


def test_runs_that_did_something_or_of_another_set_are_kept(desk, ledger):
    idle = desk.sync([desk.listed(1, A)], [desk.row(A)])
    other = Prepared(idle.changes, "sync", "other")
    written(ledger, other, "other-0")
    finish(ledger, "other-0")
    written(ledger, desk.sync([], [desk.row(A)]), "busy")
    finish(ledger, "busy")
    for number in range(5):
        written(ledger, idle, f"idle-{number}")
        finish(ledger, f"idle-{number}")
    kept = {run.id for run in ledger.runs()}
    assert {"busy", "other-0"} <= kept
    assert "idle-0" not in kept


def test_rows_that_waited_for_room_are_planned_anew(desk, ledger):
    full = desk.sync([], [desk.row(A)], room=Room(limit=0))
    written(ledger, full, "first")
    with ledger.transaction():
        ledger.set_run("first", state="paused")
    written(ledger, full, "second")
    assert ledger.run("first").state == "finished"
    assert ledger.counts("first") == {"superseded": 1}
    assert ledger.counts("second") == {"deferred": 1}


def test_a_wanted_row_of_each_kind_has_its_operation(desk):
    wanted = desk.wanted(desk.row(A))[0]
    assert isinstance(wanted, Wanted)
    tenant = [desk.listed(1, A), desk.listed(2, B)]
    assert {change.kind: change.operation for change in desk.sync(tenant, [desk.row(A)]).changes} == {
        "unchanged": "import",
        "delete": "delete",
    }
