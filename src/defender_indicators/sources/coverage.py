"""What became of everything that a source holds: mapped, repeated, left out, unreadable."""

from __future__ import annotations

import sqlite3
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, TypeVar

from defender_indicators.delivery import BadRow
from defender_indicators.errors import LedgerError, PackError
from defender_indicators.sources.observed import Dropped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from defender_indicators.sources.row import Row

_Item = TypeVar("_Item")

MOST_KEPT = 1000
"""So many verdicts of each kind are kept to be shown; all are counted."""
_BATCH = 5000
_CACHE_KIB = 32 * 1024
_KINDS_SHOWN = 6


@dataclass
class Coverage:
    """Counts that grow while a source is read; its text is the line that every reading ends with.

    ``read`` is the sum of the others. ``dropped`` counts by kind; ``first_dropped`` and ``first_bad`` hold the first
    1,000 verdicts of each sort.
    """

    read: int = 0
    mapped: int = 0
    duplicates: int = 0
    bad: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    first_dropped: list[Dropped] = field(default_factory=list)
    first_bad: list[BadRow] = field(default_factory=list)
    _seen: _Seen | None = None

    def __str__(self) -> str:
        kinds = [f"{kind} {count:,}" for kind, count in self.dropped.most_common(_KINDS_SHOWN)]
        kinds += ["…"] if len(self.dropped) > _KINDS_SHOWN else []
        parts = [f"{self.mapped:,} mapped", f"{self.duplicates:,} duplicates"]
        parts.append(f"{self.dropped.total():,} dropped" + (f" ({', '.join(kinds)})" if kinds else ""))
        parts += [f"{self.bad:,} unreadable"] if self.bad else []
        return f"{self.read:,} read: {', '.join(parts)}"

    def as_dict(self) -> dict[str, Any]:
        """Return the counts as plain data."""
        dropped = dict(self.dropped.most_common())
        counts = {"read": self.read, "mapped": self.mapped, "duplicates": self.duplicates, "bad": self.bad}
        return {**counts, "dropped": dropped}

    def count(
        self, found: Iterable[Row | Dropped], identity: Callable[[Row], str], *, unique: bool = False
    ) -> Iterator[Row]:
        """Yield the rows among what was found, in order, and count everything; repeats of earlier walks are found.

        Args:
            found: the walk through a source. What it raises is raised here, after every row before it.
            identity: what makes a row the same as another; ``""`` where nothing can.
            unique: leave out rows that repeat an earlier one; otherwise they are only counted.
        """
        seen = self._seen = self._seen or _Seen()
        for batch in _batches(found):
            rows = [item for item in batch if not isinstance(item, Dropped)]
            self._drop(item for item in batch if isinstance(item, Dropped))
            keys = ["" if isinstance(row, BadRow) else identity(row) for row in rows]
            repeated = seen.repeated(keys)
            self.read += len(batch)
            self.duplicates += len(repeated)
            for place, row in enumerate(rows):
                if isinstance(row, BadRow):
                    self._spoil(row)
                elif place not in repeated:
                    self.mapped += 1
                elif unique:
                    continue
                yield row

    def _drop(self, dropped: Iterable[Dropped]) -> None:
        for item in dropped:
            self.dropped[item.kind] += 1
            if len(self.first_dropped) < MOST_KEPT:
                self.first_dropped.append(item)

    def _spoil(self, row: BadRow) -> None:
        self.bad += 1
        if len(self.first_bad) < MOST_KEPT:
            self.first_bad.append(row)


def _batches(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """Yield lists of items; an error of ours on the way is raised after the items before it."""
    batch: list[_Item] = []
    failure = None
    try:
        for item in items:
            batch.append(item)
            if len(batch) == _BATCH:
                yield batch
                batch = []
    except PackError as error:
        failure = error
    yield batch
    if failure:
        raise failure


class _Seen:
    """Identities met so far, 16 bytes each, on disk: ten million of them need no more memory than a thousand."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)  # a file without a name, gone when closed
        for setting in ("journal_mode=OFF", "synchronous=OFF", f"cache_size=-{_CACHE_KIB}"):
            self._database.execute(f"PRAGMA {setting}")
        self._database.execute("CREATE TABLE seen (digest BLOB PRIMARY KEY) WITHOUT ROWID")
        self._database.execute("BEGIN")

    def repeated(self, keys: list[str]) -> set[int]:
        """Return the places of keys that were met before, here or in an earlier list; ``""`` never is."""
        digests = [
            (blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest(), place)
            for place, key in enumerate(keys)
            if key
        ]
        insert = "INSERT OR IGNORE INTO seen VALUES (?)"
        try:  # in the order of the table, so that a batch touches each page once
            return {
                place for digest, place in sorted(digests) if not self._database.execute(insert, (digest,)).rowcount
            }
        except sqlite3.Error as error:
            place = tempfile.gettempdir()
            raise LedgerError(f"{place}: duplicates cannot be kept there: {error}; free space, or set TMPDIR") from None
