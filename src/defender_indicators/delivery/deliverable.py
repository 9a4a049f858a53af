"""What delivery takes, and what it tells on the way."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from defender_indicators.delivery.ledger import Ledger


class Deliverable(Protocol):
    """A plan, whoever made it."""

    @property
    def hash(self) -> str:
        """Name of everything that would be done."""

    @property
    def subject_hash(self) -> str:
        """Name of what is blocked, allowed or deleted where, whatever its title or expiry."""

    @property
    def idempotency_key(self) -> str:
        """The caller's name for this import; ``""`` for none."""

    def write(self, ledger: Ledger, run_id: str, created: str) -> None:
        """Create the run in the ledger, whole or not at all."""


class Progress(NamedTuple):
    """Where a run stands; ``waiting_seconds`` is 0 while it does not wait or waits for an answer."""

    total: int
    accepted: int
    refused: int
    other: int
    in_flight: int
    waiting_seconds: float
    waiting_reason: str
