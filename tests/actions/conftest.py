"""The shipped pack, a context against an emulator, and stand-ins for both ends of a handler."""

from types import SimpleNamespace

import pytest

from defender_indicators import context
from defender_indicators.pack import Pack, content_root


@pytest.fixture(scope="session")
def pack():
    return Pack(content_root())


@pytest.fixture
def live(emulator, tmp_path):
    """Return a context that talks to an emulated tenant."""
    environ = {**emulator.environment(), "DEFENDER_INDICATORS_HOME": str(tmp_path / "home")}
    with context.open(environ=environ) as opened:
        yield opened


@pytest.fixture
def recorder():
    """Return a context that remembers what a handler planned and what it delivered."""

    def plan(rows, **wishes):
        planned.append((rows, wishes))
        return SimpleNamespace(report=lambda: {"from": "plan"})

    def deliver(plan):
        delivered.append(plan)
        return {"from": "connector"}

    planned, delivered = [], []
    connector = SimpleNamespace(import_indicators=deliver, check=lambda: {"ok": True})
    return SimpleNamespace(plan=plan, connector=connector, dry_run=False, planned=planned, delivered=delivered)
