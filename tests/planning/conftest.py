"""A tenant out of plain rows, and plans for it without any service."""

from datetime import UTC, datetime, timedelta

import pytest

from defender_indicators.delivery import Limits
from defender_indicators.guard.codes import Hold
from defender_indicators.indicators import Canonicaliser, Policy
from defender_indicators.planning.capacity import Room
from defender_indicators.planning.changes import Wanted
from defender_indicators.planning.diff import Goal
from defender_indicators.planning.guarding import Brakes
from defender_indicators.planning.planner import Planner
from defender_indicators.planning.snapshot import Snapshot, tag

APP = "11111111-2222-4333-8444-555555555555"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Desk:
    """Makes rows, tenants and plans; the set is called ``feed``."""

    now = NOW
    app = APP

    def stamp(self, days):
        return (NOW + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def row(self, value, action="Audit", **more):
        """A row in Microsoft's spelling, as a source gives it."""
        kind = "IpAddress" if value[0].isdigit() and "." in value else "DomainName"
        kind = "FileSha256" if len(value) == 64 else kind
        base = {"indicatorType": kind, "indicatorValue": value, "action": action, "title": "T", "description": "D"}
        return base | {"generateAlert": action == "Audit", "application": tag("feed")} | more

    def listed(self, identifier, value, action="Audit", *, by=APP, **more):
        """The same row as the tenant lists it."""
        return self.row(value, action, **more) | {"id": str(identifier), "createdBy": by}

    def snapshot(self, *rows, adopted=None):
        return Snapshot(rows, APP, adopted)

    def wanted(self, *rows, rolling=False):
        judge = Canonicaliser(Policy(now=NOW))
        return [Wanted(number, judge(row), (0, 0, 0, ""), rolling) for number, row in enumerate(rows)]

    def planner(self, *tenant, room=None, judge=None, blocks=None, deletes=None, adopted=None):
        brakes = Brakes(blocks or (lambda _: None), deletes or (lambda _: None))
        found = self.snapshot(*tenant, adopted=adopted)
        return Planner(found, judge or (lambda _: None), lambda *_: brakes, room or Room(), Limits())

    def goal(self, **more):
        return Goal("feed", NOW, **more)

    def sync(self, tenant, rows, *, rolling=False, goal=None, stopped=(), **more):
        return self.planner(*tenant, **more).sync(self.wanted(*rows, rolling=rolling), stopped, goal or self.goal())

    def hold(self, code="warninglist", *, hard=False):
        return Hold(code, "because", hard)


@pytest.fixture
def desk():
    """Return what makes rows, tenants and plans."""
    return Desk()


@pytest.fixture
def kinds():
    """Return a function: plan → [(kind, status)] by position."""
    return lambda plan: [(change.kind, change.status) for change in plan.changes]
