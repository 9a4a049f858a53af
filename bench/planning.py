"""Comparing a source with a full tenant, as multiples of one ``json.loads`` of the tenant's listing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from bench.figure import Figure, at_most, cpu_seconds, sample_row

from defender_indicators.indicators import Canonicaliser, Indicator, Policy
from defender_indicators.planning import Snapshot, Wanted
from defender_indicators.planning.diff import Goal
from defender_indicators.planning.guarding import Brakes
from defender_indicators.planning.planner import Planner
from defender_indicators.planning.snapshot import tag

ROWS = 15_000
APP = "11111111-2222-4333-8444-555555555555"
_MOMENT = "2026-01-01T00:00:00.1234567Z"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def figures() -> Iterator[Figure]:
    """Measure the plan of an unchanged source, and of one in which every row has changed."""
    listing = json.dumps({"value": [_listed(number) for number in range(ROWS)]}).encode()
    parsing = cpu_seconds(lambda: json.loads(listing))
    rows = json.loads(listing)["value"]
    reading = cpu_seconds(lambda: Snapshot(rows, APP))
    snapshot = Snapshot(rows, APP)
    for name, title in (("unchanged", "T"), ("all changed", "other")):
        wanted = _wanted(title)
        planning = cpu_seconds(lambda wanted=wanted: _plan(snapshot, wanted))  # type: ignore[misc]  # mypy infers no lambda with a default
        figure = f"sync: 15,000 rows planned, {name}, x json.loads of the listing"
        ratio = planning / parsing
        yield at_most(figure, ratio, 2) if name == "unchanged" else Figure(figure, f"{ratio:.2f}")
    yield Figure("  the listing made comparable, x the same", f"{reading / parsing:.2f}")


def _plan(snapshot: Snapshot, wanted: list[Wanted]) -> dict[str, int]:
    limits = Brakes(lambda _: None, lambda _: None)
    planner = Planner(snapshot, lambda _: None, lambda *_: limits)
    return planner.sync(wanted, (), Goal("feed", NOW)).counts()


def _row(number: int, title: str) -> dict[str, Any]:
    return {**sample_row(number), "title": title, "application": tag("feed"), "expirationTime": "2026-04-01T00:00:00Z"}


def _listed(number: int) -> dict[str, Any]:
    """Return a row with every field of the service's own metadata, as it lists one."""
    made: dict[str, Any] = {
        "createdBy": APP,
        "createdByDisplayName": "defender-indicators",
        "createdBySource": "PublicApi",
    }
    made |= {"creationTimeDateTimeUtc": _MOMENT, "lastUpdateTime": _MOMENT, "lastUpdatedBy": APP, "version": None}
    lists: dict[str, Any] = {"mitreTechniques": [], "rbacGroupNames": [], "rbacGroupIds": [], "certificateInfo": None}
    more = {"category": 1, "historicalDetection": False, "lookBackPeriod": None, "additionalInfo": None}
    more |= {"educateUrl": None, "bypassDurationHours": None, "notificationId": None, "notificationBody": None}
    return {"id": str(number), **lists, **more, **_row(number, "T"), **made, "severity": "High"}


def _wanted(title: str) -> list[Wanted]:
    judge = Canonicaliser(Policy(now=NOW))
    judged = [judge({**_row(number, title), "severity": "High"}) for number in range(ROWS)]
    return [Wanted(number, one) for number, one in enumerate(judged) if isinstance(one, Indicator)]
