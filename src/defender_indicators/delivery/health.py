"""How the service is doing, and what follows for the whole run: hold, pause or halt. No clock, no I/O."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """Every duration (seconds) and budget of delivery; tests shrink the durations, nobody loosens the budgets.

    ``stale_send``: a call that was allowed longer ago than this is not sent any more (the machine was suspended).
    ``freed_slots``: how long deleted rows may still take up their places.
    """

    backoff: float = 0.8
    backoff_cap: float = 60.0
    breaker_pause: float = 60.0
    throttle_default: float = 60.0
    wall_budget: float = 1800.0
    not_sent_budget: float = 300.0
    reconcile_after: float = 900.0
    stale_send: float = 5.0
    sign_in_every: float = 60.0
    freed_slots: float = 20.0
    not_sent_tries: int = 6
    ambiguous_tries: int = 3
    strange_tries: int = 3
    breaker_failures: int = 5
    breaker_opens: int = 3
    bisect_calls: int = 120
    resize_tries: int = 10
    read_tries: int = 3
    capacity_rows: int = 20
    calls_in_flight: int = 4


class Health:
    """The budgets of one run.

    Attributes:
        hold_until: nothing is sent before this boot time; ``hold_reason`` says why.
        paused, halted: why the run ends early, ``""`` while it goes on. A paused run can be resumed as it is, a halted
            one only after somebody mended the cause.
        opened: how often the breaker opened since the last trustworthy answer.
    """

    def __init__(self, timing: Timing, uniform: Callable[[float, float], float]) -> None:
        self.timing = timing
        self._uniform = uniform
        self.hold_until = 0.0
        self.hold_reason = ""
        self.paused = ""
        self.halted = ""
        self.opened = 0
        self._not_sent = 0
        self._not_sent_since = 0.0
        self._ambiguous = 0
        self._open_until = 0.0
        self._strange = 0
        self._throttled_since: float | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more may be sent."""
        return bool(self.paused or self.halted)

    def backoff(self, attempt: int) -> float:
        """Return a random wait: full jitter up to ``backoff · 2ⁿ``, capped."""
        return self._uniform(0.0, min(self.timing.backoff_cap, self.timing.backoff * 2.0 ** min(attempt, 30)))

    def throttle(self, retry_after: float | None, now: float) -> float:
        """Note a 429 and return for how long (seconds) the key is blocked."""
        self._not_sent = 0
        if self._throttled_since is None:
            self._throttled_since = now
        if now - self._throttled_since > self.timing.wall_budget:
            self.pause("throttled by the service for too long")
        wait = self.timing.throttle_default if retry_after is None else retry_after
        return wait * (1 + self._uniform(0.0, 0.1))

    def answered(self) -> None:
        """Note a trustworthy answer: everything is well."""
        self._not_sent = self._ambiguous = self._strange = self.opened = 0
        self._throttled_since = None

    def spoke(self) -> None:
        """Note an answer of the API, even a refusal: it is reachable and it is the API."""
        self._not_sent = self._strange = 0

    def not_sent(self, reason: str, now: float) -> None:
        """Note a call that cannot have reached the service."""
        if not self._not_sent:
            self._not_sent_since = now
        self._not_sent += 1
        too_long = now - self._not_sent_since > self.timing.not_sent_budget
        if self._not_sent >= self.timing.not_sent_tries or too_long:
            self.pause(f"the service cannot be reached: {reason}")
        self.hold(now + self.backoff(self._not_sent), reason)

    def ambiguous(self, reason: str, now: float, *, strange: bool) -> None:
        """Note a call that may have been carried out; too many in a row open the breaker.

        Answers while it is open belong to calls that were sent before, and do not open it again.
        """
        self._strange = self._strange + 1 if strange else 0
        if self._strange >= self.timing.strange_tries:
            self.halt(f"the answers do not come from the API: {reason}; check the API address and any proxy")
        self._ambiguous += 1
        if self._ambiguous < self.timing.breaker_failures or now < self._open_until:
            return
        self.opened += 1
        self._open_until = now + self.timing.breaker_pause
        if self.opened >= self.timing.breaker_opens:
            self.pause(f"the service keeps failing: {reason}")
        self.hold(self._open_until, f"the service keeps failing: {reason}")

    def pause(self, reason: str) -> None:
        """End the run; it can be resumed."""
        self.paused = self.paused or reason

    def halt(self, reason: str) -> None:
        """End the run; somebody has to act first."""
        self.halted = self.halted or reason

    def hold(self, until: float, reason: str) -> None:
        """Send nothing before ``until`` (boot time)."""
        if until > self.hold_until:
            self.hold_until, self.hold_reason = until, reason
