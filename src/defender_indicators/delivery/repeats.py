"""Which rows repeat, contradict or must not travel together; nothing that grows with the rows stays in memory.

Every good row leaves a short record in one of 64 partitions, chosen by its value. When all rows are there, each
partition is judged alone; the verdicts are sorted in runs, which are merged while the rows are read again.

One *value* may stand only once in a call, because the answer names values without their type; further rows of a value
(another type or scope) travel in later lanes. Source: import-ti-indicators.md (the result has ``indicator``, no type).
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from enum import IntEnum
from hashlib import blake2b
from struct import Struct
from typing import Final, NamedTuple

from defender_indicators.delivery.spool import Series
from defender_indicators.indicators import Indicator

BLOCKING: Final = frozenset({"Block", "BlockAndRemediate", "AlertAndBlock"})
_PARTITIONS: Final = 64
_SORTED_AT_ONCE: Final = 50_000
_RECORD: Final = Struct("<q16sqqBB")
_VERDICT: Final = Struct("<qBqq")


class Fate(IntEnum):
    """What is to be said of a row that is not simply sent in the first lane."""

    LANE = 0
    DUPLICATE = 1
    REPEATED = 2
    CONFLICT = 3


class Verdict(NamedTuple):
    """``first`` is the lane, the row it is the same as, the later row, or the first of the two rows in conflict."""

    position: int
    fate: int
    first: int
    second: int


class _Record(NamedTuple):
    """``identity`` and ``payload`` are hashes, ``counts`` is 1 for a row that blocks and is not held."""

    position: int
    value: bytes
    identity: int
    payload: int
    action: int
    counts: int


class _Group:
    """The rows of one identity, as far as they were read; ``kept`` is the one that would be sent."""

    def __init__(self, kept: _Record, lane: int) -> None:
        self.kept = kept
        self.lane = lane
        self.conflict: tuple[int, int] | None = None

    def look(self, record: _Record) -> None:
        """Look for a conflict, before anything is decided."""
        if self.conflict is None and record.action != self.kept.action:
            self.conflict = self.kept.position, record.position
        elif record.payload != self.kept.payload:
            self.kept = record


class Repeats:
    """Compares rows.

    Attributes:
        blocks: rows that would be sent, block something, and are not held; once judged.
    """

    def __init__(self) -> None:
        self.blocks = 0
        self._records, self._runs = Series(), Series()
        self._actions: dict[str, int] = {}
        self._unsorted: list[Verdict] = []

    def add(self, position: int, indicator: Indicator, *, held: bool) -> None:
        """Take note of a row."""
        counts = not held and indicator.action in BLOCKING
        self.blocks += counts
        value = blake2b(indicator.value.encode(), digest_size=16).digest()
        identity = hash((indicator.type, indicator.value, indicator.scope))
        action = self._actions.setdefault(indicator.action, len(self._actions))
        record = _RECORD.pack(position, value, identity, hash(indicator.payload), action, counts)
        self._records.add(value[0] % _PARTITIONS, record)

    def judge(self) -> None:
        """Decide; no row may be added any more."""
        for partition in self._records.numbers():
            again = self._repeated_values(partition)
            if again:
                self._settle(partition, again)
        self._put_away()
        self._records.close()

    def verdicts(self) -> Iterator[Verdict]:
        """Return what is to be said of rows, in input order."""
        return heapq.merge(*(self._run(number) for number in self._runs.numbers()))

    def close(self) -> None:
        """Forget everything."""
        self._records.close()
        self._runs.close()

    def _repeated_values(self, partition: int) -> set[bytes]:
        seen: set[bytes] = set()
        again: set[bytes] = set()
        for block in self._records.blocks(partition):
            for record in _RECORD.iter_unpack(block):
                value = record[1]
                if value in seen:
                    again.add(value)
                else:
                    seen.add(value)
        return again

    def _settle(self, partition: int, again: set[bytes]) -> None:
        groups: dict[tuple[bytes, int], _Group] = {}
        lanes: Counter[bytes] = Counter()
        for record in self._chosen(partition, again):
            group = groups.get(record[1:3])
            if group is None:
                groups[record[1:3]] = _Group(record, lanes[record.value])
                lanes[record.value] += 1
            else:
                group.look(record)
        current: dict[tuple[bytes, int], _Record] = {}
        for record in self._chosen(partition, again):
            self._decide(record, groups[record[1:3]], current)
        for group in groups.values():
            if group.lane and group.conflict is None:
                self._say(group.kept, Fate.LANE, group.lane)

    def _decide(self, record: _Record, group: _Group, current: dict[tuple[bytes, int], _Record]) -> None:
        if group.conflict:
            kept, other = group.conflict
            self._drop(record, Fate.CONFLICT, kept, max(other, record.position))
            return
        before = current.setdefault(record[1:3], record)
        if before is record:
            return
        if before.payload == record.payload:
            self._drop(record, Fate.DUPLICATE, before.position)
        else:
            self._drop(before, Fate.REPEATED, record.position)
            current[record[1:3]] = record

    def _chosen(self, partition: int, again: set[bytes]) -> Iterator[_Record]:
        for block in self._records.blocks(partition):
            for record in _RECORD.iter_unpack(block):
                if record[1] in again:
                    yield _Record(*record)

    def _drop(self, record: _Record, fate: Fate, first: int, second: int = 0) -> None:
        self.blocks -= record.counts
        self._say(record, fate, first, second)

    def _say(self, record: _Record, fate: Fate, first: int, second: int = 0) -> None:
        self._unsorted.append(Verdict(record.position, fate, first, second))
        if len(self._unsorted) >= _SORTED_AT_ONCE:
            self._put_away()

    def _put_away(self) -> None:
        number = len(list(self._runs.numbers()))
        for verdict in sorted(self._unsorted):
            self._runs.add(number, _VERDICT.pack(*verdict))
        self._unsorted = []

    def _run(self, number: int) -> Iterator[Verdict]:
        for block in self._runs.blocks(number):
            yield from map(Verdict._make, _VERDICT.iter_unpack(block))
