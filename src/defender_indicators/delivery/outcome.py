"""What became of the rows, in the words every door uses; counts in, one word and one exit code out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

Status = Literal[
    "accepted",
    "unchanged",
    "refused",
    "rejected",
    "duplicate",
    "superseded",
    "held",
    "deferred",
    "quarantined",
    "unknown",
    "pending",
]
Outcome = Literal["succeeded", "partial", "failed", "held", "paused", "halted"]

STATUSES: Final[tuple[str, ...]] = get_args(Status)
OUTCOMES: Final[tuple[str, ...]] = get_args(Outcome)
RETRYABLE: Final = frozenset({"refused", "deferred", "unknown", "pending"})
RESUMABLE: Final = frozenset({"deferred", "unknown", "pending"})
_IN_PLACE: Final = frozenset({"accepted", "unchanged"})
_GOOD: Final = _IN_PLACE | {"duplicate"}
EXIT_CODES: Final[Mapping[Outcome, int]] = {
    "succeeded": 0, "partial": 1, "failed": 1, "halted": 4, "paused": 5, "held": 6
}  # fmt: skip
"""The exit code of a command that ran an import."""


def as_if_sent(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the counts of a plan as its delivery would leave them if the service took every row."""
    accepted = counts.get("accepted", 0) + counts.get("pending", 0)
    return {**counts, "accepted": accepted, "pending": 0}


def outcome_of(counts: Mapping[str, int], *, halted: bool = False) -> Outcome:
    """Sum a run up in one word; the worst wins. What became of a row that a newer run took over, only that run knows.

    Args:
        counts: rows per status; a missing status counts as 0.
        halted: the run met something that trying again cannot mend.
    """
    there = {status for status, count in counts.items() if count}
    if halted:
        return "halted"
    if there & RESUMABLE:
        return "paused"
    if "held" in there:
        return "held"
    if there <= _GOOD:
        return "succeeded"
    return "partial" if there & _IN_PLACE else "failed"
