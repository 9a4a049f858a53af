"""The delivery core on virtual time: no socket, no thread, no sleep; a test says what every call is answered."""

import random
from collections import deque
from datetime import UTC, datetime, timedelta

import orjson

from defender_indicators.delivery import Answer, Failure, Ledger, Limits, Plan, Report, Timing, Window
from defender_indicators.delivery.calls import CallBook
from defender_indicators.delivery.health import Health
from defender_indicators.delivery.machine import Machine
from defender_indicators.delivery.records import BATCH_DELETE, IMPORT, NewBatch
from defender_indicators.delivery.resume import reopen
from defender_indicators.delivery.steps import Finished, Send, SignIn, Wait
from defender_indicators.indicators import Canonicaliser, Policy

START = datetime(2026, 3, 1, tzinfo=UTC)
LOST = Answer(failure=Failure.LOST, detail="connection reset")
NOT_SENT = Answer(failure=Failure.NOT_SENT, detail="connection refused")
SERVER_ERROR = Answer(500, {}, b'{"error":{"code":"InternalServerError","message":"later"}}')


class VirtualClock:
    """Time that moves only when it is told to."""

    def __init__(self, seconds=1000.0):
        self.seconds = seconds
        self.boot = "boot-0"

    def now(self):
        return START + timedelta(seconds=self.seconds)

    def boottime(self):
        return self.seconds

    def boot_id(self):
        return self.boot


class Core:
    """One ledger and the runs in it.

    Attributes:
        calls: (time, call) of every call that was handed out.
        renewals: the ``renew`` of every sign-in.
    """

    def __init__(self, *, batch_rows=500, body_bytes=900_000, windows=None, jitter=None, path=None, **timing):
        self.clock = VirtualClock()
        self.ledger = Ledger(path)
        self.limits = Limits(batch_rows, body_bytes)
        self.windows = windows or {
            "import": [Window(30, 60.0)],
            "list": [Window(100, 60.0)],
            "batch_delete": [Window(30, 60.0), Window(1500, 3600.0)],
        }
        self.timing = Timing(**timing)
        self.uniform = jitter or random.Random(1).uniform
        self.calls = []
        self.renewals = []
        self.waits = []
        self._plans = []

    def close(self):
        for plan in self._plans:
            plan.close()
        self.ledger.close()

    def plan(self, rows, **more):
        self._plans.append(Plan(rows, Canonicaliser(Policy(now=START)), limits=self.limits, **more))
        return self._plans[-1]

    def write(self, rows, **more):
        """Plan a run into the ledger; returns its id."""
        run_id = f"run-{len(self.ledger.runs())}"
        plan = self.plan(rows, **more)
        plan.write(self.ledger, run_id, self.clock.now().isoformat())
        return run_id

    def write_steps(self, *steps):
        """Write a run of (operation, row, position to come first or None); imports come before what waits for them.

        Rows of one operation and lane share a batch, at most ``batch_rows``.
        """
        run_id = f"run-{len(self.ledger.runs())}"
        lanes = []
        for _, _, first in steps:
            lanes.append(0 if first is None else lanes[first] + 1 if first < len(lanes) else 1)
        with self.ledger.transaction():
            limits = {"max_rows": self.limits.rows, "max_bytes": self.limits.body_bytes}
            facts = {"subject_hash": run_id, "retry_of": "", "total": len(steps), **limits}
            self.ledger.put_run(run_id, self.clock.now().isoformat(), run_id, **facts)
            for lane, operation in sorted(set(zip(lanes, (step[0] for step in steps), strict=True))):
                here = [place for place, step in enumerate(steps) if (lanes[place], step[0]) == (lane, operation)]
                for start in range(0, len(here), self.limits.rows):
                    part = here[start : start + self.limits.rows]
                    after = {str(place): steps[place][2] for place in part if steps[place][2] is not None}
                    frozen = [orjson.dumps(steps[place][1]) for place in part]
                    self.ledger.put_batches(run_id, [NewBatch(lane, part, frozen, {}, operation, after)])
        return run_id

    def report(self, run_id):
        return Report(self.ledger, run_id)

    def machine(self, run_id):
        """Start a new process on a run."""
        self.health = Health(self.timing, self.uniform)
        book = CallBook(self.ledger, self.clock, self.windows)
        machine = Machine(self.ledger, self.ledger.run(run_id), book, self.health, self.clock)
        machine.start()
        return machine

    def deliver(self, run_id, *answers, then=None, latency=0.0):
        """Answer the calls with these, in turn, then as ``then(call)`` says (default: every row is accepted)."""
        reopen(self.ledger, self.ledger.run(run_id))
        self.drive(self.machine(run_id), *answers, then=then, latency=latency)
        return self.report(run_id)

    def drive(self, machine, *answers, then=None, latency=0.0):
        answers, flying = deque(answers), deque()
        while not isinstance(step := machine.step(), Finished):
            if isinstance(step, SignIn):
                self.renewals.append(step.renew)
                machine.signed_in()
            elif isinstance(step, Send):
                self.calls.append((self.clock.seconds, step.ticket.call))
                answer = answers.popleft() if answers else (then or accept)
                flying.append((step.ticket, answer(step.ticket.call) if callable(answer) else answer))
            else:
                self.wait(step, machine, flying, latency)

    def wait(self, step: Wait, machine, flying, latency):
        self.waits.append((self.clock.seconds, step))
        if flying:
            self.clock.seconds += latency
            machine.answered(*flying.popleft())
        else:
            assert step.until is not None, "waits for nothing"
            self.clock.seconds = max(self.clock.seconds, step.until)

    def states(self):
        """Return (state, code, rows) of every batch, in the order of their rows."""
        return [
            (batch.state, batch.code, len(batch.positions)) for batch in self.ledger.batches("1 = 1 ORDER BY first, id")
        ]

    def sent(self):
        """Return the values of every import call."""
        return [values_of(call) for _, call in self.calls if call.path == IMPORT]

    def deleted(self):
        """Return the ids of every deletion."""
        return [ids_of(call) for _, call in self.calls if call.path == BATCH_DELETE]

    def paths(self):
        """Return what was called: ``import``, ``delete`` or ``list``."""
        return [{IMPORT: "import", BATCH_DELETE: "delete"}.get(call.path, "list") for _, call in self.calls]


class Tenant:
    """A service with a memory: ``tenant(call)`` is its answer.

    Attributes:
        identity: the fields that make two rows the same; empty: every import makes a new row.
        rows: what is stored, by id.
        partial: whether a deletion with an unknown id removes the others.
        answers_id: whether imports tell the id of the row.
        poison: ids that make a deletion fail, and values that make an import fail, whatever else is in it.
    """

    def __init__(self, *rows, identity=("indicatorType", "indicatorValue", "action", "rbacGroupNames"), **settings):
        self.rows = {row["id"]: row for row in rows}
        self.identity = identity
        self.partial = settings.get("partial", False)
        self.answers_id = settings.get("answers_id", True)
        self.poison = settings.get("poison", ())
        self.status = settings.get("status", 400)
        self._next = 100

    def __call__(self, call):
        if call.method == "GET":
            return listed(*self.rows.values())
        if call.path == BATCH_DELETE:
            return self._delete(ids_of(call))
        given = orjson.loads(call.body)["Indicators"]
        if set(self.poison) & {row["indicatorValue"] for row in given}:
            return error(self.status, "InvalidRequestBody")
        return listed(*(accepted(row["indicatorValue"], self._store(row)) for row in given))

    def _delete(self, ids):
        if set(self.poison) & set(ids):
            return error(self.status, "InvalidInput")
        missing = [identifier for identifier in ids if identifier not in self.rows]
        if not missing or self.partial:
            for identifier in ids:
                self.rows.pop(identifier, None)
        return error(404, "ResourceNotFound") if missing else Answer(204)

    def _store(self, row):
        def key(one):
            return [one.get(name) or "" for name in self.identity]

        same = [identifier for identifier, other in self.rows.items() if self.identity and key(other) == key(row)]
        self._next += 1
        identifier = same[0] if same else str(self._next)
        self.rows[identifier] = {**row, "id": identifier}
        return identifier if self.answers_id else ""

    def actions(self, value):
        """Return the actions of all rows of a value."""
        return sorted(row["action"] for row in self.rows.values() if row["indicatorValue"] == value)


def rows(count, start=0, **fields):
    """Return good rows, each with a value of its own."""
    base = {"indicatorType": "DomainName", "action": "Block", "title": "Loader", "description": "A test."}
    return [{"indicatorValue": f"h{number}.example.com", **base, **fields} for number in range(start, start + count)]


def values_of(call):
    return [row["indicatorValue"] for row in orjson.loads(call.body)["Indicators"]]


def ids_of(call):
    return orjson.loads(call.body)["IndicatorIds"]


def there(identifier, number, **fields):
    """Return a good row as the tenant lists it."""
    return rows(1, start=number)[0] | {"id": identifier} | fields


def accepted(value, identifier="7"):
    return {"id": identifier, "indicator": value, "isFailed": False, "failureReason": None}


def refused(value, reason="no"):
    return {"id": None, "indicator": value, "isFailed": True, "failureReason": reason}


def listed(*results):
    return Answer(200, {}, orjson.dumps({"value": results}))


def accept(call):
    """Accept every row; an empty page for a listing."""
    if call.path == BATCH_DELETE:
        return Answer(204)
    return listed(*map(accepted, values_of(call))) if call.method == "POST" else listed()


def page(*held):
    """Answer a listing with these rows of the tenant, imports as usual."""
    return lambda call: listed(*held) if call.method == "GET" else accept(call)


def error(status, code="", headers=None, message=""):
    """Return an answer in the API's own words."""
    body = orjson.dumps({"error": {"code": code, "message": message, "target": "t-1"}}) if code else b""
    return Answer(status, headers or {}, body)


def poison(*values, status=400, code="InvalidRequestBody"):
    """Refuse every call that holds one of these."""
    return lambda call: error(status, code) if set(values) & set(values_of(call)) else accept(call)
