import pytest

from defender_indicators.delivery.resume import reopen

SCOPED = {"rbacGroupNames": ["x"]}


def statuses(made, run):
    return [(row["status"], row["code"]) for row in made.report(run)["results"]]


def full(core):
    return lambda call: core.listed(*(core.refused(value, "limit exceeded") for value in core.values_of(call)))


def test_a_run_that_is_opened_again_is_sending(core, make_core):
    made = make_core()
    run = made.write(core.rows(1))
    made.ledger.set_run(run, state="paused", stopped="why")
    reopen(made.ledger, made.ledger.run(run))
    assert (made.ledger.run(run).state, made.ledger.run(run).stopped) == ("sending", "")


def test_deferred_rows_get_another_chance_with_their_notes(core, make_core):
    made = make_core(batch_rows=30, capacity_rows=2)
    noted = [*core.rows(2), *core.rows(1, indicatorValue="H2[.]example.com")]
    run = made.write(noted)
    made.deliver(run, full(core))
    assert {status for status, _ in statuses(made, run)} == {"deferred"}
    report = made.deliver(run)
    assert report["outcome"] == "succeeded"
    assert [bool(row["notes"]) for row in report["results"]] == [False, False, True]


def test_deferred_rows_of_one_value_travel_in_calls_of_their_own(core, make_core):
    made = make_core(capacity_rows=1, calls_in_flight=1)
    run = made.write([*core.rows(1), *core.rows(1, **SCOPED)])
    made.deliver(run, full(core))
    made.ledger.database.execute("UPDATE batch SET state = 'pending', code = '' WHERE state = 'deferred'")
    made.drive(made.machine(run), full(core))
    assert [status for status, _ in statuses(made, run)] == ["deferred", "deferred"]
    reopen(made.ledger, made.ledger.run(run))
    pending = list(made.ledger.batches("state = 'pending' ORDER BY lane"))
    assert [len(batch.positions) for batch in pending] == [1, 1]
    assert len({batch.lane for batch in pending}) == 2
    assert made.deliver(run)["outcome"] == "succeeded"


def test_deferred_rows_are_cut_into_calls_of_the_size_allowed_now(core, make_core):
    made = make_core(batch_rows=5, capacity_rows=5)
    run = made.write(core.rows(5))
    made.deliver(run, full(core))
    made.ledger.set_run(run, max_rows=2)
    reopen(made.ledger, made.ledger.run(run))
    assert [len(batch.positions) for batch in made.ledger.batches("state = 'pending' ORDER BY first")] == [2, 2, 1]


def test_deferred_parts_of_a_bisect_start_anew(core, make_core):
    made = make_core()
    run = made.write(core.rows(2))
    made.ledger.set_batch(1, state="deferred", code="bisect_budget_spent", root=7)
    reopen(made.ledger, made.ledger.run(run))
    [batch] = made.ledger.batches("1 = 1")
    assert (batch.state, batch.code, batch.root) == ("pending", "", 0)


def test_an_unsent_row_whose_place_a_newer_run_took_is_superseded(core, make_core):
    made = make_core()
    old = made.write([*core.rows(1, title="old"), *core.rows(1, indicatorValue="H1[.]example.com", title="old")])
    made.deliver(made.write(core.rows(1, title="new")))
    report = made.deliver(old)
    assert statuses(made, old) == [("superseded", "superseded"), ("accepted", "")]
    assert report["results"][0]["reason"] == "run run-1 has a newer version; its report tells more"
    assert report["results"][1]["notes"]


def test_a_batch_whose_rows_are_all_taken_disappears(core, make_core):
    made = make_core()
    old = made.write(core.rows(2, title="old"))
    made.write(core.rows(2, title="new"))
    report = made.deliver(old)
    assert [status for status, _ in statuses(made, old)] == ["superseded", "superseded"]
    assert report["outcome"] == "failed"
    assert made.calls == []


@pytest.mark.parametrize("other", [SCOPED, {"indicatorValue": "other.example.com"}])
def test_another_scope_or_value_takes_no_place(core, make_core, other):
    made = make_core()
    old = made.write(core.rows(1, title="old"))
    made.write(core.rows(1, title="new", **other))
    made.deliver(old)
    assert statuses(made, old) == [("accepted", "")]


def test_an_older_run_takes_no_place(core, make_core):
    made = make_core()
    made.write(core.rows(1, title="old"))
    new = made.write(core.rows(1, title="new"))
    made.deliver(new)
    assert statuses(made, new) == [("accepted", "")]


def test_rows_that_were_refused_stay_refused(core, make_core):
    made = make_core()
    run = made.write(core.rows(1))
    made.deliver(run, core.listed(core.refused("h0.example.com")))
    made.deliver(run)
    assert statuses(made, run) == [("refused", "refused_by_service")]
    assert len(made.calls) == 1
