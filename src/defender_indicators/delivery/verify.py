"""Reading a run back: is what was accepted still in the tenant, as it was sent, only once, or gone?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson

from defender_indicators.delivery.answer import Transport
from defender_indicators.delivery.ledger import Ledger
from defender_indicators.delivery.lister import Lister
from defender_indicators.delivery.reading import Found, Reading
from defender_indicators.errors import InputError
from defender_indicators.indicators import row_from_api

_GOOD: Final = ("equal", "deleted")


class _Check(NamedTuple):
    """One accepted row; ``id`` is what the service called it."""

    position: int
    row: Mapping[str, Any]
    id: str
    sent_wall: str
    deleted: bool


class Verifier:
    """Lists the tenant once and compares."""

    def __init__(self, ledger: Ledger, lister: Lister) -> None:
        self._ledger = ledger
        self._lister = lister

    def verify(self, run_id: str, transport: Transport) -> dict[str, Any]:
        """Compare every accepted row of a run with the tenant; a deleted one must be absent.

        Returns:
            ``schema_version``, ``run_id``, ``ok`` (every accepted row is there as it was sent, and once), ``total``
            (input rows), ``checked`` (accepted rows), ``counts`` (equal, older, changed, absent, doubled, deleted,
            still_there) and ``rows``: those that are not as they should be.

        Raises:
            InputError: no row of the run was accepted, so there is nothing to read back.
            ConnectorError: the tenant could not be listed to the end.
        """
        checks = list(self._accepted(run_id))
        if not checks:
            raise InputError(f"run {run_id}: no row was accepted, there is nothing to read back; `show` says why")
        reading = Reading(
            {_key(check.row)[:2] for check in checks if not check.deleted},
            {check.id for check in checks if check.deleted},
        )
        for page in self._lister.rows(transport):
            reading.add(page)
        counts = dict.fromkeys((*(found.value for found in Found), "doubled", "deleted", "still_there"), 0)
        gone = {_key(check.row) for check in checks if check.deleted}
        rows = []
        for check in checks:
            verdicts, ids = _judged(check, reading, gone)
            counts.update({verdict: counts[verdict] + 1 for verdict in verdicts})
            if verdicts[-1] not in _GOOD:
                rows.append(
                    {
                        "index": check.position,
                        "value": check.row["indicatorValue"],
                        "type": check.row["indicatorType"],
                        "action": check.row["action"],
                        "finding": verdicts[-1],
                        "ids": list(ids),
                    }
                )
        return {
            "schema_version": "1.0",
            "run_id": run_id,
            "ok": not rows,
            "total": self._ledger.run(run_id).total,
            "checked": len(checks),
            "counts": counts,
            "rows": rows,
        }

    def _accepted(self, run_id: str) -> Iterator[_Check]:
        answered = self._ledger.database.execute(
            "SELECT id, ids FROM batch WHERE run = ? AND state = 'answered' ORDER BY first", (run_id,)
        ).fetchall()
        for batch_id, found in answered:
            batch = self._ledger.batch(batch_id)
            ids, deleted = orjson.loads(found), batch.operation == "delete"
            for position, row, identifier in zip(batch.positions, batch.payloads(), ids, strict=True):
                if identifier is not None:
                    yield _Check(position, row, identifier, batch.sent_wall, deleted)


def _judged(check: _Check, reading: Reading, gone: set[tuple[str, str, str, str]]) -> tuple[list[str], Sequence[str]]:
    """Return what to count, the worst last, and the ids of the rows that are meant."""
    if check.deleted:
        there = reading.listed(check.id) is not None
        return (["still_there"], [check.id]) if there else (["deleted"], [])
    finding = reading.find(check.row, check.sent_wall)
    if finding.found is Found.ABSENT and _key(check.row) in gone:
        return ["deleted"], []
    doubled = len(finding.ids) > 1
    return [finding.found.value, "doubled"] if doubled else [finding.found.value], finding.ids


def _key(row: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Return (type, value, action, scope)."""
    ours = row_from_api({"id": "", **row}) or {}
    return ours.get("type", ""), ours.get("value", ""), ours.get("action", ""), ours.get("scope", "")
