"""From input rows to frozen batches: everything is checked and deduplicated before the first byte is sent.

The rows pass through once and are spooled to disk, so that memory stays small whatever their number and a conflict
found in the last row can still keep the first one from being sent. What the guard holds is judged like every other
row and keeps its place, but goes into the ledger as a line of its own instead of a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from typing import Any, Final, NamedTuple

import orjson

from defender_indicators.delivery import events
from defender_indicators.delivery.classify import printable
from defender_indicators.delivery.freezing import Hold, Kept, OpenBatch, dropped, held_line
from defender_indicators.delivery.ledger import Ledger
from defender_indicators.delivery.records import Exceptional, NewBatch
from defender_indicators.delivery.repeats import BLOCKING, Fate, Repeats
from defender_indicators.delivery.spool import Spool
from defender_indicators.indicators import Indicator, Rejection

RANK: Final = "x-rank"
"""A private key of input rows: what a source says of a row's weight; no part of the indicator."""
_TAB: Final = b"\t"
_AT_ONCE: Final = 1000


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
        guard: says of an indicator why it must wait.
        brake: is told how many rows would block something, and says why all of them must wait.
        kind: what the plan is for (``import``, ``sync`` …), for the record like the next two.
        author: who wants it.
        why: the reason that was given.

    Attributes:
        total: input rows read.
        hash: names the bytes to be sent and what is held; equal plans have equal hashes.
        subject_hash: names only what is blocked or allowed where, whatever its title or expiry.
        limits: how the rows are cut into requests.
    """

    def __init__(  # noqa: PLR0913 - everything a plan needs from outside
        self,
        rows: Iterable[object],
        judge: Callable[[object], Indicator | Rejection],
        *,
        limits: Limits,
        guard: Callable[[Indicator], Hold | None] | None = None,
        brake: Callable[[int], Hold | None] | None = None,
        idempotency_key: str = "",
        retry_of: str = "",
        kind: str = "import",
        author: str = "",
        why: str = "",
    ) -> None:
        self.limits = limits
        self.idempotency_key = idempotency_key
        self.retry_of = retry_of
        self.kind, self.author, self.why = kind, author, why
        self.total = 0
        self._guard = guard
        self._good, self._bad = Spool(), Spool()
        self._repeats = Repeats()
        self._braked: Hold | None = None
        self._digest, self._subjects = sha256(), sha256()
        try:
            self._read(rows, judge)
            self._repeats.judge()
            self._brake(brake)
        except BaseException:
            self.close()
            raise
        self.hash = self._digest.hexdigest()
        self.subject_hash = self._subjects.hexdigest()

    def _read(self, rows: Iterable[object], judge: Callable[[object], Indicator | Rejection]) -> None:
        for row in rows:
            if isinstance(row, dict) and RANK in row:
                row = {name: value for name, value in row.items() if name != RANK}  # noqa: PLW2901 - without its rank
            verdict = _unreadable(row) if isinstance(row, BadRow) else judge(row)
            if isinstance(verdict, Indicator):
                self._take(verdict)
            else:
                self._bad.add(orjson.dumps((self.total, *verdict)))
            self.total += 1

    def _take(self, indicator: Indicator) -> None:
        hold = self._guard(indicator) if self._guard else None
        line = b"%d\t%b" % (self.total, indicator.payload)
        if indicator.notes or hold:
            kept = hold and (hold.code, hold.reason, hold.hard)
            line += _TAB + orjson.dumps((indicator.notes, kept))
        self._good.add(line)
        self._repeats.add(self.total, indicator, held=hold is not None)
        self._digest.update(indicator.payload)
        self._subjects.update("\0".join(indicator[:4]).encode())
        self._note(hold)

    def _brake(self, brake: Callable[[int], Hold | None] | None) -> None:
        self._braked = brake(self._repeats.blocks) if brake else None
        self._note(self._braked)

    def _note(self, hold: Hold | None) -> None:
        if hold:
            self._digest.update(f"\0{hold.code}".encode())

    def write(self, ledger: Ledger, run_id: str, created: str) -> None:
        """Create the run in the ledger, whole or not at all."""
        with ledger.transaction():
            ledger.put_run(run_id, created, self.hash, **columns_of(self))
            ledger.put_rows(run_id, self._rejected())
            self._write_rows(ledger, run_id)
            events.record_created(ledger.database, run_id)

    def close(self) -> None:
        """Remove what is kept on disk."""
        self._good.close()
        self._bad.close()
        self._repeats.close()

    def _write_rows(self, ledger: Ledger, run_id: str) -> None:
        """Write batches, and the rows that are in none."""
        lines: list[Exceptional] = []
        for item in self._items():
            if isinstance(item, NewBatch):
                ledger.put_batches(run_id, (item,))
                continue
            lines.append(item)
            if len(lines) == _AT_ONCE:
                ledger.put_rows(run_id, lines)
                lines = []
        ledger.put_rows(run_id, lines)

    def _rejected(self) -> Iterator[Exceptional]:
        for line in self._bad:
            position, value, kind, action, code, reason, notes = orjson.loads(line)
            yield Exceptional(position, "rejected", value, kind, action, code, reason, notes=notes)

    def _items(self) -> Iterator[NewBatch | Exceptional]:
        """Return every good row once, in a batch or on a line of its own."""
        lanes: dict[int, OpenBatch] = {}
        verdicts = self._repeats.verdicts()
        upcoming = next(verdicts, None)
        for line in self._good:
            number, payload, *more = line.split(_TAB)
            position, verdict = int(number), None
            if upcoming and upcoming.position == position:
                verdict, upcoming = upcoming, next(verdicts, None)
            notes, kept = orjson.loads(more[0]) if more else ([], None)
            if verdict and verdict.fate != Fate.LANE:
                yield dropped(payload, notes, verdict)
                continue
            lane = verdict.first if verdict else 0
            hold = Kept(*kept) if kept else self._braked
            if hold and (kept or orjson.loads(payload)["action"] in BLOCKING):
                yield held_line(position, payload, notes, hold, lane)
                continue
            batch = lanes.setdefault(lane, OpenBatch())
            if batch.is_full(payload, *self.limits):
                yield batch.closed(lane)
                batch = lanes[lane] = OpenBatch()
            batch.add(position, payload, notes)
        for lane, batch in sorted(lanes.items()):
            yield batch.closed(lane)


def _unreadable(row: BadRow) -> Rejection:
    return Rejection(printable(row.value), "", "", row.code, printable(f"{row.place}: {row.reason}"), ())


def columns_of(plan: Any) -> dict[str, Any]:
    """Return what a run says of the plan that made it, whoever planned."""
    return {
        "subject_hash": plan.subject_hash,
        "idempotency_key": plan.idempotency_key or None,
        "retry_of": plan.retry_of,
        "total": plan.total,
        "max_rows": plan.limits.rows,
        "max_bytes": plan.limits.body_bytes,
        "kind": plan.kind,
        "author": plan.author,
        "why": plan.why,
    }
