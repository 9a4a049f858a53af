"""The indicators of one tenant: upsert under a chosen identity model, ownership, expiry, capacity, history."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from defender_indicators.emulator.rules import SERVER_SET, Fault, Row, moment
from defender_indicators.emulator.settings import Settings

_NEVER = datetime.max.replace(tzinfo=UTC)


class Caller(NamedTuple):
    """Who makes a call. ``name`` is the application's id, or the user of a delegated token; ``shown`` is for people."""

    tenant: str
    app: str
    name: str
    permissions: frozenset[str]
    delegated: bool
    shown: str = ""

    @property
    def sees_all(self) -> bool:
        """Whether rows of others are visible and may be touched."""
        return self.delegated or "Ti.ReadWrite.All" in self.permissions


@dataclass(slots=True)
class Record:
    """One stored indicator: what was sent last, and what the service added."""

    number: int
    key: Hashable
    row: Row
    owner: str
    created: datetime
    updated: datetime
    expires: datetime
    updated_by: str = ""
    shown: Row = field(default_factory=dict)
    """Fields of the service's own that are not as usual: who made the row, when, with what."""

    def entity(self) -> Row:
        """Return the row as ``GET`` shows it."""
        return {
            "id": str(self.number),
            "severity": "Informational",
            "category": 1,
            "generateAlert": False,
            "historicalDetection": False,
            "rbacGroupNames": [],
            "rbacGroupIds": [],
            "mitreTechniques": [],
            "expirationTime": None,
            **{name: value for name, value in self.row.items() if name not in SERVER_SET},
            "createdBy": self.owner,
            "createdByDisplayName": self.owner,
            "createdBySource": "PublicApi",
            "creationTimeDateTimeUtc": stamp(self.created),
            "lastUpdateTime": stamp(self.updated),
            "lastUpdatedBy": self.updated_by or self.owner,
            **self.shown,
        }


def stamp(at: datetime) -> str:
    """Return a time as the service writes it."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass(slots=True)
class Store:
    """One tenant's indicators. Every public method takes the lock: a test reads while the server writes."""

    settings: Settings
    capacity: int
    records: dict[int, Record] = field(default_factory=dict)
    history: dict[str, list[Row]] = field(default_factory=dict)
    """indicatorValue → every payload that was applied, oldest first."""
    next_number: int = 1
    lock: threading.RLock = field(default_factory=threading.RLock)
    _by_key: dict[Hashable, int] = field(default_factory=dict)
    _freed: list[float] = field(default_factory=list)
    _next_expiry: datetime = _NEVER

    def key_of(self, row: Row) -> Hashable:
        """Return what makes two rows the same indicator, under the chosen model."""
        model, value = self.settings.identity, row.get("indicatorValue")
        if model == "value":
            return value
        if model == "value+type":
            return value, row.get("indicatorType")
        if model == "always_insert":
            return self.next_number
        groups = row.get("rbacGroupNames")
        scope = tuple(sorted(map(str, groups))) if groups else ()
        return value, row.get("indicatorType"), row.get("action"), scope

    def upsert(self, row: Row, caller: Caller, now: datetime, *, real: bool = True) -> int | Fault:
        """Store one row that passed every rule; ``real=False`` only pretends.

        Returns:
            The number of the new or updated indicator, or why it was refused.
        """
        with self.lock:
            key = self.key_of(row)
            number = self._by_key.get(key)
            if number is None:
                if self.free <= 0:
                    return Fault("InvalidInput", f"Maximum number of indicators ({self.capacity}) reached")
                number = self.next_number
                self.next_number += 1
                shown = {"createdByDisplayName": caller.shown} if caller.shown else {}
                record = Record(number, key, row, caller.name, now, now, _NEVER, shown=shown)
            else:
                record = self.records[number]
                if not (caller.sees_all or record.owner == caller.name):
                    return Fault("Forbidden", "The indicator belongs to another application")
                row = self._updated(record.row, row)
            if real:
                self._apply(record, row, caller, now)
            return number

    def _updated(self, old: Row, new: Row) -> Row:
        row = {**old, **new} if self.settings.updates == "merge" else new
        if old.get("application") == row.get("application"):
            return row
        return {**row, "application": old.get("application")}

    def _apply(self, record: Record, row: Row, caller: Caller, now: datetime) -> None:
        expires = row.get("expirationTime")
        record.row, record.updated, record.updated_by = row, now, caller.name
        record.expires = (moment(expires) or _NEVER) if isinstance(expires, str) else _NEVER
        self._next_expiry = min(self._next_expiry, record.expires)
        self.records[record.number] = record
        self._by_key[record.key] = record.number
        self.history.setdefault(row.get("indicatorValue") or "", []).append(row)

    @property
    def free(self) -> int:
        """How many more indicators fit."""
        return self.capacity - len(self.records) - len(self._freed)

    def new_among(self, rows: Iterable[Row]) -> int:
        """Return how many of these rows would be new indicators."""
        with self.lock:
            if self.settings.identity == "always_insert":
                return sum(1 for _ in rows)
            return len({key for key in map(self.key_of, rows) if key not in self._by_key})

    def tidy(self, now: datetime, boottime: float) -> None:
        """Drop what has expired, and hand back the places of rows deleted long enough ago."""
        with self.lock:
            self._freed = [at for at in self._freed if at > boottime - self.settings.slot_release_seconds]
            if now < self._next_expiry:
                return
            for record in [record for record in self.records.values() if record.expires <= now]:
                self._forget(record)
            self._next_expiry = min((record.expires for record in self.records.values()), default=_NEVER)

    def visible(self, caller: Caller) -> list[Record]:
        """Return the records this caller may see, oldest first."""
        with self.lock:
            return [record for record in self.records.values() if caller.sees_all or record.owner == caller.name]

    def find(self, number: str, caller: Caller) -> Record | None:
        """Return one record, or None when it does not exist for this caller."""
        with self.lock:
            record = self.records.get(int(number)) if number.isascii() and number.isdigit() else None
            return record if record and (caller.sees_all or record.owner == caller.name) else None

    def delete(self, number: int, boottime: float) -> None:
        """Remove one record; its place comes back after ``slot_release_seconds``."""
        with self.lock:
            record = self.records.get(number)
            if record:
                self._forget(record)
                if self.settings.slot_release_seconds:
                    self._freed.append(boottime)

    def _forget(self, record: Record) -> None:
        del self.records[record.number]
        if self._by_key.get(record.key) == record.number:
            del self._by_key[record.key]

    def dump(self) -> dict[str, Any]:
        """Return everything a restarted emulator needs."""
        with self.lock:
            records = [
                [r.number, r.row, r.owner, stamp(r.created), stamp(r.updated), r.updated_by, r.shown]
                for r in self.records.values()
            ]
            return {"next": self.next_number, "records": records, "history": self.history}

    def load(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`dump` returned."""
        for number, row, owner, created, updated, updated_by, shown in state["records"]:
            self.next_number = number
            expires = moment(row.get("expirationTime") or "") or _NEVER
            times = datetime.fromisoformat(created), datetime.fromisoformat(updated)
            self.records[number] = Record(number, self.key_of(row), row, owner, *times, expires, updated_by, shown)
            self._by_key[self.records[number].key] = number
            self._next_expiry = min(self._next_expiry, expires)
        self.next_number, self.history = state["next"], state["history"]
