"""Which rows are not in place, and why, gathered in one walk over the results of a report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from defender_indicators import delivery, guard, indicators, sources
from defender_indicators.delivery.report import DRY_RUN

NOT_IN_PLACE: Final = ("rejected", "refused", "quarantined", "held", "deferred", "unknown", "pending")
SHOWN: Final = 20
"""Rows of a code that are shown."""
_MEANINGS: Final = {**sources.CODES, **guard.CODES, **indicators.CODES, **delivery.CODES}


@dataclass
class Failure:
    """Rows of one status and code; ``rows`` are the first of them, as they stand in the report."""

    status: str
    code: str
    count: int = 0
    rows: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Code and status; one code can come with several."""
        return f"{self.code}, {self.status}"

    @property
    def meaning(self) -> str:
        """What the code means and what to do, ``""`` where it is not known."""
        return _MEANINGS.get(self.code, "")


def failures(report: Mapping[str, Any]) -> list[Failure]:
    """Return the failures of a report, the most frequent first; of a plan, what is yet to be sent is none."""
    planned = report["run_id"] == DRY_RUN
    statuses = [status for status in NOT_IN_PLACE if not (planned and status == "pending")]
    if not any(report["counts"].get(status) for status in statuses):
        return []
    return _gathered(row for row in report["results"] if row["status"] in statuses)


def _gathered(rows: Iterable[Mapping[str, Any]]) -> list[Failure]:
    found: dict[tuple[str, str], Failure] = {}
    for row in rows:
        key = row["status"], row["code"]
        failure = found.setdefault(key, Failure(*key))
        failure.count += 1
        if len(failure.rows) < SHOWN:
            failure.rows.append(row)
    return sorted(found.values(), key=lambda failure: -failure.count)
