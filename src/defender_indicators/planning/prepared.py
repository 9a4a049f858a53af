"""A finished plan: the changes, in lanes, ready to be shown, written to a file, or delivered."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

import orjson

from defender_indicators.delivery import Ledger, Limits, events
from defender_indicators.delivery.plan import columns_of
from defender_indicators.delivery.records import NewBatch
from defender_indicators.planning.capacity import EARLY
from defender_indicators.planning.changes import Change
from defender_indicators.planning.retirement import retire

KINDS: Final = ("add", "update", "renew", "replace", "delete", "clear", "evict", "unchanged")
_TO_COME: Final = frozenset({"pending", "held", "deferred"})
"""What is sent now or when it is released: it needs its own place in the order."""
STOPPED: Final = ("held", "deferred", "rejected", "duplicate")


@dataclass(frozen=True)
class Prepared:
    """A plan that ``Delivery.deliver`` takes.

    ``kind`` says what made it, ``facts`` what was known then (capacity, source, coverage); ``expected`` is
    the :func:`~defender_indicators.planning.planner.state_of` the tenant that it was made for.
    """

    changes: Sequence[Change]
    kind: str
    set_name: str = ""
    author: str = ""
    why: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    expected: str = ""
    limits: Limits = field(default_factory=Limits)
    idempotency_key: str = ""
    retry_of: str = ""

    @property
    def total(self) -> int:
        """Rows of the report: those of the input, and the deletions after them."""
        return len(self.changes)

    @property
    def hash(self) -> str:
        """Name what would be done to whom, and what is held for which reason; an approval is bound to it."""
        digest = sha256(f"{self.kind}\0{self.set_name}\0{self.author}\0".encode())
        for change in self.changes:
            held = change.code if change.status == "held" else ""
            facts = (change.kind, change.status, change.id, change.after, change.lane, change.hard, held)
            digest.update("\0".join(map(str, facts)).encode() + change.row)
        return digest.hexdigest()

    @property
    def subject_hash(self) -> str:
        """Name only what is blocked, allowed or deleted where."""
        digest = sha256()
        for change in self.changes:
            named = (change.kind, change.type, change.value, change.action, change.scope)
            digest.update("\0".join(named).encode())
        return digest.hexdigest()

    def counts(self) -> dict[str, int]:
        """Return how many changes of each kind will be sent, and how many of each status will not."""
        sent = Counter(change.kind for change in self.changes if change.status in {"pending", "unchanged"})
        stopped = Counter(change.status for change in self.changes if not change.sent)
        return {name: sent[name] for name in KINDS} | {name: stopped[name] for name in STOPPED}

    def write(self, ledger: Ledger, run_id: str, created: str) -> None:
        """Create the run in the ledger, whole or not at all."""
        with ledger.transaction():
            retire(ledger, self.kind, self.set_name)
            facts = {**self.facts, "changes": self.counts(), "set": self.set_name}
            ledger.put_run(run_id, created, self.hash, **columns_of(self), facts=orjson.dumps(facts).decode())
            laned = self.laned()
            ledger.put_rows(run_id, (change.line() for change in laned if not change.sent))
            ledger.put_batches(run_id, _batches([change for change in laned if change.sent], self.limits))
            events.record_created(ledger.database, run_id)

    def close(self) -> None:
        """Nothing to give back: everything is in memory."""

    def laned(self) -> list[Change]:
        """Give every change its lane: what goes before the imports, the imports, what comes after them.

        In one import call a value stands once, because the answer names values without their type.
        """
        seen: Counter[str] = Counter()
        imports: dict[int, int] = {}
        awaited = {change.after for change in self.changes if change.operation == "import"}
        for change in self.changes:
            if change.operation == "import":
                imports[change.position] = 1 + seen[change.value]
                seen[change.value] += change.status in _TO_COME
        last = 1 + max(seen.values(), default=0)

        def lane(change: Change) -> int:
            if change.operation == "import":
                return imports[change.position]
            return 0 if change.lane == EARLY or change.position in awaited else last

        return [change._replace(lane=lane(change)) for change in self.changes]


def _batches(changes: Sequence[Change], limits: Limits) -> Iterator[NewBatch]:
    lanes: defaultdict[tuple[int, str], list[Change]] = defaultdict(list)
    for change in changes:
        lanes[change.lane, change.operation].append(change)
    for (lane, operation), members in sorted(lanes.items()):
        for part in _cut(members, limits):
            notes = {str(one.position): list(one.notes) for one in part if one.notes}
            after = {str(one.position): one.after for one in part if one.after >= 0}
            yield NewBatch(lane, [one.position for one in part], [one.row for one in part], notes, operation, after)


def _cut(members: Sequence[Change], limits: Limits) -> Iterator[list[Change]]:
    part: list[Change] = []
    size = 0
    for change in members:
        if part and (len(part) >= limits.rows or size + len(change.row) > limits.body_bytes):
            yield part
            part, size = [], 0
        part.append(change)
        size += len(change.row) + 1
    if part:
        yield part
