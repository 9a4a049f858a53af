"""A tenant, a network and a clock in one process and no real time: the delivery core runs on them unchanged.

Everything random comes from one seed, so a failure is replayed by its number.
"""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import orjson

from defender_indicators.delivery import Answer, Call, Failure, Ledger, Limits, Plan, Report, Timing, Window
from defender_indicators.delivery.calls import CallBook
from defender_indicators.delivery.health import Health
from defender_indicators.delivery.machine import Machine
from defender_indicators.delivery.records import BATCH_DELETE
from defender_indicators.delivery.resume import reopen
from defender_indicators.delivery.steps import Finished, Send, SignIn, Wait
from defender_indicators.indicators import Canonicaliser, Policy

START = datetime(2026, 3, 1, tzinfo=UTC)
WINDOW = Window(30, 60.0)


class VirtualClock:
    """Time that only moves when the world says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.boot = "boot-0"

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def boottime(self) -> float:
        return self.seconds

    def boot_id(self) -> str:
        return self.boot


@dataclass
class Tenant:
    """The truth: what is stored, by identity, and when every call arrived."""

    poison: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    rows: dict[tuple, dict] = field(default_factory=dict)
    history: dict[tuple, list[str]] = field(default_factory=dict)
    arrivals: list[float] = field(default_factory=list)
    next_id: int = 1

    def throttles(self, now: float) -> float:
        recent = [at for at in self.arrivals if at > now - WINDOW.seconds]
        return 0.0 if len(recent) < WINDOW.calls else recent[0] + WINDOW.seconds - now

    def store(self, row: dict, now: float) -> dict:
        value = row["indicatorValue"]
        if value in self.refused:
            return {"id": None, "indicator": value, "isFailed": True, "failureReason": "not allowed"}
        key = (row["indicatorType"], value)
        known = self.rows.get(key)
        identifier = known["id"] if known else str(self.next_id)
        self.next_id += not known
        stamp = (START + timedelta(seconds=now)).isoformat()
        self.rows[key] = {**row, "id": identifier, "lastUpdateTime": stamp}
        self.history.setdefault(key, []).append(row["title"])
        return {"id": identifier, "indicator": value, "isFailed": False, "failureReason": None}


class World:
    """Runs plans on virtual time with faults and kills drawn from a seed."""

    def __init__(self, seed: int, *, faults: float, kills: float) -> None:
        self.dice = random.Random(seed)
        self.clock = VirtualClock()
        self.ledger = Ledger(None)
        self.faults = faults
        self.kills = kills
        self.tenant = Tenant()
        self.events: list[tuple[float, int, object, Answer | None, Call]] = []
        self.order = 0
        self.killed = 0
        self.watch = lambda: None

    def plan(self, rows: list[dict]) -> str:
        plan = Plan(rows, Canonicaliser(Policy(now=self.clock.now())), limits=Limits(rows=5))
        run_id = f"run-{len(self.ledger.runs())}"
        plan.write(self.ledger, run_id, self.clock.now().isoformat())
        plan.close()
        return run_id

    def finish(self, run_id: str) -> Report:
        """Deliver a run to its end, through any number of kills and pauses."""
        for _ in range(200):
            state = self.attempt(run_id)
            if state == "done":
                break
        return Report(self.ledger, run_id)

    def attempt(self, run_id: str) -> str:
        """Run one process: until it is finished, or killed."""
        timing = Timing()
        health = Health(timing, self.dice.uniform)
        run = self.ledger.run(run_id)
        reopen(self.ledger, run)
        windows = {"import": [WINDOW], "batch_delete": [WINDOW], "list": [Window(100, 60.0)]}
        book = CallBook(self.ledger, self.clock, windows)
        machine = Machine(self.ledger, run, book, health, self.clock)
        machine.start()
        tickets: dict[int, object] = {}
        while True:
            if self.dice.random() < self.kills:
                self.kill()
                return "killed"
            step = machine.step()
            self.watch()
            if isinstance(step, Finished):
                if health.ended:
                    self.clock.seconds += self.dice.choice((1.0, 30.0, 1200.0))
                    return "paused"
                return "done"
            if isinstance(step, SignIn):
                machine.signed_in()
            elif isinstance(step, Send):
                tickets[step.ticket.id] = step.ticket
                self.send(step.ticket)
            else:
                self.wait(step, machine, tickets)

    def kill(self) -> None:
        """The process dies; requests under way still arrive, their answers are lost."""
        self.killed += 1
        self.events = [(at, order, None, answer, call) for at, order, _, answer, call in self.events]
        self.clock.seconds += self.dice.choice((0.1, 1.0, 20.0, 1000.0))
        if self.dice.random() < 0.1:
            self.clock.boot = f"boot-{self.killed}"
        self.land()

    def send(self, ticket) -> None:
        fault = self.dice.choice(FAULTS) if self.dice.random() < self.faults else "none"
        latency = self.dice.uniform(0.05, 3.0)
        at = self.clock.seconds + latency
        self.order += 1
        answer = self.answer(ticket.call, fault, self.clock.seconds + latency * self.dice.random())
        heapq.heappush(self.events, (at, self.order, ticket, answer, ticket.call))

    def wait(self, step: Wait, machine: Machine, tickets: dict) -> None:
        soonest = self.events[0][0] if self.events else None
        if step.until is not None and (soonest is None or step.until < soonest):
            self.clock.seconds = max(self.clock.seconds, step.until)
            return
        assert soonest is not None, "waits for nothing"
        at, _, ticket, answer, _ = heapq.heappop(self.events)
        self.clock.seconds = max(self.clock.seconds, at)
        if ticket is not None:
            machine.answered(ticket, answer)

    def land(self) -> None:
        self.events.clear()

    def answer(self, call: Call, fault: str, arrives: float) -> Answer:
        if fault == "not_sent":
            return Answer(failure=Failure.NOT_SENT, detail="refused")
        if call.method == "GET":
            return self.listing(call, fault)
        limited = self.tenant.throttles(arrives)
        self.tenant.arrivals.append(arrives)
        self.tenant.arrivals.sort()
        if limited or fault in {"lost_before", "500_before"}:
            return Answer(429, {"retry-after": str(int(limited) + 1)}, b"") if limited else FAULTY[fault]
        if call.path == BATCH_DELETE:
            answer = self.tenant.delete(orjson.loads(call.body)["IndicatorIds"])
            return answer if fault in {"short", "short_notapplied", "shuffle", "empty"} else FAULTY.get(fault, answer)
        rows = orjson.loads(call.body)["Indicators"]
        if any(row["indicatorValue"] in self.tenant.poison for row in rows):
            return Answer(400, {}, b'{"error":{"code":"InvalidRequestBody","message":"incorrect","target":"x"}}')
        if fault == "short_notapplied":
            rows = rows[: len(rows) // 2]
        results = [self.tenant.store(row, arrives) for row in rows]
        if fault == "short":
            results = results[: len(results) // 2]
        if fault == "shuffle":
            self.dice.shuffle(results)
        return FAULTY.get(fault) or Answer(200, {}, orjson.dumps({"value": results}))

    def listing(self, call: Call, fault: str) -> Answer:
        if fault in FAULTY:
            return FAULTY[fault]
        skip = int(call.path.rpartition("$skip=")[2])
        rows = list(self.tenant.rows.values())[skip : skip + 10_000]
        return Answer(200, {}, orjson.dumps({"value": rows}))


FAULTS = (
    "not_sent", "lost_before", "lost_after", "500_before", "500_after", "short", "short_notapplied", "shuffle",
    "html", "empty", "401", "503",
)  # fmt: skip
FAULTY = {
    "lost_before": Answer(failure=Failure.LOST, detail="reset"),
    "lost_after": Answer(failure=Failure.LOST, detail="reset"),
    "500_before": Answer(500, {}, b""),
    "500_after": Answer(500, {}, b""),
    "html": Answer(200, {}, b"<html>"),
    "empty": Answer(200, {}, b'{"value":[]}'),
    "401": Answer(401, {}, b""),
    "503": Answer(503, {"retry-after": "2"}, b""),
}
