"""What the ledger holds, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson

from defender_indicators.delivery.answer import Call

IMPORT: Final = "/api/indicators/import"
BATCH_DELETE: Final = "/api/indicators/BatchDelete"
NOTHING: Final = -1
"""The position that a row waits for when it waits for none."""


@dataclass(frozen=True, slots=True)
class Run:
    """One execution; ``state`` is ``sending``, ``paused``, ``halted`` or ``finished``.

    ``kind`` says what made it (``import``, ``sync`` …), ``facts`` (JSON) what was known when it was planned.
    """

    number: int
    id: str
    created: str
    state: str
    plan_hash: str
    subject_hash: str
    retry_of: str
    total: int
    max_rows: int
    max_bytes: int
    kind: str
    author: str
    why: str
    facts: str
    waited: float
    stopped: str


@dataclass(frozen=True, slots=True)
class Batch:
    """The rows of one request. ``positions`` are input indexes, ``notes`` maps some of them to lists of notes.

    ``after`` maps some of them to the position that must be accepted before they may be sent. The rows of a deletion
    are those of the tenant, with their ids.

    ``root`` is the batch whose refusal is being bisected (0: none), ``sent_at`` the boot time of the first send.
    """

    id: int
    run: str
    lane: int
    first: int
    positions: Sequence[int]
    notes: dict[str, list[str]]
    after: dict[str, int]
    operation: str
    body: bytes
    request_id: str
    state: str
    parent: int
    root: int
    attempts: int
    ambiguous: int
    sent_at: float | None
    sent_boot: str
    sent_wall: str
    code: str
    reason: str

    @property
    def endpoint(self) -> str:
        """Whose limits count."""
        return "batch_delete" if self.operation == "delete" else "import"

    def call(self) -> Call:
        """Return the request; the same bytes each time. A deletion names ids, never values."""
        if self.operation == "delete":
            body = orjson.dumps({"IndicatorIds": self.row_ids()})
            return Call("POST", BATCH_DELETE, body, self.request_id)
        return Call("POST", IMPORT, self.body, self.request_id)

    def payloads(self) -> list[dict[str, Any]]:
        """Return the rows in Microsoft's spelling: as they are sent, or as they are in the tenant."""
        rows: list[dict[str, Any]] = orjson.loads(self.body)["Indicators"]
        return rows

    def row_ids(self) -> list[str]:
        """Return the ids of the rows of a deletion."""
        return [str(row["id"]) for row in self.payloads()]

    def part(self, places: Sequence[int]) -> NewBatch:
        """Return a batch of some of the rows, byte for byte as they were frozen."""
        rows = self.payloads()
        positions = [self.positions[place] for place in places]
        names = [str(position) for position in positions]
        notes = {name: self.notes[name] for name in names if name in self.notes}
        after = {name: self.after[name] for name in names if name in self.after}
        return NewBatch(
            self.lane, positions, [orjson.dumps(rows[place]) for place in places], notes, self.operation, after
        )

    def sent(self) -> dict[str, object]:
        """Return the columns that say when the rows were first sent; parts of a batch inherit them."""
        return {"sent_at": self.sent_at, "sent_boot": self.sent_boot, "sent_wall": self.sent_wall}

    def exceptional(self, place: int, row: Mapping[str, Any], status: str, code: str, reason: str) -> Exceptional:
        """Return the line of its own that the row at ``place`` needs; ``row`` is its payload."""
        position = self.positions[place]
        value, kind, action = row["indicatorValue"], row["indicatorType"], row["action"]
        notes, after = self.notes.get(str(position), ()), self.after.get(str(position), NOTHING)
        facts: dict[str, Any] = {"notes": notes, "operation": self.operation, "lane": self.lane, "after": after}
        if self.operation == "delete":
            facts["remote_id"] = str(row["id"])
        return Exceptional(position, status, value, kind, action, code, reason, **facts)


class NewBatch(NamedTuple):
    """A batch to be written; ``rows`` are frozen payloads."""

    lane: int
    positions: Sequence[int]
    rows: Sequence[bytes]
    notes: dict[str, list[str]]
    operation: str = "import"
    after: dict[str, int] = {}  # noqa: RUF012 - never changed


class Exceptional(NamedTuple):
    """A row that needs a line of its own; ``payload`` (Microsoft's spelling) only where it could be sent again."""

    position: int
    status: str
    value: str
    type: str
    action: str
    code: str
    reason: str = ""
    remote_id: str = ""
    notes: Sequence[str] = ()
    payload: bytes | None = None
    operation: str = "import"
    lane: int = 0
    after: int = NOTHING


def status_of(state: str) -> str:
    """Return the status of the rows of an open or quarantined batch."""
    return "unknown" if state == "inflight" else state
