import orjson
import pytest

from defender_indicators.delivery.records import Exceptional
from defender_indicators.delivery.resume import releasable, reopen, waiting

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


# Deletions and newer runs


def steps(made, *given):
    return made.write_steps(*((what, row, None) for what, row in given))


def test_an_unsent_import_gives_way_to_a_newer_deletion_of_the_same_row(core, make_core):
    made = make_core()
    old = steps(made, ("import", core.rows(1)[0]))
    made.deliver(steps(made, ("delete", core.there("5", 0))))
    made.deliver(old)
    assert statuses(made, old) == [("superseded", "superseded")]


def test_an_unsent_import_with_another_action_outlives_a_newer_deletion(core, make_core):
    made = make_core()
    old = steps(made, ("import", core.rows(1)[0]))
    made.deliver(steps(made, ("delete", core.there("5", 0, action="Allowed"))))
    made.deliver(old)
    assert statuses(made, old) == [("accepted", "")]


@pytest.mark.parametrize("newer", ["7", ""])
def test_an_unsent_deletion_never_removes_what_a_newer_run_has_put_under_its_id(core, make_core, newer):
    made = make_core()
    old = steps(made, ("delete", core.there("7", 0, action="Audit")))
    made.deliver(steps(made, ("import", core.rows(1)[0])), core.listed(core.accepted("h0.example.com", newer)))
    made.deliver(old)
    assert statuses(made, old) == [("superseded", "superseded")]
    assert made.deleted() == []


def test_an_unsent_deletion_waits_for_no_import_that_may_take_its_id_over(core, make_core):
    made = make_core()
    old = steps(made, ("delete", core.there("7", 0, action="Audit")))
    steps(made, ("import", core.rows(1)[0]))
    made.deliver(old)
    assert statuses(made, old) == [("superseded", "superseded")]


def test_an_unsent_deletion_goes_on_beside_a_newer_row_with_another_id(core, make_core):
    made = make_core()
    old = steps(made, ("delete", core.there("7", 0, action="Allowed")))
    made.deliver(steps(made, ("import", core.rows(1)[0])), core.listed(core.accepted("h0.example.com", "8")))
    made.deliver(old)
    assert made.deleted() == [["7"]]


@pytest.mark.parametrize(("newer", "gives_way"), [("7", True), ("8", False)])
def test_a_deletion_gives_way_to_a_newer_one_of_its_id_only(core, make_core, newer, gives_way):
    made = make_core()
    old = steps(made, ("delete", core.there("7", 0)), ("delete", core.there("9", 9)))
    made.deliver(steps(made, ("delete", core.there(newer, 0))))
    made.deliver(old)
    assert statuses(made, old) == [("superseded", "superseded") if gives_way else ("accepted", ""), ("accepted", "")]


# Rows that are held


def sync_of(made, run, name="feed", **facts):
    """Let a run be the sync of a set."""
    with made.ledger.transaction():
        made.ledger.set_run(run, kind="sync", facts=orjson.dumps({"set": name, **facts}).decode())
    return run


def test_an_older_sync_never_deletes_what_a_newer_one_left_as_it_is(core, make_core):
    made = make_core()
    old = sync_of(made, steps(made, ("delete", core.there("5", 0)), ("import", core.rows(1, start=1)[0])))
    sync_of(made, made.write(core.rows(1, start=2)))
    made.deliver(old)
    assert statuses(made, old) == [("superseded", "superseded")] * 2
    assert made.calls == []


@pytest.mark.parametrize("facts", [{"name": "other"}, {"cut_off": "the download broke off"}])
def test_a_newer_sync_of_another_set_or_of_half_a_source_takes_nothing_over(core, make_core, facts):
    made = make_core()
    old = sync_of(made, made.write(core.rows(1)))
    sync_of(made, made.write(core.rows(1, start=2)), **facts)
    made.deliver(old)
    assert statuses(made, old) == [("accepted", "")]


def test_what_a_newer_sync_holds_as_well_is_sent_when_it_is_released(core, make_core):
    made = make_core()
    [row] = core.rows(1, start=1)
    old, new = (sync_of(made, made.write(core.rows(1, start=start))) for start in (0, 2))
    for run in (old, new):
        hold(made, run, 1, row)
    release(made, old)
    made.drive(made.machine(old))
    assert statuses(made, old) == [("superseded", "superseded"), ("accepted", "")]


def hold(made, run, position, row, code="too_many_blocks", **facts):
    """Hold one more row of a run, as the guard does."""
    payload = facts.pop("payload", orjson.dumps(row))
    line = Exceptional(
        *(position, "held", row["indicatorValue"], row["indicatorType"], row["action"], code, "why"),
        payload=payload,
        **facts,
    )
    with made.ledger.transaction():
        made.ledger.put_rows(run, [line])
        made.ledger.set_run(run, total=made.ledger.run(run).total + 1)


def release(made, run):
    reopen(made.ledger, made.ledger.run(run), released=True)


def test_held_rows_wait_until_they_are_released(core, make_core):
    made = make_core()
    run = made.write(core.rows(1))
    hold(made, run, 1, core.rows(1, start=1)[0])
    assert made.deliver(run)["outcome"] == "held"
    assert releasable(made.ledger, run)
    release(made, run)
    made.drive(made.machine(run))
    assert made.sent() == [["h0.example.com"], ["h1.example.com"]]
    assert made.report(run)["outcome"] == "succeeded"
    assert not releasable(made.ledger, run)


@pytest.mark.parametrize("facts", [{"payload": None}, {"code": "changed_elsewhere"}])
def test_what_nothing_releases_stays_held(core, make_core, facts):
    made = make_core()
    run = made.write(core.rows(1))
    hold(made, run, 1, core.rows(1, start=1)[0], **facts)
    release(made, run)
    made.drive(made.machine(run))
    assert made.report(run)["results"][1]["status"] == "held"
    assert not releasable(made.ledger, run)


def test_released_rows_keep_their_operation_lane_and_condition(core, make_core):
    made = make_core()
    run = made.write(core.rows(1))
    old = core.there("5", 1, action="Audit")
    hold(made, run, 1, core.rows(1, start=1)[0])
    hold(made, run, 2, old, operation="delete", lane=3, after=1, notes=["a note"])
    release(made, run)
    [batch] = made.ledger.batches("operation = 'delete'")
    assert (batch.lane, batch.after, batch.notes) == (3, {"2": 1}, {"2": ["a note"]})
    tenant = core.Tenant(old)
    made.drive(made.machine(run), then=tenant)
    assert made.deleted() == [["5"]]
    assert tenant.actions("h1.example.com") == ["Block"]


def test_a_row_whose_first_step_is_held_follows_it_when_it_is_released(core, make_core):
    made = make_core()
    old = core.there("5", 0, action="Audit")
    run = made.write_steps(("import", core.rows(1, start=9)[0], None), ("delete", old, 2))
    made.ledger.set_run(run, total=2)
    hold(made, run, 2, core.rows(1)[0])
    assert statuses(made, run)[1] == ("pending", "not_sent_yet")
    made.deliver(run)
    assert statuses(made, run)[1:] == [("held", "first_step_not_done"), ("held", "too_many_blocks")]
    assert [row.code for row in waiting(made.ledger, run)] == ["too_many_blocks"]
    release(made, run)
    made.drive(made.machine(run), then=core.Tenant(old))
    assert made.report(run)["outcome"] == "succeeded"


def test_deletions_of_one_value_share_a_call(core, make_core):
    made = make_core()
    run = made.write(core.rows(1, start=9))
    for place, identifier in enumerate("56", start=1):
        hold(made, run, place, core.there(identifier, 0), operation="delete")
    release(made, run)
    made.drive(made.machine(run))
    assert made.deleted() == [["5", "6"]]
