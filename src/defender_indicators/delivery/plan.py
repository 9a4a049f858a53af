"""From input rows to frozen batches: everything is checked and deduplicated before the first byte is sent.

The rows pass through once and are spooled to disk, so that memory stays small (about 200 bytes a row) and a conflict
found in the last row can still keep the first one from being sent.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b, sha256
from typing import Any, Final, NamedTuple

import orjson

from defender_indicators.delivery.classify import printable
from defender_indicators.delivery.ledger import Ledger
from defender_indicators.delivery.records import Exceptional, NewBatch
from defender_indicators.delivery.spool import Spool
from defender_indicators.indicators import Indicator, Rejection

_TAB: Final = b"\t"


class BadRow(NamedTuple):
    """A row that a reader could not read; ``place`` says where it stands (``line 7``)."""

    place: str
    code: str
    reason: str
    value: str = ""


class RowStream:
    """Input rows that are read while they are planned: dicts in Microsoft's spelling, or :class:`BadRow`."""

    def __init__(self, rows: Iterable[object]) -> None:
        self._rows = rows

    def __iter__(self) -> Iterator[object]:
        return iter(self._rows)


class Limits(NamedTuple):
    """How big one request may be."""

    rows: int = 500
    body_bytes: int = 900_000


class Plan:
    """What would be sent, and what not and why.

    Args:
        rows: the input, in any size.
        judge: turns a row into an indicator or a rejection (``indicators.Canonicaliser``).

    Attributes:
        total: input rows read.
        hash: names the bytes to be sent; equal plans have equal hashes.
        subject_hash: names only what is blocked or allowed where, whatever its title or expiry.
        limits: how the rows are cut into requests.
    """

    def __init__(
        self,
        rows: Iterable[object],
        judge: Callable[[object], Indicator | Rejection],
        *,
        limits: Limits,
        idempotency_key: str = "",
        retry_of: str = "",
    ) -> None:
        self.limits = limits
        self.idempotency_key = idempotency_key
        self.retry_of = retry_of
        self.total = 0
        self._good, self._bad = Spool(), Spool()
        self._index = _Index()
        self._digest, self._subjects = sha256(), sha256()
        try:
            for row in rows:
                self._take(_unreadable(row) if isinstance(row, BadRow) else judge(row))
        except BaseException:
            self.close()
            raise
        self.hash = self._digest.hexdigest()
        self.subject_hash = self._subjects.hexdigest()

    def _take(self, verdict: Indicator | Rejection) -> None:
        if isinstance(verdict, Indicator):
            line = verdict.payload
            if verdict.notes:
                line += _TAB + orjson.dumps(verdict.notes)
            self._index.add(self.total, verdict)
            self._digest.update(verdict.payload)
            self._subjects.update("\0".join(verdict[:4]).encode())
            self._good.add(line)
        else:
            self._bad.add(orjson.dumps((self.total, *verdict)))
        self.total += 1

    def write(self, ledger: Ledger, run_id: str, created: str) -> None:
        """Create the run in the ledger, whole or not at all."""
        with ledger.transaction():
            ledger.put_run(
                run_id,
                created,
                self.hash,
                subject_hash=self.subject_hash,
                idempotency_key=self.idempotency_key or None,
                retry_of=self.retry_of,
                total=self.total,
                max_rows=self.limits.rows,
                max_bytes=self.limits.body_bytes,
            )
            ledger.put_rows(run_id, self._rejected())
            dropped: list[Exceptional] = []
            ledger.put_batches(run_id, self._batches(dropped))
            ledger.put_rows(run_id, dropped)

    def close(self) -> None:
        """Remove the spool."""
        self._good.close()
        self._bad.close()

    def _rejected(self) -> Iterator[Exceptional]:
        for line in self._bad:
            position, value, kind, action, code, reason, notes = orjson.loads(line)
            yield Exceptional(position, "rejected", value, kind, action, code, reason, notes=notes)

    def _batches(self, dropped: list[Exceptional]) -> Iterator[NewBatch]:
        lanes: dict[int, _Open] = {}
        for number, line in enumerate(self._good):
            payload, _, noted = line.partition(_TAB)
            notes: list[str] = orjson.loads(noted) if noted else []
            position = self._index.positions[number]
            if number in self._index.dropped:
                dropped.append(_dropped(position, payload, notes, self._index.dropped[number]))
                continue
            lane = self._index.lanes.get(number, 0)
            batch = lanes.setdefault(lane, _Open())
            too_long = batch.size + len(payload) > self.limits.body_bytes
            if batch.rows and (too_long or len(batch.rows) >= self.limits.rows):
                yield NewBatch(lane, batch.positions, batch.rows, batch.notes)
                batch = lanes[lane] = _Open()
            batch.add(position, payload, notes)
        for lane, batch in sorted(lanes.items()):
            yield NewBatch(lane, batch.positions, batch.rows, batch.notes)


class _Open:
    """A batch being filled."""

    def __init__(self) -> None:
        self.positions: list[int] = []
        self.rows: list[bytes] = []
        self.notes: dict[str, list[str]] = {}
        self.size = 20

    def add(self, position: int, payload: bytes, notes: list[str]) -> None:
        self.positions.append(position)
        self.rows.append(payload)
        self.size += len(payload) + 1
        if notes:
            self.notes[str(position)] = notes


class _Index:
    """Which rows repeat, contradict or must not travel together.

    Good rows are numbered in input order. One *value* may stand only once in a call, because the answer names values
    without their type; further rows of a value (another type or scope) travel in later lanes. Source:
    import-ti-indicators.md (the result has ``indicator``, no type).
    """

    def __init__(self) -> None:
        self.positions = array("q")
        self.dropped: dict[int, tuple[str, str, str]] = {}
        self.lanes: dict[int, int] = {}
        self._first: dict[bytes, int] = {}
        self._more: dict[bytes, list[int]] = {}
        self._identities = array("q")
        self._payloads = array("q")
        self._actions: list[str] = []
        self._dropped_for: dict[int, list[int]] = {}

    def add(self, position: int, indicator: Indicator) -> None:
        number = len(self.positions)
        self.positions.append(position)
        self._identities.append(hash((indicator.type, indicator.value, indicator.scope)))
        self._payloads.append(hash(indicator.payload))
        self._actions.append(indicator.action)
        digest = blake2b(indicator.value.encode(), digest_size=16).digest()
        first = self._first.setdefault(digest, number)
        if first != number:
            self._repeat(number, self._more.setdefault(digest, [first]))

    def _repeat(self, number: int, others: list[int]) -> None:
        same = [other for other in others if self._identities[other] == self._identities[number]]
        if not same:
            others.append(number)
            self.lanes[number] = len(others) - 1
            return
        other = same[0]
        if other in self.dropped or self._actions[other] != self._actions[number]:
            both = f"rows {self.positions[other]} and {self.positions[number]}"
            reason = f"{both} want different actions for one value; keep one of them"
            for each in (number, *self._dropped_for.pop(other, ())):
                self.dropped[each] = ("rejected", "conflicting_actions", reason)
            self.dropped.setdefault(other, ("rejected", "conflicting_actions", reason))
        elif self._payloads[other] == self._payloads[number]:
            self.dropped[number] = ("duplicate", "duplicate", f"the same as row {self.positions[other]}")
            self._dropped_for.setdefault(other, []).append(number)
        else:
            reason = f"row {self.positions[number]} repeats it with other details; the later row is sent"
            self.dropped[other] = ("duplicate", "repeated_with_changes", reason)
            earlier = self._dropped_for[number] = self._dropped_for.pop(other, [])
            earlier.append(other)
            others[others.index(other)] = number
            self.lanes[number] = self.lanes.get(other, 0)


def _unreadable(row: BadRow) -> Rejection:
    return Rejection(printable(row.value), "", "", row.code, printable(f"{row.place}: {row.reason}"), ())


def _dropped(position: int, payload: bytes, notes: list[str], why: tuple[str, str, str]) -> Exceptional:
    row: dict[str, Any] = orjson.loads(payload)
    value, kind, action = row["indicatorValue"], row["indicatorType"], row["action"]
    status, code, reason = why
    return Exceptional(position, status, value, kind, action, code, reason, notes=notes)
