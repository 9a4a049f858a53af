"""A tenant that is full: how that is known, and what follows for the rest of a run."""

from __future__ import annotations

from typing import Final

from defender_indicators.delivery.classify import Verdict, looks_like_capacity
from defender_indicators.delivery.health import Health
from defender_indicators.delivery.ledger import Ledger

_FRESH: Final = 60.0
"""Seconds for which a deletion may still be making room."""
_WAITS: Final = 3
"""How often rows are tried again before the room that deletions were to make is given up."""


class Capacity:
    """Defers what does not fit, inside the caller's transaction.

    Places that were freed by deletions are not always visible at once: then the rows are tried again after a pause.
    """

    def __init__(self, ledger: Ledger, health: Health) -> None:
        self._ledger = ledger
        self._health = health
        self._freed_at: float | None = None
        self._waits = 0
        self._again_at = 0.0

    def freed(self, now: float) -> None:
        """Note that rows were deleted."""
        self._freed_at, self._waits = now, 0

    def rows(self, verdict: Verdict) -> set[int]:
        """Return the places refused for want of room.

        Two signals: the words, and so many rows at once that it cannot be about the rows.
        """
        full = {place for place, reason in verdict.refused.items() if looks_like_capacity(reason)}
        return full if len(full) >= self._health.timing.capacity_rows else set()

    def may_come(self, now: float) -> bool:
        """Whether room may still come; then nothing is sent for a while."""
        if now < self._again_at:
            return True  # it left before the pause began
        fresh = self._freed_at is not None and (self._waits > 0 or now - self._freed_at <= _FRESH)
        if not fresh or self._waits >= _WAITS:
            return False
        self._waits += 1
        self._again_at = now + self._health.timing.freed_slots
        self._health.hold(self._again_at, "waiting for the places of deleted rows to be free")
        return True

    def defer(self, run: str, now: float) -> None:
        """Put off what is not sent yet, unless room may still come."""
        if self.may_come(now):
            return
        self._ledger.database.execute(
            "UPDATE batch SET state = 'deferred', code = 'capacity_reached'"
            " WHERE run = ? AND state = 'pending' AND operation = 'import'",
            (run,),
        )
        self._health.pause("the tenant holds as many indicators as it may; free some, then `resume`")

    def refused_whole(self, run: str, reason: str, now: float) -> None:
        """The same two signals where a full tenant refuses whole calls: the words, and so many rows on their own."""
        if not looks_like_capacity(reason):
            return
        alike = "run = ? AND reason = ? AND (state = 'quarantined' OR code = 'capacity_reached')"
        values = (run, reason)
        execute = self._ledger.database.execute
        [(count,)] = execute(f"SELECT COUNT(*) FROM batch WHERE {alike}", values)
        if count >= self._health.timing.capacity_rows:
            execute(f"UPDATE batch SET state = 'pending' WHERE {alike}", values)
            self.defer(run, now)
