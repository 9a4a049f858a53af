"""Choosing rows of a tenant: filters of a listing. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from defender_indicators.indicators import matching_key, row_from_api, row_to_api
from defender_indicators.indicators.codes import shown
from defender_indicators.planning.snapshot import Row, Snapshot


@dataclass(frozen=True, slots=True)
class Filter:
    """What a row must be like; an empty field asks nothing.

    ``owner`` is ``own``, ``foreign``, or part of a creator's name or id; ``set_name`` a set of ours; ``text`` stands
    somewhere in value, title or description; ``value`` and ``title`` may hold ``*``; ``expires_within`` is in days.
    """

    types: Sequence[str] = ()
    actions: Sequence[str] = ()
    owner: str = ""
    set_name: str = ""
    application: str = ""
    title: str = ""
    value: str = ""
    text: str = ""
    expires_within: int = 0

    @property
    def empty(self) -> bool:
        """Whether it asks nothing at all."""
        return self == Filter()

    def choose(self, snapshot: Snapshot, now: datetime) -> list[Row]:
        """Return the rows that are like this, in the order of the listing."""
        limit = (now + timedelta(days=self.expires_within)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return [row for row in snapshot.rows if self._fits(row, snapshot, limit)]

    def _fits(self, row: Row, snapshot: Snapshot, limit: str) -> bool:
        return (
            (not self.types or row["type"] in self.types)
            and (not self.actions or row["action"] in self.actions)
            and (not self.owner or _owned(row, self.owner, snapshot))
            and (not self.set_name or snapshot.set_of(row) == self.set_name)
            and (not self.application or fnmatchcase(str(row.get("application", "")), self.application))
            and (not self.title or fnmatchcase(str(row.get("title", "")), self.title))
            and (not self.value or fnmatchcase(row["value"], self.value))
            and (not self.text or self.text.lower() in _texts(row))
            and (not self.expires_within or "" < str(row.get("expirationTime", "")) < limit)
        )


def wish(given: Mapping[str, Any]) -> Filter:
    """Return the filter of an action's inputs; ``set`` is its name there."""
    names = ("types", "actions", "owner", "application", "title", "value", "text", "expires_within")
    return Filter(**{name: given[name] for name in names if given.get(name)}, set_name=given.get("set", ""))


def chosen(inputs: Mapping[str, Any], snapshot: Snapshot, now: datetime) -> tuple[list[Row], list[str]]:
    """Return the rows that inputs name by ``ids``, ``values``, ``filter`` or ``indicators``, and names of no row."""
    rows, missing = by_ids(snapshot, inputs["ids"])
    by_value: defaultdict[str, list[Row]] = defaultdict(list)
    for row in snapshot.rows:
        by_value[row["value"]].append(row)
    for value in inputs["values"]:
        there = by_value[matching_key(value)]
        rows += there
        missing += [] if there else [value]
    for raw in inputs["indicators"]:
        ours = row_from_api({"id": "", "action": "", **raw}) if isinstance(raw, dict) else None
        there = [row for row in snapshot.of(ours["type"], ours["value"]) if _same(ours, row)] if ours else []
        rows += there
        missing += [] if there else [shown((raw or {}).get("indicatorValue", "") if isinstance(raw, dict) else "")]
    found = wish(inputs["filter"])
    return rows + ([] if found.empty else found.choose(snapshot, now)), missing


def _same(wanted: Row, row: Row) -> bool:
    return wanted["scope"] == row["scope"] and wanted["action"] in {"", row["action"]}


def by_ids(snapshot: Snapshot, ids: Iterable[str]) -> tuple[list[Row], list[str]]:
    """Return the rows with these ids, and the ids that no row has."""
    wanted = list(dict.fromkeys(ids))
    rows = {identifier: snapshot.by_id(identifier) for identifier in wanted}
    return [row for row in rows.values() if row], [identifier for identifier, row in rows.items() if not row]


def listed(row: Row, snapshot: Snapshot) -> dict[str, Any]:
    """Return a row to be shown: Microsoft's names, with who made it, whether it is ours, and in which set it is."""
    more = ("createdBy", "createdByDisplayName", "createdBySource", "creationTimeDateTimeUtc", "lastUpdateTime")
    own: Mapping[str, Any] = {"own": snapshot.own(row), "set": snapshot.set_of(row)}
    return {**row_to_api(row), **{name: row[name] for name in more if name in row}, **own}


def _owned(row: Row, owner: str, snapshot: Snapshot) -> bool:
    if owner in {"own", "foreign"}:
        return snapshot.own(row) is (owner == "own")
    names = f"{row.get('createdBy', '')}\n{row.get('createdByDisplayName', '')}".lower()
    return owner.lower() in names


def _texts(row: Row) -> str:
    return f"{row['value']}\n{row.get('title', '')}\n{row.get('description', '')}".lower()
