"""How a planned row goes into the ledger: in a batch, or on a line of its own that says why it is not sent."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import orjson

from defender_indicators.delivery.records import Exceptional, NewBatch
from defender_indicators.delivery.repeats import Fate, Verdict


class Hold(Protocol):
    """Why a row waits for an approval; nothing releases a ``hard`` one."""

    @property
    def code(self) -> str:
        """A stable name."""

    @property
    def reason(self) -> str:
        """Place, cause and remedy."""

    @property
    def hard(self) -> bool:
        """Whether no approval helps."""


class Kept(NamedTuple):
    """A hold as it is spooled."""

    code: str
    reason: str
    hard: bool


class OpenBatch:
    """A batch being filled."""

    def __init__(self) -> None:
        self._positions: list[int] = []
        self._rows: list[bytes] = []
        self._notes: dict[str, list[str]] = {}
        self._size = 20

    def is_full(self, payload: bytes, rows: int, body_bytes: int) -> bool:
        """Whether there is no room for one more row in a request of so many rows and bytes."""
        too_long = self._size + len(payload) > body_bytes
        return bool(self._rows) and (too_long or len(self._rows) >= rows)

    def add(self, position: int, payload: bytes, notes: list[str]) -> None:
        """Put a row in."""
        self._positions.append(position)
        self._rows.append(payload)
        self._size += len(payload) + 1
        if notes:
            self._notes[str(position)] = notes

    def closed(self, lane: int) -> NewBatch:
        """Return what was put in."""
        return NewBatch(lane, self._positions, self._rows, self._notes)


def dropped(payload: bytes, notes: list[str], verdict: Verdict) -> Exceptional:
    """Return the line of a row that repeats or contradicts another one."""
    position, fate, first, second = verdict
    if fate == Fate.DUPLICATE:
        status, code, reason = "duplicate", "duplicate", f"the same as row {first}"
    elif fate == Fate.REPEATED:
        reason = f"row {first} repeats it with other details; the later row is sent"
        status, code = "duplicate", "repeated_with_changes"
    else:
        reason = f"rows {first} and {second} want different actions for one value; keep one of them"
        status, code = "rejected", "conflicting_actions"
    row: dict[str, Any] = orjson.loads(payload)
    value, kind, action = row["indicatorValue"], row["indicatorType"], row["action"]
    return Exceptional(position, status, value, kind, action, code, reason, notes=notes)


def held_line(position: int, payload: bytes, notes: list[str], hold: Hold, lane: int) -> Exceptional:
    """Return the line of a row that waits; only one that can be released keeps what would be sent."""
    row: dict[str, Any] = orjson.loads(payload)
    value, kind, action = row["indicatorValue"], row["indicatorType"], row["action"]
    sent_when_released = None if hold.hard else payload
    facts: dict[str, Any] = {"notes": notes, "payload": sent_when_released, "lane": lane}
    return Exceptional(position, "held", value, kind, action, hold.code, hold.reason, **facts)
