"""Deliveries without a network: a service in memory, a ledger on disk, a clock that can be pushed."""

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from defender_indicators.clock import SystemClock
from defender_indicators.delivery import Answer, Delivery, Ledger, Limits, Plan, Stop, Timing, Window
from defender_indicators.indicators import Canonicaliser, Policy

SOURCE = Path(__file__).parents[2] / "src"


class Service:
    """Applies what it is sent. ``sent`` are the bodies in order; ``stop_after`` asks for the end after so many."""

    def __init__(self):
        self.sent, self.applied = [], {}
        self.stop, self.stop_after = Stop(), 0
        self._lock = threading.Lock()

    def sign_in(self, **_):
        pass

    def send(self, call):
        rows = orjson.loads(call.body)["Indicators"]
        with self._lock:
            self.sent.append(call.body)
            self.applied.update({row["indicatorValue"]: row for row in rows})
            if len(self.sent) == self.stop_after:
                self.stop.request(15)
        answers = [{"id": "1", "indicator": row["indicatorValue"], "isFailed": False} for row in rows]
        return Answer(200, {}, orjson.dumps({"value": answers}))


class Bench:
    """One ledger and the deliveries that use it one after another."""

    def __init__(self, path):
        self.path, self.service = path, Service()
        self.windows = {"import": [Window(1000, 0.2)], "list": [Window(1000, 0.2)]}
        self.timing = Timing(backoff=0.01, backoff_cap=0.02, calls_in_flight=2)
        self.clock = SystemClock()

    def rows(self, count, title="Loader", start=0):
        base = {"indicatorType": "FileSha256", "action": "Block", "title": title, "description": "A test."}
        return [{"indicatorValue": f"{number:064x}", **base} for number in range(start, start + count)]

    def deliver(self, rows, *, key="", batch_rows=2):
        """Deliver rows; returns the plain report."""
        policy = Policy(now=datetime(2026, 1, 1, tzinfo=UTC))
        with closing(Plan(rows, Canonicaliser(policy), limits=Limits(batch_rows), idempotency_key=key)) as plan:
            return self.control(lambda delivery: delivery.deliver(plan, self.service).to_dict())

    def resume(self, run_id=""):
        return self.control(lambda delivery: delivery.resume(run_id, self.service).to_dict())

    def control(self, work):
        self.service.stop = Stop()
        more = {"progress": lambda _: None, "patience": lambda _: False, "stop": self.service.stop}
        delivery = Delivery(self.path, clock=self.clock, windows=self.windows, timing=self.timing, **more)
        with closing(delivery):
            return work(delivery)

    def interrupted(self, rows, sends):
        """Deliver rows and stop in good order after so many sends."""
        self.service.stop_after = len(self.service.sent) + sends
        report = self.deliver(rows)
        self.service.stop_after = 0
        return report

    def query(self, sql, *values):
        with closing(Ledger(self.path)) as ledger:
            return ledger.database.execute(sql, values).fetchall()


@pytest.fixture
def make_bench(tmp_path):
    """make_bench(name) is a delivery bench with a ledger of that name."""
    return lambda name="ledger.sqlite3": Bench(tmp_path / name)


@pytest.fixture
def bench(make_bench):
    """Return a delivery bench."""
    return make_bench()


@pytest.fixture
def old_bench(bench):
    """A bench whose ledger is of version 1: a finished run with rows of several kinds, and a run that was stopped."""
    bench.deliver([*bench.rows(4), *bench.rows(1), {"indicatorValue": "10.0.0.1", "indicatorType": "IpAddress"}])
    bench.interrupted(bench.rows(20, start=100), 3)
    newer = bench.path.with_name("newer")
    bench.path.rename(newer)
    with closing(sqlite3.connect(bench.path)) as old:
        old.executescript(Path(__file__).with_name("schema_1.sql").read_text(encoding="utf-8"))
        old.execute("ATTACH ? AS newer", (str(newer),))
        for (table,) in old.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table'").fetchall():
            columns = ", ".join(name for _, name, *_ in old.execute(f"PRAGMA main.table_info({table})"))
            old.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newer.{table}")
        old.commit()
    return bench


@pytest.fixture
def environ(tmp_path):
    """Return the environment of a process that finds nothing of this user's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DEFENDER_")}
    path = os.pathsep.join(filter(None, (str(SOURCE), os.environ.get("PYTHONPATH"))))
    return kept | {"PYTHONPATH": path, "DEFENDER_INDICATORS_HOME": str(tmp_path / "state")}


@pytest.fixture
def run_script(environ):
    """run_script(text, *arguments) runs Python text in a process of its own and returns how it ended."""

    def run(text, *arguments):
        command = [sys.executable, "-c", text, *map(str, arguments)]
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)

    return run


@pytest.fixture
def command(environ):
    """command(*arguments, wrapper="") starts the command line; ``wrapper`` is Python text that runs before it."""
    started = []

    def start(*arguments, wrapper=""):
        text = f"import sys\n{wrapper}\nfrom defender_indicators.cli import main\nsys.exit(main(sys.argv[1:]))"
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            [sys.executable, "-c", text, *arguments], env=environ, stdout=pipe, stderr=pipe, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def defender(start_emulator, environ, tmp_path):
    """Return an emulated Defender with a short minute, which the commands use."""
    emulator = start_emulator(window_seconds=0.5)
    limits = {name: [{"calls": 30, "seconds": 0.5}] for name in ("import", "list")}
    settings = {"limits": limits, "delivery": {"backoff_seconds": 0.02, "call_deadline_seconds": 60}}
    file = tmp_path / "config.yaml"
    file.write_bytes(orjson.dumps({"schema_version": 1, "defaults": settings | {"guard": {"new_blocks": 100_000}}}))
    environ.update(emulator.environment(), DEFENDER_INDICATORS_CONFIG=str(file))
    return emulator


@pytest.fixture
def indicators(tmp_path):
    """indicators(n) is a file with n good rows."""

    def write(count, name="rows.json"):
        base = {"indicatorType": "FileSha256", "action": "Block", "title": "Loader", "description": "A test."}
        (tmp_path / name).write_bytes(orjson.dumps([{"indicatorValue": f"{n:064x}", **base} for n in range(count)]))
        return str(tmp_path / name)

    return write
