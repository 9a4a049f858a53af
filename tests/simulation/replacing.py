"""Replace pairs and deletions on virtual time: faults, kills and overlapping runs, one seed a world."""

from __future__ import annotations

import random

import orjson

from defender_indicators.delivery import Answer, Report
from defender_indicators.delivery.records import NewBatch

IDENTITIES = (
    ("indicatorType", "indicatorValue", "action", "rbacGroupNames"),
    ("indicatorType", "indicatorValue"),
    (),
)
"""What the service takes for the same row; by nothing: every import makes a new one."""


class Tenant:
    """The truth: rows by id, some of them other people's.

    Attributes:
        deleted: ids that were deleted by a call.
        removed: values of rows that somebody else deleted.
    """

    poison = refused = frozenset()

    def __init__(self, identity, *, partial):
        self.identity, self.partial = identity, partial
        self.rows, self.deleted, self.removed, self.arrivals = {}, set(), set(), []
        self._next = 1
        self._foreign = [row(100 + number, "Block", id=f"foreign-{number}") for number in range(3)]
        for each in self._foreign:
            self.put(each)

    def put(self, each):
        self.rows[each["id"]] = each

    def remove(self, row_id):
        if row_id in self.rows:
            self.removed.add(self.rows.pop(row_id)["indicatorValue"])

    def actions(self):
        found = {}
        for each in self.rows.values():
            found.setdefault(each["indicatorValue"], []).append(each["action"])
        return found

    def foreign_is_whole(self):
        return all(self.rows.get(each["id"]) == each for each in self._foreign)

    def throttles(self, now):
        recent = [at for at in self.arrivals if at > now - 60.0]
        return 0.0 if len(recent) < 60 else recent[0] + 60.0 - now

    def store(self, new, _):
        def key(one):
            return [one.get(name) or "" for name in self.identity]

        same = [each["id"] for each in self.rows.values() if self.identity and key(each) == key(new)]
        self._next += 1
        identifier = same[0] if same else str(self._next)
        self.put({**new, "id": identifier})
        return {"id": identifier, "indicator": new["indicatorValue"], "isFailed": False, "failureReason": None}

    def delete(self, ids):
        missing = [each for each in ids if each not in self.rows]
        if not missing or self.partial:
            self.deleted.update(each for each in ids if self.rows.pop(each, None))
        if missing:
            return Answer(404, {}, b'{"error":{"code":"ResourceNotFound","message":"not there"}}')
        return Answer(204)


def row(number, action, title="old", **more):
    base = {"indicatorType": "DomainName", "title": title, "description": "simulated"}
    return {"indicatorValue": f"host{number}.example.com", **base, "action": action, **more}


def change(number, row_id, dice):
    """Return the steps of one value, what may be left of it, and the first action."""
    kind = dice.choice(("delete", "to block", "to allowed", "to audit", "keep"))
    old = {"to block": "Allowed", "to allowed": "Block"}.get(kind, "Warn")
    there = row(number, old, id=row_id)
    if kind == "keep":
        return [], old, there
    if kind == "delete":
        return [("delete", there, None)], "", there
    new = {"to block": "Block", "to allowed": "Allowed", "to audit": "Audit"}[kind]
    add = row(number, new, "new")
    if kind == "to block":
        return [("delete", there, None), ("import", add, 0)], new, there
    return [("import", add, None), ("delete", there, 0)], new, there


class Plan:
    """A run of changes to a tenant's rows.

    Attributes:
        wanted: value → the action that must be left, ``""`` for none.
    """

    def __init__(self, seed, world):
        dice = random.Random(seed)
        self.steps, self.wanted = [], {}
        for number in range(dice.randint(1, 12)):
            steps, action, there = change(number, str(1000 + number), dice)
            world.tenant.put(there)
            self.wanted[there["indicatorValue"]] = action
            offset = len(self.steps)
            self.steps += [(what, which, None if after is None else after + offset) for what, which, after in steps]
        if self.steps and dice.random() < 0.3:
            world.tenant.remove(str(1000 + dice.randrange(12)))  # somebody was faster

    def write(self, ledger, now):
        lanes = [0 if after is None else 1 for _, _, after in self.steps]
        facts = {"subject_hash": "plan", "retry_of": "", "total": len(self.steps), "max_rows": 4, "max_bytes": 900_000}
        with ledger.transaction():
            ledger.put_run("run-0", now, "plan", **facts)
            for key in sorted({(lane, step[0]) for lane, step in zip(lanes, self.steps, strict=True)}):
                here = [place for place, step in enumerate(self.steps) if (lanes[place], step[0]) == key]
                for start in range(0, len(here), 4):
                    part = here[start : start + 4]
                    after = {str(place): self.steps[place][2] for place in part if self.steps[place][2] is not None}
                    rows = [orjson.dumps(self.steps[place][1]) for place in part]
                    ledger.put_batches("run-0", [NewBatch(key[0], part, rows, {}, key[1], after)])
        return "run-0"


def check_always(world, run):
    """At no moment an Allowed beside a Block that the report does not tell of."""
    open_values = {
        result["value"]
        for result in Report(world.ledger, run)["results"]
        if result["status"] not in ("accepted", "superseded")
    }
    for value, actions in world.tenant.actions().items():
        if {"Allowed", "Block"} <= set(actions) and value not in open_values:
            raise AssertionError(f"{value} is allowed and blocked, and nobody is told")


def check_end(world, plan, run):
    """Nothing lost, nothing else touched, nothing claimed that is not so."""
    report = Report(world.ledger, run)
    results = list(report["results"])
    assert [result["index"] for result in results] == list(range(len(plan.steps)))
    actions = world.tenant.actions()
    assert world.tenant.foreign_is_whole(), "a row of others was touched"
    assert world.tenant.deleted <= {step[1]["id"] for step in plan.steps if step[0] == "delete"}, "a wrong id"
    undone = {result["value"] for result in results if result["status"] != "accepted"}
    for value, wanted in plan.wanted.items():
        found = set(actions.get(value, ()))
        if value in undone:
            planned = any(step[1]["indicatorValue"] == value and step[0] == "import" for step in plan.steps)
            assert found or not planned or value in world.tenant.removed, f"{value} has lost its row"
        elif value not in world.tenant.removed:
            assert found == ({wanted} - {""}), f"{value} has {found}, wanted {wanted!r}"
