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
_GOOD: Final = frozenset({"accepted", "unchanged", "duplicate"})
_IN_PLACE: Final = ("accepted", "unchanged")
_BAD: Final = ("refused", "rejected", "quarantined")


def as_if_sent(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the counts of a plan as its delivery would leave them if the service took every row."""
    accepted = counts.get("accepted", 0) + counts.get("pending", 0)
    return {**counts, "accepted": accepted, "pending": 0}


def outcome_of(counts: Mapping[str, int], *, halted: bool = False) -> Outcome:
    """Sum a run up.

    Args:
        counts: rows per status; a missing status counts as 0.
        halted: the run met something that trying again cannot mend.
    """
    if halted:
        return "halted"
    if any(counts.get(status) for status in RESUMABLE):
        return "paused"
    if all(status in _GOOD for status, count in counts.items() if count):
        return "succeeded"
    if any(counts.get(status) for status in _IN_PLACE):
        return "partial"
    return "held" if counts.get("held") else "failed"


def exit_code_of(counts: Mapping[str, int], *, halted: bool = False) -> int:
    """Return the exit code of a command that ran an import; the worst wins: 4 > 5 > 6 > 1 > 0."""
    if halted:
        return 4
    if any(counts.get(status) for status in RESUMABLE):
        return 5
    if counts.get("held"):
        return 6
    return int(any(counts.get(status) for status in _BAD))
