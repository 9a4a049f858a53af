"""What one tenant of the emulator is made of, as the endpoints see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from defender_indicators.clock import Clock
from defender_indicators.emulator.faults import Faults
from defender_indicators.emulator.settings import Settings
from defender_indicators.emulator.sightings import Sighting
from defender_indicators.emulator.store import Store


@dataclass(slots=True)
class Tenant:
    """Store, settings, faults and clock of one tenant."""

    settings: Settings
    store: Store
    faults: Faults
    clock: Clock
    base_url: str = ""
    sightings: dict[str, Sighting] = field(default_factory=dict)
    """What the tenant has seen, by value in lower case; a file by each of its hashes."""
    poison: dict[str, list[str]] = field(default_factory=dict)
    """``N`` of a ``poison=N`` switch → the values it drew."""
    _lied_about: set[str] = field(default_factory=set)

    def dump(self) -> dict[str, Any]:
        """Return everything a restarted emulator needs."""
        return {**self.store.dump(), "sightings": self.sightings}

    def load(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`dump` returned."""
        self.store.load(state)
        self.sightings = {value: Sighting(**seen) for value, seen in state["sightings"].items()}

    def now(self) -> datetime:
        """Return the service's calendar time."""
        return self.clock.now() + timedelta(seconds=self.faults.standing("date_skew", 0))

    def tidy(self) -> None:
        """Let time do its work on the store, and follow a changed capacity."""
        self.store.capacity = int(self.faults.standing("capacity", self.settings.capacity))
        self.store.tidy(self.now(), self.clock.boottime())

    def lies_about(self, value: str, wanted: str) -> bool:
        """Say whether a success is a lie: once for ``wanted``, or for the first value that comes along."""
        if value in self._lied_about or (wanted and value != wanted) or (not wanted and "" in self._lied_about):
            return False
        self._lied_about |= {value} if wanted else {value, ""}
        return True
