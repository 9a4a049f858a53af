"""From input rows to what is wanted: checked, canonical, each key once. Reads what a plan has judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from defender_indicators.delivery import Ledger
from defender_indicators.delivery.records import Exceptional
from defender_indicators.delivery.report import every_row
from defender_indicators.errors import InputError
from defender_indicators.indicators import Indicator, matching_key
from defender_indicators.indicators.canonical import scope_of
from defender_indicators.planning.capacity import rank
from defender_indicators.planning.changes import Change, Wanted
from defender_indicators.sources.mapping import LIFETIME, RANK

MOST_ROWS: Final = 200_000
"""So many rows can be compared with a tenant that holds 15,000; more is a source that wants a stricter policy."""


class Ranked:
    """Input rows on their way to the checks; keeps what they are ranked by, and whose end is counted from now on.

    Args:
        tag: what ``application`` is to say on every row.
        now: the moment that ends are counted from.
        lifetime_days: of rows that name no end and no lifetime; 0 for never.
    """

    def __init__(self, rows: Iterable[object], tag: str, now: datetime, lifetime_days: int) -> None:
        self._rows = rows
        self._tag = tag
        self._now = now
        self._lifetime = lifetime_days
        self.ranks: dict[int, tuple[int, int, str]] = {}
        self.rolling: set[int] = set()

    def __iter__(self) -> Iterator[object]:
        for position, row in enumerate(self._rows):
            if position == MOST_ROWS:
                raise InputError(f"more than {MOST_ROWS:,} rows cannot be compared with a tenant; narrow the source")
            if not isinstance(row, dict):
                yield row
                continue
            plain = {**row, "application": self._tag}
            if found := plain.pop(RANK, None):
                self.ranks[position] = tuple(found)
            days = plain.pop(LIFETIME, self._lifetime)
            if days and not plain.get("expirationTime"):
                self.rolling.add(position)
                plain["expirationTime"] = (self._now + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
            yield plain


def wanted_of(ledger: Ledger, run_id: str, given: Ranked) -> tuple[list[Wanted], list[Change], set[str]]:
    """Return what is wanted, the rows that are not (rejected, repeated), and the values those name."""
    wanted, stopped, known = [], [], set()
    for row in every_row(ledger, run_id):
        if row.status == "pending":
            place = row.position
            ranked = _rank(row, given.ranks.get(place, (0, 0, "")))
            wanted.append(Wanted(place, _indicator(row), ranked, place in given.rolling))
        else:
            stopped.append(_stopped(row))
            known.add(matching_key(row.value))
    return wanted, stopped, known


def _indicator(row: Exceptional) -> Indicator:
    payload = row.payload or b""
    fields = orjson.loads(payload) if b'"rbacGroup' in payload else {}
    scope = scope_of(tuple(fields.get("rbacGroupNames", ())), tuple(fields.get("rbacGroupIds", ())))
    return Indicator(row.type, row.value, row.action, scope, payload, tuple(row.notes))


def _rank(row: Exceptional, given: tuple[int, int, str]) -> tuple[Any, ...]:
    payload = row.payload or b""
    severity = payload.partition(b'"severity":"')[2].partition(b'"')[0].decode()
    priority, confidence, newest = given
    return rank(severity, priority, confidence, newest)


def _stopped(row: Exceptional) -> Change:
    return Change(
        "rejected",
        row.position,
        row.value,
        row.type,
        row.action,
        status=row.status,
        code=row.code,
        reason=row.reason,
        notes=tuple(row.notes),
    )
