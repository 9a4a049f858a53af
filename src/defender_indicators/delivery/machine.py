"""The delivery state machine: which call comes next, and what an answer changes.

It touches the ledger and nothing else: no socket, no thread, no clock of its own. Whoever drives it (threads in
production, virtual time in the simulator, a fuzzer) asks :meth:`Machine.step` what to do and hands answers to
:meth:`Machine.answered`. The order inside is the guarantee: intent is committed before a byte leaves, the judged
answer is committed before anybody is told.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import Final

from defender_indicators.clock import Clock
from defender_indicators.delivery import events
from defender_indicators.delivery.answer import Answer, Call
from defender_indicators.delivery.calls import CallBook
from defender_indicators.delivery.classify import Kind, Verdict, classify, judged_alone
from defender_indicators.delivery.conditions import Conditions
from defender_indicators.delivery.deletion import classify_deletion
from defender_indicators.delivery.health import Health
from defender_indicators.delivery.ledger import Ledger
from defender_indicators.delivery.reconcile import Reconciler
from defender_indicators.delivery.records import Batch, Run
from defender_indicators.delivery.settle import Settler
from defender_indicators.delivery.steps import Finished, Send, SignIn, Step, Ticket, Wait
from defender_indicators.errors import AuthenticationError, ConnectorError
from defender_indicators.indicators import matching_key

_CANDIDATES: Final = 64


class Machine:
    """Delivers one run; in-doubt batches of older runs are settled first, because they fence their values.

    Args:
        run: the run to deliver, already written.
        book: the limiter.
        health: budgets and back-off.
    """

    def __init__(self, ledger: Ledger, run: Run, book: CallBook, health: Health, clock: Clock) -> None:
        self._ledger = ledger
        self._run_id = run.id
        self._author = run.author
        self._book = book
        self._clock = clock
        self.health = health
        self._settler = Settler(ledger, health)
        self._conditions = Conditions(ledger)
        self._reconciler = Reconciler(ledger, health, clock, self._settler)
        self._in_flight: dict[int, Ticket] = {}
        self._delays: dict[int, float] = {}
        self._drain = False
        self._renew = False
        self._renewed = False
        self._claims = ""
        self._generation = 0
        self._sign_in_at = 0.0

    @property
    def in_flight(self) -> int:
        """Calls that were handed out and have not come back."""
        return len(self._in_flight)

    def start(self) -> None:
        """Take the ledger over: what was in flight when the last process died is in doubt now."""
        self._book.recover()
        with self._ledger.transaction():
            self._ledger.database.execute("UPDATE batch SET state = 'unknown' WHERE state = 'inflight'")

    def step(self) -> Step:
        """Say what to do next."""
        while (step := self._step()) is None:
            pass
        return step

    def _step(self) -> Step | None:
        """Say what to do next; None: a batch was cut, look again."""
        now = self._clock.boottime()
        if self.health.ended or self._drain:
            if self._in_flight:
                return Wait(None, "calls in flight")
            self._drain = False
        if self.health.ended:
            return Finished()
        if self._renew or now >= self._sign_in_at:
            return SignIn(self._renew, self._claims)
        if now < self.health.hold_until:
            return Wait(self.health.hold_until, self.health.hold_reason)
        if self._reconciler.wanted(self._run_id):
            return self._read(now)
        return self._next_batch(now)

    def signed_in(self) -> None:
        """Note that a usable token is at hand."""
        self._generation += 1
        self._renew, self._claims = False, ""
        self._sign_in_at = self._clock.boottime() + self.health.timing.sign_in_every

    def sign_in_failed(self, error: ConnectorError) -> None:
        """Note that there is no token; only a passing fault is tried again."""
        if error.retryable and not isinstance(error, AuthenticationError):
            self.health.not_sent(str(error), self._clock.boottime())
        else:
            self.health.halt(str(error))

    def answered(self, ticket: Ticket, answer: Answer) -> Verdict:
        """Judge an answer, write down what it changes in one transaction, and return the verdict."""
        del self._in_flight[ticket.id]
        batch = ticket.batch
        verdict = _judge(batch, answer)
        now = self._clock.boottime()
        block = None
        if verdict.kind is Kind.THROTTLED:
            block = self.health.throttle(verdict.retry_after, now)
        with self._ledger.transaction():
            self._book.close(
                ticket.id,
                batch.endpoint if batch else "list",
                kind=verdict.kind.value,
                status=answer.status,
                target=verdict.target,
                block=block,
            )
            self._apply(ticket, batch, verdict, answer, now)
            if batch:
                self._record(ticket.call, batch, verdict, answer)
        return verdict

    def _record(self, call: Call, batch: Batch, verdict: Verdict, answer: Answer) -> None:
        facts = {
            "endpoint": batch.endpoint,
            "request_id": call.request_id,
            "body_sha256": sha256(call.body).hexdigest(),
            "rows": len(batch.positions),
            "accepted": sum(identifier is not None for identifier in verdict.ids),
            "status": answer.status,
            "verdict": verdict.kind.value,
        }
        at = self._clock.now().isoformat(timespec="seconds")
        events.record(self._ledger.database, at, self._author, "call answered", run=batch.run, details=facts)

    def _apply(self, ticket: Ticket, batch: Batch | None, verdict: Verdict, answer: Answer, now: float) -> None:
        if verdict.kind is Kind.UNAUTHORIZED:
            self._unauthorized(ticket, verdict)
        elif answer.status:
            self._renewed = False
        if verdict.kind is Kind.NOT_SENT:
            self.health.not_sent(verdict.reason, now)
        if batch is None:
            self._reconciler.page(verdict, answer, now)
            return
        outcome = self._settler.settle(batch, verdict, now)
        if outcome.delay:
            self._delays[batch.id] = now + outcome.delay
        self._drain = self._drain or outcome.drain

    def _unauthorized(self, ticket: Ticket, verdict: Verdict) -> None:
        """A 401 costs one new token; one more for the new token means that a token is not what is missing."""
        if self._renew or ticket.generation < self._generation:
            return
        if self._renewed:
            self.health.halt(f"{verdict.reason}; a fresh token was refused too: is Defender set up for this tenant?")
        self._renew = self._renewed = self._drain = True
        self._claims = verdict.claims

    def _next_batch(self, now: float) -> Step | None:
        doubts = self._candidates("run <> ? AND state = 'unknown'", "run, ")
        mine = self._candidates("run = ? AND state IN ('pending', 'unknown')", "")
        busy = {ticket.batch.root or ticket.batch.id for ticket in self._in_flight.values() if ticket.batch}
        if len(self._in_flight) >= self._parallel():
            return Wait(None, "calls in flight")
        doubted = any(ticket.batch and ticket.batch.run != self._run_id for ticket in self._in_flight.values())
        candidates = doubts if doubts or doubted else mine
        if not candidates:
            return Wait(None, "calls in flight") if self._in_flight else Finished()
        lane = min([candidates[0][1], *(ticket.batch.lane for ticket in self._in_flight.values() if ticket.batch)])
        soonest: float | None = None
        for identifier, own_lane, root in candidates:
            if (own_lane != lane and not doubts) or (root or identifier) in busy:
                continue
            ready = self._delays.get(identifier, 0.0)
            if ready <= now:
                return self._open(identifier, now)
            soonest = ready if soonest is None else min(soonest, ready)
            busy.add(root or identifier)
        return Wait(soonest, "waiting before the next attempt" if soonest else "calls in flight")

    def _parallel(self) -> int:
        """One call at a time while the breaker is half open, or while it may be that all calls are refused whole."""
        return 1 if self._settler.suspicious or self.health.opened else self.health.timing.calls_in_flight

    def _candidates(self, where: str, order: str) -> list[tuple[int, int, int]]:
        sql = f"SELECT id, lane, root FROM batch WHERE {where} ORDER BY {order}lane, first LIMIT {_CANDIDATES}"
        return list(self._ledger.database.execute(sql, (self._run_id,)))

    def _open(self, batch_id: int, now: float) -> Step | None:
        batch = self._ledger.batch(batch_id)
        run = self._ledger.run(batch.run)
        if self._conditions.sift(batch) or self._settler.resized(batch, run.max_rows, run.max_bytes):
            return None
        self._ledger.database.require_room()
        if batch.sent_at is None:
            boot, wall = self._clock.boot_id(), self._clock.now().isoformat()
            batch = replace(batch, sent_at=now, sent_boot=boot, sent_wall=wall)
        with self._ledger.transaction():
            call, wait = self._book.open(batch.endpoint, batch.run, batch.id)
            if call:
                self._ledger.set_batch(
                    batch.id,
                    state="inflight",
                    attempts=batch.attempts + 1,
                    sent_at=batch.sent_at,
                    sent_boot=batch.sent_boot,
                    sent_wall=batch.sent_wall,
                )
        if not call:
            return Wait(None if wait is None else now + wait, "the rate limit of the service")
        return self._hand_out(call, batch.call(), batch)

    def _read(self, now: float) -> Step:
        if self._in_flight:
            return Wait(None, "calls in flight")
        with self._ledger.transaction():
            call, wait = self._book.open("list", self._run_id, 0)
        if not call:
            return Wait(None if wait is None else now + wait, "the rate limit of the service")
        return self._hand_out(call, self._reconciler.call(), None)

    def _hand_out(self, identifier: int, call: Call, batch: Batch | None) -> Send:
        ticket = Ticket(identifier, call, self._clock.boottime(), self._generation, batch)
        self._in_flight[identifier] = ticket
        return Send(ticket)


def _judge(batch: Batch | None, answer: Answer) -> Verdict:
    if batch is None:
        return judged_alone(answer)
    if batch.operation == "delete":
        return classify_deletion(answer, batch.row_ids())
    return classify(answer, [row["indicatorValue"] for row in batch.payloads()], matching_key)
