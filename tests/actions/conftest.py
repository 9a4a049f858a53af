"""The shipped pack, a context against an emulator, and stand-ins for both ends of a handler."""

from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from defender_indicators.doors import open_context
from defender_indicators.pack import Pack, content_root


@pytest.fixture(scope="session")
def pack():
    return Pack(content_root())


@pytest.fixture
def open_live(tmp_path):
    """Return a function that opens a context which talks to an emulated tenant."""
    with ExitStack() as stack:

        def opened(emulator):
            environ = {**emulator.environment(), "DEFENDER_INDICATORS_HOME": str(tmp_path / "home")}
            return stack.enter_context(open_context(environ=environ))

        yield opened


@pytest.fixture
def live(emulator, open_live):
    """Return a context that talks to an emulated tenant."""
    return open_live(emulator)


@pytest.fixture
def recorder():
    """Return a context that remembers what a handler planned and what it delivered."""

    def plan(rows, **wishes):
        planned.append((rows, wishes))
        return SimpleNamespace()

    def deliver(plan):
        delivered.append(plan)
        return {"from": "connector"}

    planned, delivered = [], []
    connector = SimpleNamespace(import_indicators=deliver, check=lambda: {"ok": True})
    return SimpleNamespace(
        plan=plan,
        preview=lambda _: {"from": "plan"},
        connector=connector,
        dry_run=False,
        planned=planned,
        delivered=delivered,
    )
