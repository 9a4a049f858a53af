"""How fast may we send: pure arithmetic over the calls that the ledger remembers.

A slot is held from before a call is sent until one window after it *ended*; seen from the service, no window ever
holds more than the allowed calls, whatever the latency. When the service says 429 all the same, the whole key is
blocked for as long as it asks, one probe goes through, and only a service that asks for short waits is paced.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

PACE_START: Final = 2.1
"""Seconds between calls when pacing starts: one call per 1/30 of a minute and a little more."""
PACE_GROWTH: Final = 1.5
PACE_DECAY: Final = 1.1
PACE_CAP: Final = 60.0
PACE_SUCCESSES: Final = 8
PACE_CLEAN_SECONDS: Final = 120.0
PACE_RETRY_AFTER: Final = 10.0
"""Only a ``Retry-After`` this short (seconds) is the mark of a token bucket, which pacing helps with."""
STALE_SECONDS: Final = 180.0
"""A slot whose holder died is freed this long after its start: longer than the deadline of any call."""


class Window(NamedTuple):
    """At most ``calls`` in any ``seconds``."""

    calls: int
    seconds: float


class Slot(NamedTuple):
    """One remembered call, in seconds since boot; ``ended`` is None while it is in flight."""

    started: float
    ended: float | None


@dataclass(frozen=True, slots=True)
class Rate:
    """What the service told us about one endpoint; times in seconds since boot, 0 means never.

    ``pace`` is the wanted distance between two calls (0: none), ``successes`` counts towards the next easing,
    ``probing`` is true between a block and the first answer after it.
    """

    not_before: float = 0.0
    probing: bool = False
    pace: float = 0.0
    successes: int = 0
    throttled_at: float = 0.0


def delay(windows: Sequence[Window], slots: Sequence[Slot], rate: Rate, now: float) -> float | None:
    """Return the seconds until one more call is allowed; 0 means now, None: not before a call in flight has ended."""
    if rate.probing and any(slot.ended is None and slot.started >= rate.not_before for slot in slots):
        return None
    wait = max(0.0, rate.not_before - now)
    if rate.pace and slots:
        wait = max(wait, max(slot.started for slot in slots) + rate.pace - now)
    for window in windows:
        held = [slot for slot in slots if _holds(slot, window, now)]
        ends = sorted(slot.ended for slot in held if slot.ended is not None)
        to_free = len(held) - window.calls + 1
        if to_free > len(ends):
            return None
        if to_free > 0:
            wait = max(wait, ends[to_free - 1] + window.seconds - now)
    return wait


def _holds(slot: Slot, window: Window, now: float) -> bool:
    end = slot.started + STALE_SECONDS if slot.ended is None else slot.ended
    return now < end + window.seconds


def throttled(rate: Rate, retry_after: float, now: float) -> Rate:
    """Return the rate after a 429 that asked for ``retry_after`` seconds (jitter already added).

    A 429 to a call that was sent before the block began belongs to the same epoch and must not pace twice.
    """
    if now < rate.not_before:
        return replace(rate, not_before=max(rate.not_before, now + retry_after))
    pace = rate.pace
    if retry_after <= PACE_RETRY_AFTER * PACE_DECAY:
        pace = min(PACE_CAP, pace * PACE_GROWTH) if pace else PACE_START
    return Rate(not_before=now + retry_after, probing=True, pace=pace, successes=0, throttled_at=now)


def succeeded(rate: Rate, now: float) -> Rate:
    """Return the rate after a call that was not throttled.

    An answer during a block belongs to a call that was sent before it, and is not the probe.
    """
    if rate == Rate() or now < rate.not_before:
        return rate
    if now - rate.throttled_at >= PACE_CLEAN_SECONDS:
        return Rate()
    successes = rate.successes + 1
    pace = rate.pace
    if pace and successes % PACE_SUCCESSES == 0:
        pace /= PACE_DECAY
    return replace(rate, probing=False, successes=successes, pace=pace)
