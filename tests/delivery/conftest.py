"""Whole deliveries against the emulator: a short minute, short pauses, and the oracles that hold after every case."""

import os
import subprocess
import sys
from collections import Counter, deque
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from defender_indicators.configuration import load_configuration
from defender_indicators.context import Context
from defender_indicators.delivery import limiter
from defender_indicators.delivery.outcome import RESUMABLE
from defender_indicators.pack import Pack, content_root, run_action

WINDOW = 0.5
"""Seconds that stand for the service's minute."""
DURATIONS = {
    "backoff_seconds": 0.02,
    "backoff_cap_seconds": 0.05,
    "breaker_pause_seconds": 0.05,
    "throttle_default_seconds": 0.3,
    "call_deadline_seconds": 10,
}


class World:
    """One tenant, one ledger, and the programs that use them one after another.

    Attributes:
        answers: what the next calls are answered, without reaching the emulator.
        excused: values whose state in the tenant somebody else changed.
        alone: whether all import calls that the service sees are ours to limit.
    """

    def __init__(self, emulator, home, pack, *, clock, batch_rows, durations):
        self.emulator = emulator
        self._pack = pack
        self.home = home
        self.answers = deque()
        self.excused = set()
        self.alone = True
        self._clock = clock
        self._batch_rows = batch_rows
        self._given = {}
        self._contexts = []
        self.configure(**durations)
        self.reopen()

    def configure(self, **durations):
        """Write the configuration; it counts from the next `reopen` on."""
        window = self.emulator.settings.window_seconds
        limits = {"import": [{"calls": 30, "seconds": window}], "list": [{"calls": 100, "seconds": window}]}
        limits["batch_delete"] = limits["import"]
        settings = {"limits": limits, "delivery": DURATIONS | durations, "guard": {"new_blocks": 1_000_000}}
        self.home.mkdir(exist_ok=True)
        (self.home / "configuration.yaml").write_bytes(orjson.dumps({"schema_version": 1, "defaults": settings}))

    def environment(self):
        """Return the variables with which another process works on the same ledger."""
        return self.emulator.environment() | {
            "DEFENDER_INDICATORS_HOME": str(self.home),
            "DEFENDER_INDICATORS_CONFIG": str(self.home / "configuration.yaml"),
        }

    def reopen(self):
        """Go on as a new process would: same ledger, new everything else."""
        environment = self.environment()
        context = Context(lambda: load_configuration(None, environment).profile(""), clock=self._clock)
        context.pack = self._pack
        context.product = replace(context.product, batch_rows=self._batch_rows)
        send = context.connector.send
        context.connector.send = lambda call: self.answers.popleft() if self.answers else send(call)
        self._contexts.append(context)
        self.context = context

    def run(self, rows, *faults, **inputs):
        """Import rows while these faults are switched on; a fault is a text, or a name and a value."""
        for fault in faults:
            self.emulator.faults.add(*([fault] if isinstance(fault, str) else fault))
        report = run_action(self.context.pack, "import_indicators", {"indicators": rows, **inputs}, self.context)
        self._given.setdefault(report["run_id"], rows)
        return report

    def imports(self):
        """Return the import calls that reached the service."""
        return [arrival for arrival in list(self.emulator.arrivals) if arrival.endpoint == "import"]

    def ledger(self, sql, *values):
        """Return rows of a query on the ledger."""
        return list(self.context.delivery.ledger.database.execute(sql, values))

    def close(self):
        for context in self._contexts:
            context.close()

    def check(self):
        """Every oracle, then again after the cause is gone and every run was resumed, which must not send in vain."""
        self._oracles()
        self.emulator.faults.clear()
        self.answers.clear()
        self.reopen()
        for _ in range(3):
            for run in self.context.delivery.ledger.unfinished():
                self.context.resume(run.id)
        left = {run["run_id"]: run["counts"] for run in self.context.runs() if RESUMABLE & run["counts"].keys()}
        assert not left, f"rows do not converge: {left}"
        self._oracles()
        sent = len(self.imports())
        for run in self.context.runs():
            self.context.resume(run["run_id"])
        assert len(self.imports()) == sent, "a finished run was sent again"

    def _oracles(self):
        expected = {}
        for run in self.context.runs():
            report = self.context.show(run["run_id"])
            self._conserved(report)
            self._expect(report, expected)
        self._agrees(expected)
        if self.emulator.settings.identity != "always_insert":
            assert not self.emulator.duplicates(), "doubled"
        assert not self.emulator.reverted(), "an older payload landed last"
        assert not self.alone or self.emulator.most_calls_in_any_window() <= 30
        assert self.ledger("PRAGMA integrity_check") == [("ok",)]

    @staticmethod
    def _conserved(report):
        results = list(report["results"])
        assert [row["index"] for row in results] == list(range(report.total)), "a row is missing or stands twice"
        counted = {status: count for status, count in report["counts"].items() if count}
        assert Counter(row["status"] for row in results) == counted

    def _expect(self, report, expected):
        """Note what the tenant must hold of every row: its title, ``""`` for nothing, None where nobody can say."""
        given = self._given.get(report["run_id"])
        for row in report["results"]:
            source = given[row["index"]] if given else {}
            if row["status"] in ("rejected", "duplicate") or not isinstance(source, dict):
                continue
            key = row["type"], row["value"], row["action"], tuple(sorted(source.get("rbacGroupNames") or ()))
            if row["status"] == "accepted":
                expected[key] = source.get("title")
            elif row["status"] in ("unknown", "held"):
                expected[key] = None
            else:
                expected.setdefault(key, "")

    def _agrees(self, expected):
        truth = {
            (row["indicatorType"], row["indicatorValue"], row["action"], tuple(sorted(row["rbacGroupNames"]))): row
            for row in self.emulator.rows()
            if row["indicatorValue"] not in self.excused
        }
        wrong = {
            key: (title, truth.get(key, {}).get("title", ""))
            for key, title in expected.items()
            if title is not None and title != truth.get(key, {}).get("title", "") and key[1] not in self.excused
        }
        assert not wrong, f"ledger and tenant disagree: {dict(list(wrong.items())[:5])}"
        assert truth.keys() <= expected.keys(), "the tenant holds what the ledger does not know"


@pytest.fixture(scope="session")
def pack():
    """Return the pack, read once for all tests."""
    return Pack(content_root())


@pytest.fixture
def make_world(start_emulator, tmp_path, monkeypatch, pack):
    """make_world(batch_rows=…, clock=…, durations={…}, **settings of the emulator); all are checked at the end."""
    worlds = []

    def make(*, batch_rows=500, clock=None, durations=None, home="home", **settings):
        settings = {"window_seconds": WINDOW} | settings
        monkeypatch.setattr(limiter, "PACE_START", limiter.PACE_START * settings["window_seconds"] / 60)
        emulator = start_emulator(clock=clock, **settings)
        worlds.append(
            World(emulator, tmp_path / home, pack, clock=clock, batch_rows=batch_rows, durations=durations or {})
        )
        return worlds[-1]

    yield make
    try:
        for each in worlds:
            each.check()
    finally:
        for each in worlds:
            each.close()


@pytest.fixture
def world(make_world):
    """Return one tenant with its ledger."""
    return make_world()


@pytest.fixture
def rows():
    """rows(n, start=0, **fields) are n good rows."""

    def make(count, start=0, **fields):
        base = {"indicatorType": "FileSha256", "action": "Block", "title": "Loader", "description": "A test."}
        return [{"indicatorValue": f"{number:060x}feed", **base, **fields} for number in range(start, start + count)]

    return make


class Worker:
    """Another process that imports rows; see ``worker.py``."""

    def __init__(self, environment, *arguments):
        command = [sys.executable, Path(__file__).with_name("worker.py"), *map(str, arguments)]
        self._process = subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.PIPE)

    def result(self):
        """Wait for the end and return what became of the rows."""
        out = self._process.stdout.read()
        assert self._process.wait() == 0
        return orjson.loads(out)

    def close(self):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


@pytest.fixture
def start_worker():
    """start_worker(world, first, count, batch, key="", **environment) starts one more process."""
    workers = []

    def start(world, first, count, batch, key="", **environment):
        scale = world.emulator.settings.window_seconds / 60
        workers.append(Worker(world.environment() | environment, first, count, batch, scale, key))
        return workers[-1]

    yield start
    for each in workers:
        each.close()


@pytest.fixture(scope="session")
def core(load_module):
    """Return the module ``virtual``: the delivery core on virtual time."""
    return load_module("delivery/virtual.py")


@pytest.fixture
def make_core(core):
    """make_core(**options of ``core.Core``); all are closed when the test ends."""
    made = []

    def make(**options):
        made.append(core.Core(**options))
        return made[-1]

    yield make
    for each in made:
        each.close()
