"""Imports that are killed again and again, and what must be true of ledger and tenant afterwards."""

import json
import os
import random
import subprocess
import sys
from collections import Counter
from contextlib import closing
from functools import partial
from pathlib import Path

import orjson
import pytest

from defender_indicators.delivery import Ledger, Report
from defender_indicators.delivery.maintenance import ledger_check

HERE = Path(__file__).parent
ACTIONS = {"delete": ("Warn", ""), "to block": ("Allowed", "Block"), "to allowed": ("Block", "Allowed")}
"""What is done to a value: its action before, and after (none: no row)."""
SOURCE = HERE.parents[1] / "src"
ROUNDS = int(os.environ.get("ROUNDS") or 20)
KILLS_PER_EPISODE = 10
DURATIONS = {
    "backoff_seconds": 0.02,
    "backoff_cap_seconds": 0.2,
    "breaker_pause_seconds": 0.2,
    "throttle_default_seconds": 0.3,
    "call_deadline_seconds": 5,
}
FINAL = ("accepted", "refused", "superseded", "quarantined", "held")
UNSENT = ("refused", "superseded", "quarantined", "rejected", "pending")


class Importer:
    """The warm process of which every import is a child."""

    def __init__(self):
        environ = os.environ | {
            "PYTHONPATH": os.pathsep.join(filter(None, (str(SOURCE), os.environ.get("PYTHONPATH"))))
        }
        command = [sys.executable, str(HERE / "importer.py")]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environ)

    def start(self, name, **job):
        self._tell(name=name, **job)

    def wait(self, name):
        """Return the exit code of a child, negative for the signal that ended it."""
        self._tell(wait=name)
        return json.loads(self._process.stdout.readline())

    def close(self):
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()

    def _tell(self, **job):
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()


class Tenant:
    """One emulated tenant, its ledger, and the files that are imported into it."""

    def __init__(self, emulator, importer, home, *, batch_rows=10, reconcile_after=900, bug=""):
        self.emulator, self.home, self.bug = emulator, home, bug
        self.given = {}
        self.kills = 0
        self._importer, self._batch_rows = importer, batch_rows
        self._window = emulator.settings.window_seconds
        home.mkdir()
        calls = {"import": 30, "batch_delete": 30, "list": 100}
        limits = {name: [{"calls": most, "seconds": self._window}] for name, most in calls.items()}
        settings = {"limits": limits, "delivery": DURATIONS | {"reconcile_after_seconds": reconcile_after}}
        settings["guard"] = {"new_blocks": 1_000_000, "deletes_percent": 100}
        (home / "config.yaml").write_bytes(orjson.dumps({"schema_version": 1, "defaults": settings}))
        self._environ = emulator.environment() | {
            "DEFENDER_INDICATORS_HOME": str(home),
            "DEFENDER_INDICATORS_CONFIG": str(home / "config.yaml"),
        }

    def write(self, name, numbers, title):
        """Make a file to import; ``title`` tells the versions of one value apart."""
        base = {"indicatorType": "FileSha256", "action": "Block", "title": title, "description": "A test."}
        rows = [{"indicatorValue": f"{number:064x}", **base} for number in numbers]
        (self.home / name).write_bytes(orjson.dumps(rows))
        self.given[title] = rows
        return str(self.home / name)

    def start(self, *arguments, name="import", **death):
        """Start a command in a process of its own."""
        job = {"environ": self._environ, "batch_rows": self._batch_rows, "window": self._window, "bug": self.bug}
        output = str(self.home / f"{name}.out")
        self._importer.start(name, arguments=[*arguments, "--json"], output=output, **job, **death)

    def run(self, *arguments, **death):
        """Run a command; returns its exit code, -9 when it was killed."""
        self.start(*arguments, **death)
        code = self._importer.wait("import")
        self.kills += code == -9
        return code

    def wait(self, name):
        """Wait for a command that was started."""
        return self._importer.wait(name)

    def settle(self):
        """Resume without killing until nothing is left to resume; returns what is left."""
        for _ in range(12):
            with closing(Ledger(self.ledger)) as ledger:
                left = [run.id for run in ledger.unfinished()]
            if not left:
                return []
            for run in left:
                self.run("resume", run)
        return left

    @property
    def ledger(self):
        """Where the one ledger of this tenant is."""
        [found] = (self.home / "ledgers").glob("*.sqlite3")
        return found

    def problems(self):
        """Return what is wrong, by oracle; nothing when all is well."""
        found = {
            "ledger": ledger_check(self.ledger),
            "doubled": self.emulator.duplicates(by=("indicatorType", "indicatorValue")),
            "reverted": self.emulator.reverted(),
            "window": [most] if (most := self.emulator.most_calls_in_any_window()) > 30 else [],
            "throttled": [call for call in self._imports() if call.status == 429 and not call.faults],
            "frozen": self._changed_bytes(),
        }
        found["unrecorded"] = self.unrecorded("import")
        with closing(Ledger(self.ledger)) as ledger:
            found["misreported"] = self._misreported(ledger)
        return {name: wrong[:3] for name, wrong in found.items() if wrong}

    def redelivered(self):
        """Return the requests that reached the service more than once."""
        return [request for request, count in Counter(call.request_id for call in self._imports()).items() if count > 1]

    def _imports(self):
        return [call for call in list(self.emulator.arrivals) if call.endpoint == "import"]

    def unrecorded(self, *endpoints):
        """Return calls that reached the service without having been written down before."""
        sql = "SELECT request_id, COUNT(*) FROM call JOIN batch ON batch.id = call.batch GROUP BY request_id"
        with closing(Ledger(self.ledger)) as ledger:
            known = dict(ledger.database.execute(sql).fetchall())
        calls = [call for call in list(self.emulator.arrivals) if call.endpoint in endpoints]
        arrived = Counter(call.request_id for call in calls)
        return [(request, count) for request, count in arrived.items() if count > known.get(request, 0)]

    def _changed_bytes(self):
        """Payloads that nobody planned, and request ids that came with two bodies."""
        planned = {title: {row["indicatorValue"] for row in rows} for title, rows in self.given.items()}
        values = {row["indicatorValue"] for rows in self.given.values() for row in rows}
        wrong = [
            (value[-4:], row["title"])
            for value in values
            for row in self.emulator.history(value)
            if value not in planned.get(row["title"], ())
        ]
        bodies = {}
        for call in self._imports():
            bodies.setdefault(call.request_id, set()).add(call.body_sha256)
        return wrong + [request for request, digests in bodies.items() if len(digests - {""}) > 1]

    def _misreported(self, ledger):
        """Rows whose final status is not what the tenant shows."""
        wrong, latest = [], {}
        runs = [(run, Report(ledger, run.id)["results"]) for run in ledger.runs()]
        rows = [(run, self._title_of(run, row), row) for run, results in runs for row in results]
        # A kill after the last row makes the file be imported again: the first run applied what the second need not.
        accepted = {(row["value"], title) for _, title, row in rows if row["status"] == "accepted"}
        for run, title, row in rows:
            applied = any(each["title"] == title for each in self.emulator.history(row["value"]))
            status = row["status"]
            overtaken = status == "superseded" and (row["value"], title) in accepted
            if status not in FINAL or ((status == "accepted") != applied and not overtaken):
                wrong.append((run.id, row["index"], status, "applied" if applied else "not applied"))
            if status == "accepted":
                latest[row["value"]] = title
        truth = {row["indicatorValue"]: row["title"] for row in self.emulator.rows()}
        return wrong + [(value, title) for value, title in latest.items() if truth.get(value) != title]

    def _title_of(self, run, row):
        [title] = [title for title in self.given if run.total == len(self.given[title])]
        assert self.given[title][row["index"]]["indicatorValue"] in (row["value"], "")
        return title


class Changing:
    """Rows of every kind in a tenant, some of them not ours to touch, and the plan that changes the others."""

    def __init__(self, tenant, count):
        self.tenant = tenant
        self._kinds = [("delete", "to block", "to allowed")[number % 3] for number in range(count)]
        self._foreign = range(count, count + 20)
        rows = [self._row(number, ACTIONS[kind][0]) for number, kind in enumerate(self._kinds)]
        tenant.emulator.add_rows([*rows, *(self._row(number, "Block") for number in self._foreign)])
        self._before = {row["indicatorValue"]: row for row in tenant.emulator.rows()}
        (tenant.home / "changes.json").write_bytes(orjson.dumps(self._steps()))

    def run(self, **death):
        """Deliver the plan; returns the exit code, -9 when it was killed."""
        return self.tenant.run("change", str(self.tenant.home / "changes.json"), **death)

    def unreported(self):
        """Return values that are allowed and blocked at once without a row in the ledger that tells of it."""
        actions = self._actions()
        both = {value for value, found in actions.items() if {"Allowed", "Block"} <= found}
        return [] if not both else sorted(both - self._open())

    def problems(self):
        """Return what is wrong at the end; nothing when all is well."""
        actions, wrong = self._actions(), {}
        for number, kind in enumerate(self._kinds):
            value, wanted = self._value(number), {ACTIONS[kind][1]} - {""}
            if actions.get(value, set()) != wanted:
                wrong[value[-4:]] = (kind, sorted(actions.get(value, ())))
        truth = {row["indicatorValue"]: row for row in self.tenant.emulator.rows()}
        touched = [number for number in self._foreign if truth.get(self._value(number)) != self._foreign_row(number)]
        found = {"wrong": wrong, "touched": touched, "ledger": ledger_check(self.tenant.ledger)}
        found["unrecorded"] = self.tenant.unrecorded("import", "batch_delete")
        return {name: problem for name, problem in found.items() if problem}

    def _open(self):
        with closing(Ledger(self.tenant.ledger)) as ledger:
            results = [result for run in ledger.runs() for result in Report(ledger, run.id)["results"]]
        return {result["value"] for result in results if result["status"] != "accepted"}

    def _steps(self):
        steps = []
        for number, kind in enumerate(self._kinds):
            new = ACTIONS[kind][1]
            delete, add = ["delete", self._before[self._value(number)]], ["import", self._row(number, new)]
            first = len(steps)
            if kind == "delete":
                steps += [[*delete, None]]
            elif kind == "to block":
                steps += [[*delete, None], [*add, first]]
            else:
                steps += [[*add, None], [*delete, first]]
        return steps

    def _foreign_row(self, number):
        return self._before[self._value(number)]

    def _actions(self):
        found = {}
        for row in self.tenant.emulator.rows():
            found.setdefault(row["indicatorValue"], set()).add(row["action"])
        return found

    def _row(self, number, action):
        base = {"indicatorType": "DomainName", "title": "Changed", "description": "A test."}
        return {"indicatorValue": self._value(number), **base, "action": action}

    @staticmethod
    def _value(number):
        return f"h{number}.example.com"


def episode(tenant, dice, *, kills=KILLS_PER_EPISODE, rows=1000, longest=0.6):
    """Import a file, and before it is done a newer version of a part of it, killing all the time."""
    old = tenant.write("old.json", range(rows), "old")
    new = tenant.write("new.json", range(rows // 3, rows + rows // 10), "new")

    def run(*command):
        death = {"kill_after": dice.uniform(0.05, longest)} if tenant.kills < kills else {}
        return tenant.run(*command, **death)

    while tenant.kills < kills // 2 and run("import", old) in (-9, 5):
        pass
    while run("import", new) in (-9, 5):
        pass
    for _ in range(4 * kills):
        if run("resume") != -9:
            break
    for number in range(kills):
        more = tenant.write(f"{number}.json", range(5000 + 500 * number, 5400 + 501 * number), f"more {number}")
        while tenant.kills < kills and run("import", more) in (-9, 5):
            pass
    return tenant.settle()


@pytest.fixture(scope="session")
def importer():
    """Return the warm process that imports."""
    process = Importer()
    yield process
    process.close()


@pytest.fixture
def make_tenant(start_emulator, importer, tmp_path):
    """make_tenant(seed, *faults, bug="", batch_rows=…, **settings of the emulator) is a tenant with an empty ledger."""

    def make(seed, *faults, bug="", batch_rows=10, reconcile_after=900, **settings):
        settings = {"window_seconds": 0.5} | settings
        emulator = start_emulator(faults=faults, seed=seed, **settings)
        return Tenant(
            emulator, importer, tmp_path / str(seed), batch_rows=batch_rows, reconcile_after=reconcile_after, bug=bug
        )

    return make


@pytest.fixture
def make_changes(make_tenant):
    """make_changes(seed, *faults, count, **settings) is a tenant with a plan to change its rows."""
    return lambda seed, *faults, count=60, **settings: Changing(make_tenant(seed, *faults, **settings), count)


@pytest.fixture
def make_sync(make_tenant, load_module, monkeypatch):
    """make_sync(seed, *faults, approving, **settings) is a tenant to be synced, and two stories that kill the syncs."""
    module = load_module("crash/syncing.py")

    def make(seed, *faults, approving=False, **settings):
        settings = {"window_seconds": 0.3, "reconcile_after": 1.0} | settings
        syncing = module.Syncing(make_tenant(seed, *faults, **settings), monkeypatch, approving=approving)
        return syncing, partial(module.story, syncing, random.Random(seed)), partial(module.scheduled, syncing)

    return make


@pytest.fixture
def play():
    """play(tenant, seed, …) is one episode of kills; returns the runs that do not come to an end."""
    return lambda tenant, seed, **more: episode(tenant, random.Random(seed), **more)


def pytest_generate_tests(metafunc):
    """One episode after another until there were as many rounds as ROUNDS says."""
    if "round_seed" in metafunc.fixturenames:
        metafunc.parametrize("round_seed", range(max(1, ROUNDS // KILLS_PER_EPISODE)))
