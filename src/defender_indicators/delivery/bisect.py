"""Finding the rows for which a whole call was refused: halves of halves, and what one half proves about the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from defender_indicators.delivery.health import Timing
from defender_indicators.delivery.ledger import Ledger
from defender_indicators.delivery.records import Batch

BUDGET_SPENT: Final = "bisect_budget_spent"
"""Code of rows that a bisect did not get to within its budget of calls."""
CALL_REFUSED: Final = "call_refused"
"""Code of the parts of a batch that was refused whole."""


class Bisect:
    """Cuts batches in the ledger, inside the caller's transaction; the tree survives in ``parent`` and ``root``.

    The budget of calls is counted anew in every process: a resumed run may go on looking.
    """

    def __init__(self, ledger: Ledger, timing: Timing) -> None:
        self._ledger = ledger
        self._timing = timing
        self._spent: Counter[int] = Counter()

    def spend(self, batch: Batch) -> None:
        """Count one call for the tree that the batch belongs to."""
        self._spent[batch.root or batch.id] += 1

    def split(self, batch: Batch, reason: str, *, state: str, code: str) -> None:
        """Replace a batch by its halves, unless its tree has used up its calls."""
        root = batch.root or batch.id
        middle = len(batch.positions) // 2
        halves = [(0, middle), (middle, len(batch.positions))]
        self.cut(batch, halves, state=state, root=root, code=code, reason=reason)
        self.give_up_if_spent(root)

    def cut(self, batch: Batch, cuts: Sequence[tuple[int, int]], **columns: object) -> None:
        """Replace a batch by parts of it; every place belongs to one of the cuts."""
        places = range(len(batch.positions))
        self._ledger.set_batch(batch.id, state="split")
        parts = [batch.part(places[start:end]) for start, end in cuts]
        self._ledger.put_batches(batch.run, parts, parent=batch.id, **batch.sent(), **columns)

    def give_up_if_spent(self, root: int) -> bool:
        """When the budget is spent, unsent rows wait for another run and rows in doubt are read back."""
        if self._spent[root] < self._timing.bisect_calls:
            return False
        execute = self._ledger.database.execute
        execute(
            "UPDATE batch SET state = 'deferred', code = ? WHERE root = ? AND state = 'pending'", (BUDGET_SPENT, root)
        )
        execute(
            "UPDATE batch SET ambiguous = ?, code = ? WHERE root = ? AND state = 'unknown'",
            (self._timing.ambiguous_tries, BUDGET_SPENT, root),
        )
        return True

    def split_sibling(self, batch: Batch) -> None:
        """When one half passed, what was wrong with the whole is in the other: do not send it to find that out.

        Only where the whole was refused; a whole that got no answer proves nothing about its halves. And only to save
        calls: no row is blamed that was not sent alone, for the refusal itself may have been a passing one.
        """
        siblings = self._ledger.batches(
            "parent = ? AND id <> ? AND root = ? AND attempts = 0 AND state = 'pending' AND code <> ''",
            (batch.parent, batch.id, batch.root),
        )
        for sibling in list(siblings):
            if len(sibling.positions) > 1:
                self.split(sibling, sibling.reason, state="pending", code=CALL_REFUSED)

    def other_half_failed(self, batch: Batch) -> bool:
        """Whether the batch is one half of what was first refused, and the other half was refused as well."""
        if not batch.root or batch.parent != batch.root:
            return False
        others = self._ledger.database.execute(
            "SELECT COUNT(*) FROM batch WHERE parent = ? AND id <> ? AND attempts > 0"
            " AND state IN ('split', 'quarantined')",
            (batch.root, batch.id),
        )
        return bool(others.fetchone()[0])
