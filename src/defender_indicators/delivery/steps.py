"""What the machine asks of the world, one step at a time."""

from __future__ import annotations

from dataclasses import dataclass

from defender_indicators.delivery.answer import Call
from defender_indicators.delivery.records import Batch


@dataclass(frozen=True, slots=True)
class Ticket:
    """A call that may be sent now: its slot is taken and its intent is on disk.

    ``opened`` is the boot time of that commit, ``generation`` counts sign-ins, ``batch`` is None for a listing.
    """

    id: int
    call: Call
    opened: float
    generation: int
    batch: Batch | None


@dataclass(frozen=True, slots=True)
class SignIn:
    """Make sure of a token; ``renew`` drops the old one, ``claims`` is the service's challenge."""

    renew: bool
    claims: str


@dataclass(frozen=True, slots=True)
class Send:
    """Send this call and report its answer."""

    ticket: Ticket


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before ``until`` (boot time; None: before a call in flight comes back)."""

    until: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Finished:
    """Nothing more will be sent and nothing is in flight."""


Step = SignIn | Send | Wait | Finished
