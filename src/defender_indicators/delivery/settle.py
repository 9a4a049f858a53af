"""What a verdict changes for one batch: accept, refuse, split, resize, wait. Runs inside the caller's transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import orjson

from defender_indicators.delivery.bisect import CALL_REFUSED, Bisect
from defender_indicators.delivery.capacity import Capacity
from defender_indicators.delivery.classify import Kind, Verdict, looks_like_capacity
from defender_indicators.delivery.codes import code_of_doubt
from defender_indicators.delivery.health import Health
from defender_indicators.delivery.ledger import Ledger
from defender_indicators.delivery.records import Batch, Exceptional

NOT_ANSWERED: Final = "row_not_answered"
"""Code of a batch made of rows that an otherwise good answer left out."""
_COURTESIES: Final = 2
"""How often a refusal that asks for patience is treated as a 429."""
_SYSTEMIC_ROWS: Final = 10
_SYSTEMIC_SINGLES: Final = 3


class Outcome(NamedTuple):
    """``delay``: seconds before this batch is tried again; ``drain``: nothing new while calls are in flight."""

    delay: float = 0.0
    drain: bool = False


class Settler:
    """Applies verdicts to batches.

    Attributes:
        good_answers: answers that decided rows.
        bisect, capacity: what they say.
        suspicious: something was refused whole and nothing was ever accepted; the cause may be systemic.
    """

    def __init__(self, ledger: Ledger, health: Health) -> None:
        self._ledger = ledger
        self._health = health
        self.good_answers = 0
        self._good_before: dict[int, int] = {}
        self.bisect = Bisect(ledger, health.timing)
        self.capacity = Capacity(ledger, health)
        self._singles: dict[int, list[str]] = {}
        self._courtesies: Counter[int] = Counter()
        self._resizes = 0
        self.suspicious = False

    def settle(self, batch: Batch, verdict: Verdict, now: float) -> Outcome:
        """Write down what the verdict means for the batch and its rows."""
        self.bisect.spend(batch)
        deleting = batch.operation == "delete"
        match verdict.kind:
            case Kind.ANSWERED:
                return self._answered(batch, verdict, now)
            case Kind.AMBIGUOUS | Kind.REJECTED if deleting and verdict.doubtful:
                return self._deletion_in_doubt(batch, verdict, now)
            case Kind.AMBIGUOUS:
                return self._ambiguous(batch, verdict, now)
            case Kind.REJECTED:
                return self._rejected(batch, verdict, now)
            case Kind.TOO_MANY_ROWS | Kind.TOO_LARGE:
                return self._too_big(batch, verdict)
            case Kind.FATAL:
                self._health.halt("; ".join(filter(None, (verdict.reason, verdict.remedy))))
        doubtful = verdict.doubtful or batch.state == "unknown"
        self._ledger.set_batch(batch.id, state="unknown" if doubtful else "pending")
        return Outcome()

    def resized(self, batch: Batch, max_rows: int, max_bytes: int) -> bool:
        """Cut a batch that is too big for what the service allows now; returns whether it was."""
        size = len(batch.call().body)
        if len(batch.positions) == 1 or (len(batch.positions) <= max_rows and size <= max_bytes):
            return False
        average = size // len(batch.positions) + 1
        step = max(1, min(max_rows, max_bytes // average, len(batch.positions) - 1))
        cuts = range(0, len(batch.positions), step)
        with self._ledger.transaction():
            self.bisect.cut(batch, [(cut, cut + step) for cut in cuts], state=batch.state, root=batch.root)
        return True

    def isolated(self, batch: Batch, code: str, reason: str, now: float) -> None:
        """Set a row aside that was sent alone and refused, and see whether it is the rows at all."""
        self._ledger.set_batch(batch.id, state="quarantined", code="isolated_by_bisect", reason=reason)
        self._look_for_a_system(batch, code, reason, now)
        self.capacity.refused_whole(batch.run, reason, now)

    def _answered(self, batch: Batch, verdict: Verdict, now: float) -> Outcome:
        self._health.answered()
        self.good_answers += 1
        self.suspicious = False
        if batch.operation == "delete":
            self.capacity.freed(now)
        full = self.capacity.rows(verdict)
        waiting = full if full and self.capacity.may_come(now) else set()
        if verdict.refused:
            self._ledger.put_rows(batch.run, self._exceptions(batch, verdict, full, waiting))
        accepted = sum(identifier is not None for identifier in verdict.ids)
        self._ledger.set_batch(batch.id, state="answered", accepted=accepted, ids=orjson.dumps(verdict.ids), code="")
        missing = [place for place, found in enumerate(verdict.ids) if found is None and place not in verdict.refused]
        if missing:
            self._ask_again(batch, missing)
        elif batch.root:
            self.bisect.split_sibling(batch)
        if waiting:
            columns = {"parent": batch.id, "root": batch.root}
            self._ledger.put_batches(batch.run, [batch.part(sorted(waiting))], **columns)
        elif full:
            self.capacity.defer(batch.run, now)
        return Outcome()

    def _exceptions(self, batch: Batch, verdict: Verdict, full: set[int], waiting: set[int]) -> Iterator[Exceptional]:
        rows = batch.payloads()
        for place, reason in sorted(verdict.refused.items()):
            if place in waiting:
                continue
            status, code = ("deferred", "capacity_reached") if place in full else ("refused", "refused_by_service")
            line = batch.exceptional(place, rows[place], status, code, reason)
            yield line._replace(payload=orjson.dumps(rows[place]))

    def _ask_again(self, batch: Batch, missing: Sequence[int]) -> None:
        self._ledger.put_batches(
            batch.run,
            [batch.part(missing)],
            state="unknown",
            parent=batch.id,
            root=batch.root,
            ambiguous=batch.ambiguous + 1 if batch.code == NOT_ANSWERED else 1,
            code=NOT_ANSWERED,
            **batch.sent(),
        )

    def _ambiguous(self, batch: Batch, verdict: Verdict, now: float) -> Outcome:
        tries = batch.ambiguous + 1
        before = self._good_before.setdefault(batch.id, self.good_answers)
        if not batch.root:
            self._health.ambiguous(verdict.reason, now, strange=verdict.strange)
        code = code_of_doubt(verdict.code)
        self._ledger.set_batch(batch.id, state="unknown", ambiguous=tries, code=code, reason=verdict.reason)
        if tries < self._health.timing.ambiguous_tries:
            return Outcome(delay=self._health.backoff(tries))
        if batch.root and self.bisect.give_up_if_spent(batch.root):
            return Outcome()
        others_succeed = bool(batch.root) or self.good_answers > before
        if others_succeed and len(batch.positions) > 1 and batch.code != NOT_ANSWERED:
            self.bisect.split(batch, verdict.reason, state="unknown", code=code)
            return Outcome(drain=True)
        return Outcome(delay=self._health.backoff(tries))

    def _deletion_in_doubt(self, batch: Batch, verdict: Verdict, now: float) -> Outcome:
        """Nothing is sent again before a listing has shown what is left; only rows that are can be to blame."""
        tries, refused = batch.ambiguous + 1, verdict.kind is Kind.REJECTED
        if refused:
            self._health.spoke()
            self.suspicious = self.good_answers == 0
        else:
            self._health.ambiguous(verdict.reason, now, strange=verdict.strange)
        code = CALL_REFUSED if refused else code_of_doubt(verdict.code)
        self._ledger.set_batch(batch.id, state="unknown", ambiguous=tries, code=code, reason=verdict.reason)
        wait = self._health.backoff(tries) if verdict.retry_after is None else verdict.retry_after
        self._health.hold(now + wait, verdict.reason)
        if batch.root:
            self.bisect.give_up_if_spent(batch.root)
        return Outcome(drain=refused)

    def _rejected(self, batch: Batch, verdict: Verdict, now: float) -> Outcome:
        self._health.spoke()
        if verdict.retry_after is not None and self._courtesies[batch.id] < _COURTESIES:
            self._courtesies[batch.id] += 1
            self._ledger.set_batch(batch.id, state=batch.state)
            return Outcome(delay=verdict.retry_after)
        self.suspicious = self.good_answers == 0
        if verdict.code == "DisallowedOperation" and self.bisect.other_half_failed(batch):
            self._health.halt(f"{verdict.reason}; {verdict.remedy}")
            self._ledger.set_batch(batch.id, state="pending", code=CALL_REFUSED, reason=verdict.reason)
            return Outcome(drain=True)
        if len(batch.positions) > 1:
            self.bisect.split(batch, verdict.reason, state=batch.state, code=CALL_REFUSED)
            return Outcome(drain=True)
        self.isolated(batch, verdict.code, verdict.reason, now)
        return Outcome(drain=True)

    def _look_for_a_system(self, batch: Batch, code: str, reason: str, now: float) -> None:
        """Three isolated rows refused with one code while nothing was accepted: it is not the rows."""
        if not batch.root or not self.suspicious:
            return
        codes = self._singles.setdefault(batch.root, [])
        codes.append(code)
        root = self._ledger.batch(batch.root)
        if len(root.positions) <= _SYSTEMIC_ROWS or len(codes) < _SYSTEMIC_SINGLES or len(set(codes)) > 1:
            return
        self._ledger.database.execute(
            "UPDATE batch SET state = 'pending', code = '' WHERE root = ? AND state = 'quarantined'", (batch.root,)
        )
        if looks_like_capacity(reason):
            self.capacity.defer(batch.run, now)
        else:
            self._health.halt(
                f"every row is refused alike ({reason}): "
                "the request is wrong, not the rows; look for a gateway that changes it, then for a newer version"
            )

    def _look_for_a_gateway(self, run: str, verdict: Verdict) -> None:
        """Three rows too large even alone while nothing was accepted: it is not the rows."""
        alike = "run = ? AND state = 'quarantined' AND code = 'too_large'"
        [(count,)] = self._ledger.database.execute(f"SELECT COUNT(*) FROM batch WHERE {alike}", (run,))
        if not self.good_answers and count >= _SYSTEMIC_SINGLES:
            self._ledger.database.execute(f"UPDATE batch SET state = 'pending', code = '' WHERE {alike}", (run,))
            self._health.halt(f"single rows are too large ({verdict.reason}); look for a gateway that limits sizes")

    def _too_big(self, batch: Batch, verdict: Verdict) -> Outcome:
        self._health.spoke()
        run, size, count = self._ledger.run(batch.run), len(batch.call().body), len(batch.positions)
        if self._health.halted:
            self._ledger.set_batch(batch.id, state=batch.state)
            return Outcome(drain=True)
        if count == 1:
            self._ledger.set_batch(batch.id, state="quarantined", code="too_large", reason=verdict.reason)
            self._look_for_a_gateway(batch.run, verdict)
            return Outcome(drain=True)
        self._ledger.set_batch(batch.id, state=batch.state)
        if size > run.max_bytes or count > run.max_rows:
            return Outcome(drain=True)  # it left before another answer lowered the limit
        self._resizes += 1
        if self._resizes > self._health.timing.resize_tries:
            cause = f"the service allows smaller and smaller requests: {verdict.reason}"
            self._health.halt(f"{cause}; look for a gateway that limits their size")
        if verdict.kind is Kind.TOO_LARGE:
            self._ledger.set_run(batch.run, max_bytes=min(size // 2 + size // count, size - 1))
        else:
            self._ledger.set_run(batch.run, max_rows=max(1, min(verdict.allowed or count // 2, count - 1)))
        return Outcome(drain=True)
