"""What a test may ask an emulator about its indicators, and do behind the client's back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from defender_indicators.clock import Clock
from defender_indicators.emulator.rules import SERVER_SET, Row
from defender_indicators.emulator.service import Service
from defender_indicators.emulator.settings import Settings
from defender_indicators.emulator.sightings import HASHES, Sighting
from defender_indicators.emulator.store import Caller
from defender_indicators.emulator.tenant import Tenant

_SAME = ("indicatorType", "indicatorValue", "action", "rbacGroupNames")


class Truth:
    """The oracle: reads and changes the tenant's indicators without any call."""

    settings: Settings
    service: Service
    clock: Clock

    def _tenant(self, tenant: str) -> Tenant:
        found = self.service.tenant(tenant or self.settings.tenant_id)
        found.tidy()
        return found

    def rows(self, tenant: str = "") -> list[Row]:
        """Return the active indicators as ``GET`` would show them, oldest first."""
        return [record.entity() for record in list(self._tenant(tenant).store.records.values())]

    def history(self, value: str, tenant: str = "") -> list[Row]:
        """Return every payload that was applied for a value, oldest first."""
        return list(self._tenant(tenant).store.history.get(value, ()))

    def duplicates(self, by: tuple[str, ...] = _SAME, tenant: str = "") -> list[list[Row]]:
        """Return the groups of active rows that agree in all fields of ``by``."""
        groups: defaultdict[tuple[str, ...], list[Row]] = defaultdict(list)
        for row in self.rows(tenant):
            groups[tuple(repr(row.get(name)) for name in by)].append(row)
        return [rows for rows in groups.values() if len(rows) > 1]

    def reverted(self, tenant: str = "") -> list[str]:
        """Return the values where a payload was applied again after a different one had taken its place."""
        return [value for value, rows in list(self._tenant(tenant).store.history.items()) if _returns(rows)]

    def add_rows(
        self,
        rows: Iterable[Row],
        *,
        created_by: str = "analyst@contoso.example",
        application: str = "",
        tenant: str = "",
    ) -> None:
        """Store rows unchecked, as if somebody else had made them: any type, any field null.

        Args:
            rows: in Microsoft's spelling; fields that only the service sets (``createdBySource`` and so on) are shown
                as they are given here.
            created_by: a user, or an application's id: whose rows they are.
            application: for the rows that name none.
            tenant: a tenant's GUID; the emulator's own if empty.
        """
        found = self._tenant(tenant)
        caller = Caller(tenant or self.settings.tenant_id, created_by, created_by, frozenset(), delegated=True)
        source = {"createdBySource": "Portal" if "@" in created_by else "PublicApi"}
        common: Row = {"application": application} if application else {}
        now = found.now()
        with found.store.lock:
            for row in rows:
                number = found.store.upsert(common | row, caller, now)
                if isinstance(number, int):
                    own = {name: row[name] for name in SERVER_SET & row.keys() if name != "id"}
                    found.store.records[number].shown = source | own

    def observe(self, value: str, *, tenant: str = "", **seen: Any) -> None:
        """Let the tenant have seen a file, a domain or an address; ``seen`` are the fields of a `Sighting`."""
        sighting = Sighting(**seen)
        hashes = [sighting.file[name] for name in HASHES if sighting.file.get(name)]
        self._tenant(tenant).sightings |= {name.lower(): sighting for name in (value, *hashes)}

    def delete(self, value: str, tenant: str = "") -> int:
        """Delete every row with this value, as an analyst in the portal would; return how many."""
        found = self._tenant(tenant)
        numbers = [int(row["id"]) for row in self.rows(tenant) if row["indicatorValue"] == value]
        for number in numbers:
            found.store.delete(number, self.clock.boottime())
        return len(numbers)


def _returns(rows: list[Row]) -> bool:
    seen: list[Row] = []
    for row in rows:
        if not seen or row != seen[-1]:
            if row in seen:
                return True
            seen.append(row)
    return False
