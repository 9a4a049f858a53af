import pytest

from defender_indicators.delivery import Answer, Window
from defender_indicators.delivery.steps import Finished, Send, SignIn, Wait
from defender_indicators.errors import AuthenticationError, ServerError

MONTH = 30 * 86_400.0


def sends(machine):
    """Take every call that may be sent now."""
    tickets = []
    while isinstance(step := machine.step(), Send):
        tickets.append(step.ticket)
    return tickets, step


@pytest.fixture
def signed_in(core, make_core):
    """signed_in(rows, **options) is a core and a machine that has a token."""

    def make(rows=3, **options):
        made = make_core(**options)
        machine = made.machine(made.write(core.rows(rows)))
        assert machine.step() == SignIn(renew=False, claims="")
        machine.signed_in()
        return made, machine

    return make


def test_an_empty_run_is_finished_after_the_sign_in(signed_in):
    assert signed_in(0)[1].step() == Finished()


def test_a_token_is_made_sure_of_once_a_minute(signed_in):
    made, machine = signed_in()
    assert isinstance(machine.step(), Send)
    made.clock.seconds += 60.0
    assert machine.step() == SignIn(renew=False, claims="")


def test_the_intent_is_written_before_the_call_is_handed_out(signed_in):
    made, machine = signed_in()
    ticket = machine.step().ticket
    [batch] = made.ledger.batches("1 = 1")
    assert (batch.state, batch.attempts, batch.sent_at, batch.sent_boot) == ("inflight", 1, 1000.0, "boot-0")
    assert ticket.call.request_id == batch.request_id
    assert made.ledger.database.execute("SELECT started, ended FROM call").fetchall() == [(1000.0, None)]


def test_at_most_four_calls_are_in_flight(signed_in):
    _, machine = signed_in(6, batch_rows=1)
    tickets, step = sends(machine)
    assert len(tickets) == machine.in_flight == 4
    assert step == Wait(None, "calls in flight")


def test_a_lane_starts_when_the_lane_before_it_is_answered(core, make_core):
    made = make_core()
    run = made.write([*core.rows(1), *core.rows(1, rbacGroupNames=["x"])])
    machine = made.machine(run)
    machine.signed_in()
    tickets, step = sends(machine)
    assert (len(tickets), step) == (1, Wait(None, "calls in flight"))
    machine.answered(tickets[0], core.accept(tickets[0].call))
    assert len(sends(machine)[0]) == 1


def test_the_limit_of_the_service_is_waited_for(core, signed_in):
    _, machine = signed_in(3, batch_rows=1, windows={"import": [Window(2, 60.0)], "list": [Window(9, 60.0)]})
    tickets, step = sends(machine)
    assert step == Wait(None, "the rate limit of the service")
    for ticket in tickets:
        machine.answered(ticket, core.accept(ticket.call))
    assert machine.step() == Wait(1060.0, "the rate limit of the service")


def test_a_throttle_costs_no_attempt_and_blocks_everything(core, make_core):
    made = make_core(jitter=lambda low, high: high)
    run = made.write(core.rows(1))
    report = made.deliver(run, Answer(429, {"retry-after": "10"}), Answer(503, {"retry-after": "10"}))
    assert report["outcome"] == "succeeded"
    assert [at for at, _ in made.calls] == [1000.0, 1011.0, 1022.0]
    assert [batch.ambiguous for batch in made.ledger.batches("1 = 1")] == [0]


def test_a_503_with_a_wait_leaves_the_rows_in_doubt(core, make_core):
    made = make_core()
    run = made.write(core.rows(1))
    machine = made.machine(run)
    machine.signed_in()
    machine.answered(machine.step().ticket, Answer(503, {"retry-after": "10"}))
    assert made.states() == [("unknown", "", 1)]


def test_calls_that_do_not_leave_pause_the_run_and_stay_unsent(core, make_core):
    made = make_core()
    report = made.deliver(made.write(core.rows(1)), then=core.NOT_SENT)
    assert len(made.calls) == 6
    assert made.health.paused == "the service cannot be reached: connection refused"
    assert report["counts"]["pending"] == 1


def test_a_401_costs_one_new_token_for_the_same_bytes(core, make_core):
    made = make_core()
    claims = Answer(401, {"www-authenticate": 'Bearer claims="abc"'})
    report = made.deliver(made.write(core.rows(1)), claims)
    assert report["outcome"] == "succeeded"
    assert made.renewals == [False, True]
    assert made.calls[0][1] == made.calls[1][1]


def test_the_claims_of_the_challenge_reach_the_sign_in(signed_in):
    _, machine = signed_in()
    machine.answered(machine.step().ticket, Answer(401, {"www-authenticate": 'Bearer claims="abc"'}))
    assert machine.step() == SignIn(renew=True, claims="abc")
    machine.signed_in()
    assert isinstance(machine.step(), Send)


def test_a_fresh_token_that_is_refused_too_halts(core, make_core):
    made = make_core()
    report = made.deliver(made.write(core.rows(1)), then=Answer(401))
    assert made.renewals == [False, True]
    assert made.health.halted.endswith("is Defender set up for this tenant?")
    assert report["outcome"] == "paused"


def test_another_answer_in_between_gives_a_401_its_new_token_again(core, make_core):
    made = make_core()
    report = made.deliver(made.write(core.rows(1)), Answer(401), core.SERVER_ERROR, Answer(401))
    assert report["outcome"] == "succeeded"
    assert made.renewals == [False, True, True]


def test_401s_of_calls_with_the_old_token_cost_one_new_token_together(core, signed_in):
    made, machine = signed_in(4, batch_rows=1)
    tickets, _ = sends(machine)
    for ticket in tickets[:2]:
        machine.answered(ticket, Answer(401))
    assert machine.step() == Wait(None, "calls in flight")
    machine.answered(tickets[2], Answer(401))
    machine.answered(tickets[3], core.accept(tickets[3].call))
    assert machine.step() == SignIn(renew=True, claims="")
    machine.signed_in()
    assert len(sends(machine)[0]) == 3
    assert not made.health.halted


def test_a_401_to_a_call_with_an_older_token_asks_for_nothing(core, signed_in):
    made, machine = signed_in(2, batch_rows=1)
    tickets, _ = sends(machine)
    made.clock.seconds += 60.0
    machine.step()
    machine.signed_in()
    machine.answered(tickets[0], Answer(401))
    assert isinstance(machine.step(), Send)


@pytest.mark.parametrize(
    ("error", "ending"), [(ServerError("busy"), "paused"), (AuthenticationError("wrong"), "halted")]
)
def test_a_sign_in_that_fails_is_tried_again_only_when_that_can_help(make_core, core, error, ending):
    made = make_core()
    machine = made.machine(made.write(core.rows(1)))
    tries = 0
    while not isinstance(step := machine.step(), Finished):
        if isinstance(step, SignIn):
            tries += 1
            machine.sign_in_failed(error)
            made.clock.seconds += 70.0
    assert tries == (6 if ending == "paused" else 1)
    assert str(error) in getattr(made.health, ending)
    assert made.calls == []


def test_a_stopped_run_waits_for_calls_in_flight_and_sends_nothing_new(core, signed_in):
    made, machine = signed_in(9, batch_rows=1)
    ticket = machine.step().ticket
    made.health.pause("stopped on request")
    assert machine.step() == Wait(None, "calls in flight")
    machine.answered(ticket, core.accept(ticket.call))
    assert machine.step() == Finished()
    assert made.report("run-0")["counts"]["accepted"] == 1


def test_a_breaker_that_is_half_open_lets_one_call_a_minute_try(core, make_core):
    made = make_core(jitter=lambda low, high: low, batch_rows=2)
    report = made.deliver(made.write(core.rows(18)), then=core.LOST, latency=0.5)
    assert report["counts"]["unknown"] + report["counts"]["pending"] == 18
    assert "keeps failing" in made.health.paused
    times = [at for at, _ in made.calls]
    assert len([at for at in times if at < 1060.0]) == 8
    assert len(times) == 10
    assert times[9] - times[8] == 60.5


def test_what_was_in_flight_when_a_process_died_is_in_doubt(core, signed_in):
    made, machine = signed_in()
    machine.step()
    made.machine("run-0")
    assert made.states() == [("unknown", "", 3)]
    assert made.report("run-0")["results"][0]["code"] == "no_answer"


def test_doubts_of_an_older_run_are_settled_before_newer_rows_are_sent(core, make_core):
    made = make_core()
    old = made.write(core.rows(2, title="old"))
    machine = made.machine(old)
    machine.signed_in()
    machine.step()
    new = made.write(core.rows(2, title="new"))
    made.deliver(new)
    assert [b'"old"' in call.body for _, call in made.calls] == [True, False]
    assert made.report(old)["outcome"] == made.report(new)["outcome"] == "succeeded"


def test_newer_rows_wait_until_the_doubts_in_flight_are_back(core, make_core):
    made = make_core()
    old = made.write(core.rows(2, title="old"))
    machine = made.machine(old)
    machine.signed_in()
    machine.step()
    machine = made.machine(made.write(core.rows(2, title="new")))
    machine.signed_in()
    tickets, step = sends(machine)
    assert (len(tickets), step) == (1, Wait(None, "calls in flight"))
    assert tickets[0].batch.run == old


def test_a_batch_that_waits_does_not_keep_another_one_waiting(core, signed_in):
    _, machine = signed_in(2, batch_rows=1, jitter=lambda low, high: high)
    tickets, _ = sends(machine)
    machine.answered(tickets[0], core.LOST)
    machine.answered(tickets[1], core.accept(tickets[1].call))
    assert machine.step() == Wait(1001.6, "waiting before the next attempt")


def test_a_batch_that_no_longer_fits_is_cut_before_it_is_sent(core, signed_in):
    made, machine = signed_in(4)
    made.ledger.set_run("run-0", max_rows=3)
    assert [len(ticket.batch.positions) for ticket in sends(machine)[0]] == [3, 1]


def test_a_batch_that_no_longer_fits_by_its_bytes_is_cut_before_it_is_sent(core, signed_in):
    made, machine = signed_in(4)
    made.ledger.set_run("run-0", max_bytes=1)
    assert [len(ticket.batch.positions) for ticket in sends(machine)[0]] == [1] * 4


def test_a_reboot_does_not_move_the_time_of_the_first_send(core, signed_in):
    made, machine = signed_in()
    ticket = machine.step().ticket
    made.clock.seconds += 5.0
    machine.answered(ticket, core.LOST)
    made.clock.seconds += 5.0
    assert machine.step().ticket.batch.sent_at == 1000.0


def test_a_listing_waits_for_calls_in_flight_and_for_its_own_limit(core, make_core):
    made = make_core(batch_rows=1, windows={"import": [Window(30, 60.0)], "list": [Window(1, 60.0)]})
    old = made.write(core.rows(1))
    machine = made.machine(old)
    machine.signed_in()
    machine.step()
    made.clock.seconds += MONTH
    machine = made.machine(old)
    machine.signed_in()
    ticket = machine.step().ticket
    assert ticket.call.method == "GET"
    assert machine.step() == Wait(None, "calls in flight")
    machine.answered(ticket, core.SERVER_ERROR)
    made.clock.seconds = made.health.hold_until
    assert isinstance(machine.step(), Wait)
