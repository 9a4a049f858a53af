"""Deletions: what an answer to one means, and what a listing says about one that is in doubt.

The service answers for a whole call and leaves open what was deleted when it says that an id was not found (Source:
batch-delete-ti-indicators.md). So after everything but success the tenant is listed before anything is sent again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

import orjson

from defender_indicators import strict_json
from defender_indicators.delivery.answer import Answer
from defender_indicators.delivery.bisect import BUDGET_SPENT, CALL_REFUSED
from defender_indicators.delivery.classify import Kind, Verdict, judged_alone
from defender_indicators.delivery.conditions import SEEN, FirstStep, first_steps, in_place
from defender_indicators.delivery.health import Health
from defender_indicators.delivery.ledger import Ledger
from defender_indicators.delivery.reading import Reading, changed_since
from defender_indicators.delivery.records import NOTHING, Batch, Exceptional
from defender_indicators.delivery.settle import Settler
from defender_indicators.indicators import row_from_api

_PERMISSION: Final = "deleting needs permissions of the application itself: sign in as it, with Ti.ReadWrite.All"


def classify_deletion(answer: Answer, ids: Sequence[str]) -> Verdict:
    """Judge the answer to a deletion of these ids: ANSWERED stands for all of them.

    Source: batch-delete-ti-indicators.md (204 when all existed; 404 when one did not), common-errors.md.
    """
    verdict = judged_alone(answer)
    if verdict.kind is Kind.ANSWERED or answer.status == HTTPStatus.NO_CONTENT:
        return _succeeded(answer, ids)
    if answer.status == HTTPStatus.NOT_FOUND and verdict.code != f"http_{HTTPStatus.NOT_FOUND}":
        return replace(verdict, kind=Kind.REJECTED, doubtful=True, remedy="")
    if answer.status == HTTPStatus.BAD_REQUEST and verdict.kind is Kind.REJECTED:
        return replace(verdict, doubtful=True)
    if answer.status == HTTPStatus.FORBIDDEN and verdict.kind is Kind.FATAL:
        return replace(verdict, remedy=_PERMISSION)
    return verdict


def _succeeded(answer: Answer, ids: Sequence[str]) -> Verdict:
    """An empty body or JSON without an error is the API's; a web page with status 200 is somebody else's."""
    body = answer.body.strip()
    try:
        document = strict_json.loads(body) if body else None
    except ValueError:
        reason = f"HTTP {answer.status}, but the body is not the API's JSON"
        return Verdict(Kind.AMBIGUOUS, "untrustworthy_answer", reason, strange=body[:1] not in b"{[", doubtful=True)
    if isinstance(document, dict) and "error" in document:
        reason = f"HTTP {answer.status}, but the body tells of an error"
        return Verdict(Kind.AMBIGUOUS, "untrustworthy_answer", reason, doubtful=True)
    return Verdict(Kind.ANSWERED, ids=ids)


class Deletions:
    """Settles deletions in doubt by what a complete listing shows, inside the caller's transaction."""

    def __init__(self, ledger: Ledger, health: Health, settler: Settler) -> None:
        self._ledger = ledger
        self._health = health
        self._settler = settler

    def settle(self, batch: Batch, reading: Reading, now: float, *, mine: bool) -> None:
        """An id that is not listed is deleted; a row as it was planned is tried again; any other is somebody's.

        ``mine``: the batch belongs to the run that is being delivered.
        """
        rows = batch.payloads()
        steps = first_steps(self._ledger, batch.run, set(batch.after.values()))
        ids: list[str | None] = [None] * len(rows)
        lines: list[Exceptional] = []
        again: list[int] = []
        for place, row in enumerate(rows):
            listed = reading.listed(str(row["id"]))
            if listed is None:
                ids[place] = str(row["id"])
            elif _same(row, listed) and not changed_since(row, listed, batch.sent_wall):
                again.append(place)
            else:
                step = steps.get(batch.after.get(str(batch.positions[place]), NOTHING))
                lines.append(_not_ours(batch, place, row, listed, step))
        if len(again) == len(batch.positions) == 1 and self._blamed(batch, mine=mine):
            self._settler.isolated(batch, batch.reason.partition(":")[0], batch.reason, now)
            return
        deleted = len(rows) - len(lines) - len(again)
        self._ledger.put_rows(batch.run, lines)
        self._ledger.set_batch(batch.id, state="answered", accepted=deleted, ids=orjson.dumps(ids))
        if deleted:
            self._settler.capacity.freed(now)
        if again:
            # What is gone explains the refusal; what is left has not been refused yet.
            self._again(batch, again, 0 if deleted else batch.ambiguous, mine=mine)

    def _again(self, batch: Batch, places: list[int], rounds: int, *, mine: bool) -> None:
        refused = batch.code == CALL_REFUSED
        columns = {"parent": batch.id, "root": batch.root, "reason": batch.reason, **batch.sent()}
        columns |= {"code": CALL_REFUSED if refused else SEEN, "ambiguous": rounds}
        parts, blamed = [places], rounds > 0 and self._blamed(batch, mine=mine)
        if batch.code == BUDGET_SPENT:
            columns |= {"state": "deferred", "code": BUDGET_SPENT, "ambiguous": 0}
        elif blamed and len(places) > 1:
            middle = len(places) // 2
            parts = [places[:middle], places[middle:]]
            columns |= {"root": batch.root or batch.id, "code": CALL_REFUSED, "ambiguous": 0}
        elif not blamed and mine and rounds >= self._health.timing.ambiguous_tries:
            self._health.pause(f"the service keeps failing: {batch.reason}")
            columns |= {"ambiguous": 0}
        self._ledger.put_batches(batch.run, [batch.part(part) for part in parts], **columns)
        if len(parts) > 1:
            self._settler.bisect.give_up_if_spent(batch.root or batch.id)

    def _blamed(self, batch: Batch, *, mine: bool) -> bool:
        """Whether the rows have had their chances, and it is they and not the service that fail."""
        refused = batch.code == CALL_REFUSED
        enough = 1 if batch.root and refused else self._health.timing.ambiguous_tries
        by_rows = refused or bool(batch.root) or self._settler.good_answers > 0
        return mine and by_rows and batch.ambiguous >= enough and batch.code != BUDGET_SPENT


def _same(row: Mapping[str, Any], listed: Mapping[str, Any] | None) -> bool:
    ours = row_from_api({"id": "", **row})
    names = ("type", "value", "action", "scope")
    return ours is not None and listed is not None and all(ours[name] == listed[name] for name in names)


def _not_ours(
    batch: Batch, place: int, row: Mapping[str, Any], listed: Mapping[str, Any], step: FirstStep | None
) -> Exceptional:
    if step and step.row and _same(step.row, listed):
        return in_place(batch, place, row)
    why = "the row was changed since its deletion was planned; look at it there, then delete it if it is not wanted"
    return batch.exceptional(place, row, "held", "changed_elsewhere", why)
