import threading

import pytest

from defender_indicators.delivery import Answer, Failure, Stop
from defender_indicators.delivery.sender import GRACE_SECONDS, Sender
from defender_indicators.errors import AuthenticationError, ServerError


class Service:
    """A transport that does what it is told, in the sender's threads."""

    def __init__(self, core, *answers):
        self.core = core
        self.answers = list(answers)
        self.sign_ins = []
        self.problems = []
        self.threads = set()

    def sign_in(self, *, renew=False, claims=""):
        self.sign_ins.append((renew, claims))
        if self.problems:
            raise self.problems.pop(0)

    def send(self, call):
        self.threads.add(threading.current_thread().name)
        answer = self.answers.pop(0) if self.answers else self.core.accept
        return answer(call) if callable(answer) else answer


@pytest.fixture
def make(core, make_core):
    """make(rows, *answers, **options) is a core, a service, a sender and the waits it was notified of."""

    def build(count, *answers, stop=None, **options):
        made = make_core(**options)
        service, notes = Service(core, *answers), []
        machine = made.machine(made.write(core.rows(count)))
        sender = Sender(machine, service, made.clock, stop or Stop(), notes.append)
        return made, service, sender, notes

    return build


def counts(made):
    return {status: count for status, count in made.report("run-0")["counts"].items() if count}


def test_everything_is_sent_by_threads_that_end(make):
    made, service, sender, notes = make(9, batch_rows=2)
    sender.run()
    assert counts(made) == {"accepted": 9}
    assert service.threads <= {f"defender-send-{number}" for number in range(4)}
    assert {note.in_flight for note in notes} <= set(range(5))
    assert service.sign_ins == [(False, "")]


def test_a_connector_that_breaks_leaves_the_rows_in_doubt(make):
    def breaks(call):
        raise KeyError("secret")

    made, _, sender, _ = make(1, breaks, lambda call: Answer(403))
    sender._machine.health.timing = type(made.timing)(backoff=0.0)
    sender.run()
    assert counts(made) == {"unknown": 1}
    reason = made.report("run-0")["results"][0]["reason"]
    assert reason == "the connector broke: KeyError"


def test_a_call_that_was_allowed_long_ago_is_not_sent(make):
    made, service, sender, _ = make(1)
    machine = sender._machine
    machine.signed_in()
    ticket = machine.step().ticket
    made.clock.seconds += 5.0
    assert sender._send(ticket).status == 200
    made.clock.seconds += 0.1
    assert sender._send(ticket).failure is Failure.NOT_SENT
    assert len(service.threads) == 1


@pytest.mark.parametrize("problem", [AuthenticationError("wrong secret"), ServerError("busy")])
def test_a_sign_in_that_fails_ends_in_the_health_of_the_run(make, problem):
    made, service, sender, _ = make(1)
    service.problems = [problem] * 9
    sender._machine.health.timing = type(made.timing)(not_sent_tries=1)
    sender.run()
    assert counts(made) == {"pending": 1}
    assert str(problem) in (made.health.halted or made.health.paused)


def test_a_request_to_stop_sends_nothing_new_and_takes_answers_in(make):
    stop = Stop()

    def last(call):
        stop.request(15)
        return service.core.accept(call)

    made, service, sender, _ = make(9, last, stop=stop, batch_rows=1, calls_in_flight=1)
    sender.run()
    assert counts(made) == {"accepted": 1, "pending": 8}
    assert made.health.paused == "stopped on request"
    assert (stop.signal, stop.requested) == (15, True)


def test_a_call_that_hangs_is_left_behind_after_the_grace(make):
    stop, released = Stop(), threading.Event()

    def hangs(call):
        stop.request()
        made.clock.seconds += GRACE_SECONDS + 1.0
        released.wait(30)
        return Answer(200)

    made, _, sender, _ = make(1, hangs, stop=stop)
    ticking = made.clock.boottime

    def boottime():
        made.clock.seconds += 5.0 if stop.requested else 0.0
        return ticking()

    made.clock.boottime = boottime
    sender.run()
    released.set()
    assert counts(made) == {"unknown": 1}


def test_waits_for_the_limit_are_told_and_counted(make):
    made, _, sender, notes = make(1, Answer(429, {"retry-after": "2"}))
    ticking = made.clock.boottime

    def boottime():
        made.clock.seconds += 0.1
        return ticking()

    made.clock.boottime = boottime
    sender.run()
    assert counts(made) == {"accepted": 1}
    assert "the rate limit of the service" in {note.reason for note in notes}
    assert sender.waited > 0.0
    assert max(note.seconds for note in notes) <= 2.2


def test_stop_wakes_who_sleeps():
    stop = Stop()
    assert stop.sleep(0.0)
    stop.request(2)
    assert not stop.sleep(60.0)
    assert stop.signal == 2
