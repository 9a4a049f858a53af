"""One emulated tenant, the shipped pack, and what a test asks of both: actions, commands, calls, rows."""

import json
import os
import shutil
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from defender_indicators.cli import main
from defender_indicators.clock import SystemClock
from defender_indicators.doors import open_context
from defender_indicators.guard import GuardSettings, Warninglists
from defender_indicators.pack import Pack, content_root, run_action

WINDOW = 0.2
WRITES = ("import", "batch_delete", "submit", "delete")


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


class Later(SystemClock):
    """This machine's clock, so many hours ahead."""

    def __init__(self, hours):
        self._ahead = timedelta(hours=hours)

    def now(self):
        return super().now() + self._ahead


class World:
    """A tenant and one installation that keeps sets in it."""

    def __init__(self, emulator, home, capfd, pack):
        self.emulator, self.home, self._capfd, self._pack = emulator, home, capfd, pack
        self.environ = {**emulator.environment(), "DEFENDER_INDICATORS_HOME": str(home)}
        self._seen = 0
        self.configure()

    def configure(self, **settings):
        """Write the configuration: settings of the tenant beside the short windows."""
        windows = {name: [{"calls": 30, "seconds": WINDOW}] for name in ("import", "batch_delete", "list", "read")}
        document = {"schema_version": 1, "defaults": {"limits": windows, **settings}}
        file = self.home / "configuration.json"
        file.write_text(json.dumps(document), encoding="utf-8")
        self.environ["DEFENDER_INDICATORS_CONFIG"] = str(file)

    def context(self, *, hours=0, **wishes):
        """Open a context as a door does, so many hours from now."""
        opened = open_context(environ=os.environ | self.environ, **wishes)
        if not hours:
            return opened
        context = opened.__enter__()
        context.clock = Later(hours)
        return _Closing(context, opened)

    def act(self, name, *, unattended=False, **inputs):
        """Run an action in a context of its own and return its outputs as plain data."""
        with self.context(unattended=unattended) as context:
            context.pack = self._pack
            found = run_action(context.pack, name, inputs, context)
            return found.to_dict() if hasattr(found, "to_dict") else dict(found)

    def sync(self, rows, *, name="feed", **more):
        """Make a set equal to rows."""
        return self.act("sync_indicators", set=name, indicators=list(rows), **more)

    def plan(self, work, path=None):
        """Return what work plans; with a path, as a file there."""
        with self.context() as context:
            prepared = work(context.plans)
            if path:
                path.write_bytes(context.plans.file(prepared).to_bytes())
            return prepared

    def cli(self, *arguments, stdin=None):
        """Run a command in this process."""
        before = dict(os.environ)
        os.environ.update(self.environ)
        try:
            self._capfd.readouterr()
            code = main([str(each) for each in arguments])
        finally:
            os.environ.clear()
            os.environ.update(before)
        return Ended(code, *self._capfd.readouterr())

    def calls(self):
        """Return the calls to the API since this was last asked: endpoint → number."""
        arrivals = list(self.emulator.arrivals)
        new, self._seen = arrivals[self._seen :], len(arrivals)
        return Counter(each.endpoint for each in new if each.endpoint not in ("token", "discovery"))

    def writes(self):
        """Return only the calls that may change something; the counting starts anew."""
        return {name: count for name, count in self.calls().items() if name in WRITES}

    def order(self):
        """Return the endpoints of the writing calls, in order of arrival, all of them since the start."""
        return [each.endpoint for each in self.emulator.arrivals if each.endpoint in WRITES]

    def rows(self, *, by=None):
        """Return the tenant's rows; ``by`` only those of this creator."""
        return [row for row in self.emulator.rows() if by in (None, row["createdBy"])]

    def own(self):
        """Return our application's rows."""
        return self.rows(by=self.emulator.client_id)

    def truth(self, *names):
        """Return what the tenant holds, by value, action and more fields, sorted."""
        fields = ("indicatorValue", "action", *names)
        return sorted(tuple(str(row.get(name)) for name in fields) for row in self.emulator.rows())

    def history(self, value):
        """Return the actions that were ever written for a value, in order."""
        return [row["action"] for row in self.emulator.history(value)]


class _Closing:
    def __init__(self, context, opened):
        self._context, self._opened = context, opened

    def __enter__(self):
        return self._context

    def __exit__(self, *reason):
        return self._opened.__exit__(*reason)


def row(value, action="Audit", **more):
    """A row as a source gives it; a number becomes a domain."""
    value = f"host{value}.example.com" if isinstance(value, int) else value
    base = {"indicatorType": "DomainName", "indicatorValue": value, "action": action, "title": "T", "description": "D"}
    return base | {"generateAlert": action == "Audit"} | more


def rows(count, action="Audit", first=1, **more):
    """So many of them."""
    return [row(number, action, **more) for number in range(first, first + count)]


@pytest.fixture(name="row")
def _row():
    return row


@pytest.fixture(name="rows")
def _rows():
    return rows


@pytest.fixture(scope="session")
def lists(tmp_path_factory):
    """The guard's index, built once."""
    folder = tmp_path_factory.mktemp("lists") / "guard"
    found = Warninglists(folder, GuardSettings(), lambda _: None)
    assert found.lists
    return folder


@pytest.fixture(scope="session")
def pack():
    """The shipped pack, loaded once."""
    return Pack(content_root())


@pytest.fixture
def make_world(start_emulator, tmp_path, capfd, lists, pack):
    """Return a function that makes a tenant and an installation: ``make_world(identity=…, faults=…)``."""

    def make(name="home", **settings):
        home = Path(tmp_path, name)
        home.mkdir(mode=0o700)
        shutil.copytree(lists, home / "guard", copy_function=os.link)
        return World(start_emulator(window_seconds=WINDOW, **settings), home, capfd, pack)

    return make


@pytest.fixture
def world(make_world):
    """Return a tenant as documented, empty."""
    return make_world()


@pytest.fixture(params=["value+type", "value+type+action+scope", "always_insert"])
def any_world(request, make_world):
    """Return a tenant of each identity that the service may have."""
    return make_world(identity=request.param)


@pytest.fixture
def run_of():
    """Return a function: report → the rows of one status, as (value, operation, code)."""
    return lambda report, status: [
        (each["value"], each["operation"], each["code"]) for each in report["results"] if each["status"] == status
    ]
