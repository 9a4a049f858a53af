"""Settling doubt by reading: what is too old or too often unanswered to be sent again is looked up in the tenant."""

from __future__ import annotations

from typing import Any, Final

import orjson

from defender_indicators.clock import Clock
from defender_indicators.delivery.answer import Answer, Call
from defender_indicators.delivery.bisect import BUDGET_SPENT
from defender_indicators.delivery.classify import Kind, Verdict
from defender_indicators.delivery.deletion import Deletions
from defender_indicators.delivery.health import Health
from defender_indicators.delivery.ledger import Ledger
from defender_indicators.delivery.pages import Pages
from defender_indicators.delivery.reading import Found, Key, Reading
from defender_indicators.delivery.records import Batch, Exceptional
from defender_indicators.delivery.settle import NOT_ANSWERED, Settler
from defender_indicators.indicators import row_from_api

_PASSING: Final = frozenset({Kind.UNAUTHORIZED, Kind.THROTTLED, Kind.NOT_SENT})
"""Answers that say nothing about the listing: others see to them, the page is simply asked for again."""


class Reconciler:
    """Finds batches that must not be sent again unread, lists the tenant, and settles them."""

    def __init__(self, ledger: Ledger, health: Health, clock: Clock, settler: Settler) -> None:
        self._ledger = ledger
        self._health = health
        self._clock = clock
        self._settler = settler
        self._deletions = Deletions(ledger, health, settler)
        self._run_id = ""
        self._pages: Pages | None = None
        self._reading = Reading(set())
        self._doubtful: dict[int, bool] = {}
        self._witnesses: set[Key] = set()
        self._deleting = False
        self._distrusted = 0

    def wanted(self, run_id: str) -> bool:
        """Whether a listing is under way or due; afterwards :meth:`call` has the next page."""
        if self._pages is not None:
            return True
        self._run_id = run_id
        self._doubtful = self._due(run_id)
        if not self._doubtful:
            return False
        self._witnesses = self._accepted_keys()
        self._start()
        return True

    def _start(self) -> None:
        keys, ids = set(self._witnesses), set[str]()
        for batch in map(self._ledger.batch, self._doubtful):
            if batch.operation == "delete":
                ids.update(batch.row_ids())
            else:
                keys |= _keys(batch.payloads())
        self._deleting = bool(ids)
        self._pages, self._reading = Pages(), Reading(keys, ids)

    def _accepted_keys(self) -> set[Key]:
        """Return some rows that the service is known to hold: a listing without any of them is not to be trusted."""
        last = self._ledger.batches(
            "state = 'answered' AND operation = 'import' AND accepted > 0 ORDER BY id DESC LIMIT 1"
        )
        for batch in list(last):
            ids = self._ledger.ids(batch.id)
            held = _keys([row for row, found in zip(batch.payloads(), ids, strict=True) if found is not None])
            for deletion in self._ledger.batches("operation = 'delete' AND attempts > 0"):
                held -= _keys(deletion.payloads())
            return held
        return set()

    def call(self) -> Call:
        """Return the request for the next page."""
        return self._pages.call() if self._pages else Call("GET", "")

    def page(self, verdict: Verdict, answer: Answer, now: float) -> None:
        """Take a page in; after the last one settle every doubtful batch, inside the caller's transaction."""
        if self._pages is None or verdict.kind in _PASSING:
            return
        problem, rows = self._pages.take(answer)
        self._reading.add(rows)
        if verdict.kind is Kind.FATAL:
            self._health.halt("; ".join(filter(None, (f"reading back: {verdict.reason}", verdict.remedy))))
        elif problem and self._pages.failures >= self._health.timing.read_tries:
            self._health.pause(f"rows are in doubt and cannot be read back: {problem}")
        elif problem:
            self._health.hold(now + self._health.backoff(self._pages.failures), problem)
        elif not self._pages.path and self._blind(self._pages.total):
            self._health.hold(now + self._health.backoff(self._distrusted), "the listing lacks rows that were accepted")
            self._start()
        elif not self._pages.path:
            self._distrusted = 0
            for batch_id, aged in self._doubtful.items():
                self._settle(self._ledger.batch(batch_id), now, aged=aged)
            self._pages = None

    def _blind(self, total: int) -> bool:
        """Whether the listing lacks what must be there; one that lacks it every time has to be believed.

        Where nothing is known that must be, an empty listing is not proof enough that rows were deleted.
        """
        trusted = self._reading.sees(self._witnesses) if self._witnesses else total > 0 or not self._deleting
        if trusted:
            return False
        self._distrusted += 1
        return self._distrusted < self._health.timing.read_tries

    def _due(self, run_id: str) -> dict[int, bool]:
        """Return doubtful batches; true for those that are in doubt for so long that somebody may have acted."""
        now, boot, timing = self._clock.boottime(), self._clock.boot_id(), self._health.timing
        due = {}
        for identifier, run, size, operation, ambiguous, code, sent_at, sent_boot in self._ledger.database.execute(
            "SELECT id, run, size, operation, ambiguous, code, sent_at, sent_boot FROM batch WHERE state = 'unknown'"
        ):
            aged = sent_boot != boot or now - sent_at > timing.reconcile_after
            often = ambiguous >= timing.ambiguous_tries
            if (
                operation == "delete"
                or aged
                or (often and (size == 1 or run != run_id or code in {NOT_ANSWERED, BUDGET_SPENT}))
            ):
                due[identifier] = aged
        return due

    def _settle(self, batch: Batch, now: float, *, aged: bool) -> None:
        if batch.operation == "delete":
            self._deletions.settle(batch, self._reading, now, mine=batch.run == self._run_id)
            return
        rows = batch.payloads()
        findings = [self._reading.find(row, batch.sent_wall) for row in rows]
        equal = [finding.found is Found.EQUAL for finding in findings]
        applied = any(same and finding.fresh for finding, same in zip(findings, equal, strict=True))
        ids = [finding.ids[0] if same else None for finding, same in zip(findings, equal, strict=True)]
        held, again = [], []
        for place, finding in enumerate(findings):
            deleted = finding.found is Found.ABSENT and aged and applied
            if finding.found is Found.CHANGED or deleted:
                held.append(_held(batch, place, rows[place], deleted=deleted))
            elif finding.found is not Found.EQUAL:
                again.append(place)
        self._ledger.put_rows(batch.run, held)
        self._ledger.set_batch(batch.id, state="answered", accepted=sum(equal), ids=orjson.dumps(ids))
        if again:
            self._not_there(batch, again, aged=aged)

    def _not_there(self, batch: Batch, places: list[int], *, aged: bool) -> None:
        state, code = self._verdict(batch, aged=aged)
        columns = {"state": state, "parent": batch.id, "root": batch.root, "code": code, "reason": batch.reason}
        self._ledger.put_batches(batch.run, [batch.part(places)], **columns)

    def _verdict(self, batch: Batch, *, aged: bool) -> tuple[str, str]:
        """Say what becomes of rows that the tenant does not hold: send them again, or stop blaming the network."""
        if aged or batch.run != self._run_id:
            return "pending", ""
        if batch.code == BUDGET_SPENT:
            return "deferred", BUDGET_SPENT
        if batch.code == NOT_ANSWERED:
            return "quarantined", NOT_ANSWERED
        doubted = batch.root and self._ledger.batch(batch.root).ambiguous >= self._health.timing.ambiguous_tries
        if doubted or (not batch.root and self._settler.good_answers):
            return "quarantined", "isolated_by_bisect"
        if not batch.root:
            self._health.pause(f"the service keeps failing: {batch.reason}")
        return "pending", ""


def _held(batch: Batch, place: int, row: dict[str, Any], *, deleted: bool) -> Exceptional:
    what = "is not in the tenant, though its call was carried out" if deleted else "was changed since it was sent"
    reason = f"the row {what}; look at it there, then import it again if it is still wanted"
    return batch.exceptional(place, row, "held", "changed_elsewhere", reason)


def _keys(rows: list[dict[str, Any]]) -> set[Key]:
    return {(row["type"], row["value"]) for raw in rows if (row := row_from_api({"id": "", **raw}))}
