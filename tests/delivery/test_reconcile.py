from datetime import timedelta

import pytest

from defender_indicators.delivery import Answer

LATER = 1000.0
"""Longer than a doubt may be settled by sending again."""


@pytest.fixture
def doubt(core, make_core):
    """doubt(rows) is a core whose last batch was sent long ago and never answered; ``earlier`` rows were accepted."""

    def make(given_rows, *, wait=LATER, earlier=(), **options):
        made = make_core(**options)
        if earlier:
            made.deliver(made.write(earlier))
        machine = made.machine(made.write(given_rows))
        machine.signed_in()
        machine.step()
        made.clock.seconds += wait
        return made

    return make


def held(core, made, number, *, touched=False, **fields):
    """Return a row as the tenant lists it, written when it was sent, or touched after that."""
    stamp = (made.clock.now() - timedelta(seconds=0 if touched else LATER)).isoformat()
    return core.rows(1, start=number)[0] | {"id": f"id-{number}", "lastUpdateTime": stamp} | fields


def statuses(report):
    return [(row["status"], row["code"]) for row in report["results"]]


def test_a_young_doubt_is_settled_by_sending_the_same_bytes(core, doubt):
    made = doubt(core.rows(2), wait=900.0)
    made.deliver("run-0")
    assert [call.method for _, call in made.calls] == ["POST"]


def test_an_old_doubt_is_read_back_before_anything_is_sent(core, doubt):
    made = doubt(core.rows(2), wait=900.5)
    report = made.deliver("run-0", then=core.page(*(held(core, made, number) for number in range(2))))
    assert [call.method for _, call in made.calls] == ["GET"]
    assert [row["id"] for row in report["results"]] == ["id-0", "id-1"]
    assert report["outcome"] == "succeeded"


def test_a_doubt_from_another_boot_is_old(core, doubt):
    made = doubt(core.rows(1), wait=1.0)
    made.clock.boot = "boot-1"
    made.deliver("run-0", then=core.page(held(core, made, 0)))
    assert [call.method for _, call in made.calls] == ["GET"]


def test_rows_that_never_arrived_are_sent(core, doubt):
    made = doubt(core.rows(2))
    report = made.deliver("run-0", then=core.page())
    assert [call.method for _, call in made.calls] == ["GET", "POST"]
    assert report["outcome"] == "succeeded"


def test_a_row_that_was_there_before_with_other_details_is_sent_again(core, doubt):
    made = doubt(core.rows(1))
    old = held(core, made, 0, title="old") | {"lastUpdateTime": "2020-01-01T00:00:00Z"}
    report = made.deliver("run-0", then=core.page(old))
    assert [call.method for _, call in made.calls] == ["GET", "POST"]
    assert report["outcome"] == "succeeded"


def test_a_row_that_somebody_changed_meanwhile_is_never_overwritten(core, doubt):
    made = doubt(core.rows(2, indicatorValue="H0[.]example.com")[:1] + core.rows(1, start=1))
    theirs = held(core, made, 0, title="theirs", touched=True)
    report = made.deliver("run-0", then=core.page(theirs, held(core, made, 1)))
    assert statuses(report) == [("held", "changed_elsewhere"), ("accepted", "")]
    assert "was changed since it was sent" in report["results"][0]["reason"]
    assert report["results"][0]["notes"]
    assert len(made.sent()) == 0


def test_a_row_missing_among_others_that_arrived_was_removed_by_somebody(core, doubt):
    made = doubt(core.rows(2))
    report = made.deliver("run-0", then=core.page(held(core, made, 1)))
    assert statuses(report) == [("held", "changed_elsewhere"), ("accepted", "")]
    assert "its call was carried out" in report["results"][0]["reason"]


def test_rows_that_were_there_before_do_not_prove_that_the_call_was_carried_out(core, doubt):
    made = doubt(core.rows(2))
    before = held(core, made, 1) | {"lastUpdateTime": "2020-01-01T00:00:00Z"}
    report = made.deliver("run-0", then=core.page(before))
    assert statuses(report) == [("accepted", ""), ("accepted", "")]
    assert made.sent() == [["h0.example.com"]]


def test_a_listing_without_the_rows_that_were_accepted_is_read_again(core, doubt):
    made = doubt(core.rows(1), earlier=core.rows(1, start=9))
    before = len(made.calls)
    there = [held(core, made, 9), held(core, made, 0)]
    report = made.deliver("run-1", core.listed(), core.listed(*there))
    assert [call.method for _, call in made.calls[before:]] == ["GET", "GET"]
    assert [row["id"] for row in report["results"]] == ["id-0"]


def test_a_listing_that_always_lacks_them_is_believed_in_the_end(core, doubt):
    made = doubt(core.rows(1), earlier=core.rows(1, start=9))
    before = len(made.calls)
    report = made.deliver("run-1", then=core.page())
    assert [call.method for _, call in made.calls[before:]] == ["GET"] * 3 + ["POST"]
    assert report["outcome"] == "succeeded"


def test_a_link_to_a_page_that_was_read_already_ends_the_listing(core, doubt):
    made = doubt(core.rows(1))
    circle = Answer(200, {}, b'{"value":[],"@odata.nextLink":"https://api.example/api/indicators?$skip=0"}')
    made.deliver("run-0", then=lambda _: circle)
    assert len(made.calls) <= 5
    assert "read already" in made.health.paused


def test_a_mix_keeps_each_row_with_its_own_fate_and_notes(core, doubt):
    made = doubt([*core.rows(1), *core.rows(1, indicatorValue="H1[.]example.com"), *core.rows(1, start=2)])
    stale = held(core, made, 1, title="old") | {"lastUpdateTime": "2020-01-01T00:00:00Z"}
    report = made.deliver("run-0", then=core.page(held(core, made, 0), stale, held(core, made, 2)))
    assert [row["id"] for row in report["results"]] == ["id-0", "7", "id-2"]
    assert [bool(row["notes"]) for row in report["results"]] == [False, True, False]
    assert made.sent() == [["h1.example.com"]]


def test_a_listing_of_many_pages_is_read_to_its_end(core, doubt):
    made = doubt(core.rows(1))
    others = [held(core, made, number) for number in range(10, 2010)]
    pages = [core.listed(*others), core.listed(held(core, made, 0))]
    made.deliver("run-0", *pages)
    assert [call.path.rpartition("=")[2] for _, call in made.calls] == ["0", "2000"]


def test_a_listing_that_breaks_off_proves_nothing(core, doubt):
    made = doubt(core.rows(1))
    report = made.deliver("run-0", then=lambda call: core.SERVER_ERROR if call.method == "GET" else core.accept(call))
    assert [call.method for _, call in made.calls] == ["GET"] * 3
    assert made.health.paused == "rows are in doubt and cannot be read back: HTTP 500"
    assert statuses(report) == [("unknown", "no_answer")]


def test_a_page_is_asked_for_again_after_a_pause(core, doubt):
    made = doubt(core.rows(1), jitter=lambda low, high: high)
    made.deliver("run-0", core.LOST, then=core.page(held(core, made, 0)))
    assert [at for at, _ in made.calls] == [2000.0, 2001.6]


@pytest.mark.parametrize("passing", ["throttled", "unauthorized", "not sent"])
def test_what_says_nothing_about_the_listing_costs_it_nothing(core, doubt, passing):
    answers = {"throttled": Answer(429, {"retry-after": "5"}), "unauthorized": Answer(401), "not sent": core.NOT_SENT}
    made = doubt(core.rows(1), read_tries=1)
    report = made.deliver("run-0", answers[passing], then=core.page(held(core, made, 0)))
    assert report["outcome"] == "succeeded"


def test_a_listing_that_is_forbidden_names_the_permission(core, doubt):
    made = doubt(core.rows(1))
    made.deliver("run-0", core.error(403, "Forbidden"))
    assert made.health.halted.startswith("reading back: HTTP 403")
    assert "Ti.ReadWrite.All" in made.health.halted


def test_a_row_in_doubt_three_times_is_read_back_and_set_aside_when_others_pass(core, make_core):
    made = make_core(batch_rows=1)

    def fail(call):
        return core.LOST if call.method == "POST" and "h0.example.com" in core.values_of(call) else core.page()(call)

    report = made.deliver(made.write(core.rows(3)), then=fail)
    assert statuses(report)[0] == ("quarantined", "isolated_by_bisect")
    assert made.sent().count(["h0.example.com"]) == 3


def test_a_row_in_doubt_three_times_is_not_blamed_while_nothing_passes(core, make_core):
    made = make_core()
    report = made.deliver(
        made.write(core.rows(1)), then=lambda call: core.listed() if call.method == "GET" else core.LOST
    )
    assert statuses(report) == [("pending", "not_sent_yet")]
    assert made.health.paused == "the service keeps failing: connection reset"


def test_a_row_isolated_by_a_bisect_without_answers_is_set_aside(core, make_core):
    made = make_core(batch_rows=2)

    def fail(call):
        return core.LOST if call.method == "POST" and "h0.example.com" in core.values_of(call) else core.page()(call)

    report = made.deliver(made.write(core.rows(4)), then=fail)
    assert statuses(report)[0] == ("quarantined", "isolated_by_bisect")
    assert report["counts"]["accepted"] == 3


def test_one_lost_answer_inside_a_bisect_of_refusals_does_not_blame_the_row(core, make_core):
    """The row is in doubt three times, but what it is a part of was refused, not left without an answer."""
    made = make_core(batch_rows=4)
    lost = iter([core.LOST] * 3)

    def fail(call):
        if call.method == "GET":
            return core.listed()
        if core.values_of(call) == ["h2.example.com"]:
            return next(lost, None) or core.accept(call)
        return core.poison("h3.example.com")(call)

    report = made.deliver(made.write(core.rows(4)), then=fail)
    assert statuses(report)[2:] == [("accepted", ""), ("quarantined", "isolated_by_bisect")]


def test_another_runs_rows_that_never_arrived_go_back_to_that_run(core, doubt):
    made = doubt(core.rows(1, title="old"))
    new = made.write(core.rows(1, start=5))
    made.deliver(new, then=core.page())
    assert statuses(made.report("run-0")) == [("pending", "not_sent_yet")]
    assert made.report(new)["outcome"] == "succeeded"


def test_another_runs_row_in_doubt_three_times_is_read_back_at_once(core, make_core):
    made = make_core()
    old = made.write(core.rows(2, title="old"))
    machine = made.machine(old)
    machine.signed_in()
    machine.answered(machine.step().ticket, core.LOST)
    made.ledger.set_batch(1, ambiguous=3)
    made.deliver(made.write(core.rows(2, title="new")), then=core.page())
    assert [call.method for _, call in made.calls] == ["GET", "POST"]


def test_a_second_listing_is_made_for_doubts_that_come_later(core, doubt):
    made = doubt(core.rows(1))
    machine = made.machine("run-0")
    machine.signed_in()
    machine.answered(machine.step().ticket, core.listed())
    machine.step()
    made.clock.seconds += LATER
    made.drive(made.machine("run-0"), then=core.page(held(core, made, 0)))
    assert made.report("run-0")["outcome"] == "succeeded"


def test_a_page_that_nobody_asked_for_changes_nothing(core, make_core):
    made = make_core()
    machine = made.machine(made.write(core.rows(1)))
    assert machine._reconciler.call().path == ""
    machine._reconciler.page(None, Answer(200), 0.0)
    assert made.states() == [("pending", "", 1)]
