"""Reading a run back: is what was accepted still in the tenant, as it was sent, and only once?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import orjson

from defender_indicators.clock import Clock
from defender_indicators.delivery.answer import Answer, Call, Transport
from defender_indicators.delivery.calls import CallBook
from defender_indicators.delivery.classify import Kind, classify
from defender_indicators.delivery.health import Health
from defender_indicators.delivery.ledger import Ledger
from defender_indicators.delivery.reading import Found, Reading
from defender_indicators.delivery.records import Batch
from defender_indicators.errors import AuthorizationError, InputError, ThrottledError, TransportError
from defender_indicators.indicators import matching_key, row_from_api

_PLACE: Final = "GET /api/indicators"


class Verifier:
    """Lists the tenant once and compares.

    Args:
        sleep: waits so many seconds; returns false when somebody asked to stop.
    """

    def __init__(
        self, ledger: Ledger, book: CallBook, health: Health, clock: Clock, sleep: Callable[[float], bool]
    ) -> None:
        self._ledger = ledger
        self._book = book
        self._health = health
        self._clock = clock
        self._sleep = sleep

    def verify(self, run_id: str, transport: Transport) -> dict[str, Any]:
        """Compare every accepted row of a run with the tenant.

        Returns:
            ``schema_version``, ``run_id``, ``ok`` (every accepted row is there as it was sent, and once), ``total``
            (input rows), ``checked`` (accepted rows), ``counts`` (equal, older, changed, absent, doubled) and
            ``rows``: those that are not as they should be.

        Raises:
            InputError: no row of the run was accepted, so there is nothing to read back.
            ConnectorError: the tenant could not be listed to the end.
        """
        wanted = {_key(row) for _, row, _ in self._accepted(run_id)}
        if not wanted:
            raise InputError(f"run {run_id}: no row was accepted, there is nothing to read back; `show` says why")
        reading = self._listing(wanted, transport)
        counts = {found.value: 0 for found in Found} | {"doubled": 0}
        rows = []
        for batch, row, position in self._accepted(run_id):
            finding = reading.find(row, batch.sent_wall)
            doubled = len(finding.ids) > 1
            counts[finding.found.value] += 1
            counts["doubled"] += doubled
            if doubled or finding.found is not Found.EQUAL:
                rows.append(
                    {
                        "index": position,
                        "value": row["indicatorValue"],
                        "type": row["indicatorType"],
                        "action": row["action"],
                        "finding": "doubled" if doubled else finding.found.value,
                        "ids": list(finding.ids),
                    }
                )
        checked = sum(counts[found.value] for found in Found)
        return {
            "schema_version": "1.0",
            "run_id": run_id,
            "ok": not rows,
            "total": self._ledger.run(run_id).total,
            "checked": checked,
            "counts": counts,
            "rows": rows,
        }

    def _accepted(self, run_id: str) -> Iterator[tuple[Batch, Mapping[str, Any], int]]:
        answered = self._ledger.database.execute(
            "SELECT id, ids FROM batch WHERE run = ? AND state = 'answered' ORDER BY first", (run_id,)
        ).fetchall()
        for batch_id, found in answered:
            batch = self._ledger.batch(batch_id)
            ids = orjson.loads(found)
            for position, row, identifier in zip(batch.positions, batch.payloads(), ids, strict=True):
                if identifier is not None:
                    yield batch, row, position

    def _listing(self, wanted: set[tuple[str, str]], transport: Transport) -> Reading:
        reading = Reading(wanted)
        transport.sign_in()
        while reading.path:
            answer = self._call(Call("GET", reading.path), transport)
            problem = reading.page(answer)
            if problem and answer.status == 403:  # noqa: PLR2004 - Forbidden
                raise AuthorizationError(f"{_PLACE}: {problem}; grant the application Ti.ReadWrite.All", status=403)
            if problem and reading.failures >= self._health.timing.read_tries:
                raise TransportError(f"{_PLACE}: {problem}; nothing was proved, try again", status=answer.status)
            if problem:
                self._pause(self._health.backoff(reading.failures))
        return reading

    def _call(self, call: Call, transport: Transport) -> Answer:
        while True:
            with self._ledger.transaction():
                number, wait = self._book.open("list", "", 0)
            if number:
                break
            self._pause(1.0 if wait is None else wait)
        answer = transport.send(call)
        verdict = classify(answer, (), matching_key)
        throttled = verdict.kind is Kind.THROTTLED
        block = self._health.throttle(verdict.retry_after, self._clock.boottime()) if throttled else None
        with self._ledger.transaction():
            self._book.close(number, "list", kind=verdict.kind.value, status=answer.status, block=block)
        if verdict.kind is Kind.UNAUTHORIZED:
            transport.sign_in(renew=True, claims=verdict.claims)
        return answer

    def _pause(self, seconds: float) -> None:
        if not self._sleep(seconds):
            raise ThrottledError(f"{_PLACE}: stopped while waiting; nothing was proved")


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    ours = row_from_api({"id": "", **row}) or {}
    return ours.get("type", ""), ours.get("value", "")
