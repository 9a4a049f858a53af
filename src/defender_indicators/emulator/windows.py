"""The service's rate limits, per application and tenant, with three readings of what "per minute" means."""

from __future__ import annotations

import math
from collections import deque
from typing import Protocol

from defender_indicators.emulator.faults import LOOKUPS
from defender_indicators.emulator.settings import Settings

_MINUTE, _HOUR = 60, 3600
LIMITS: dict[str, tuple[tuple[int, int], ...]] = {
    "import": ((30, _MINUTE),),
    "batch_delete": ((30, _MINUTE), (1_500, _HOUR)),
    "submit": ((100, _MINUTE), (1_500, _HOUR)),
    "list": ((100, _MINUTE), (1_500, _HOUR)),
    "get": ((100, _MINUTE), (1_500, _HOUR)),
    "delete": ((100, _MINUTE), (1_500, _HOUR)),
    **dict.fromkeys(LOOKUPS, ((100, _MINUTE), (1_500, _HOUR))),
}
"""Endpoint → (calls, seconds), every pair enforced. Source: the rate limitation of each endpoint's page."""


class Window(Protocol):
    """One limit: how long must a call wait, and take a place."""

    def wait(self, now: float, used_elsewhere: float) -> float:
        """Return the seconds until a call would be let in; 0 when it may pass now."""

    def take(self, now: float) -> None:
        """Use up one call."""


class SlidingWindow:
    """At most ``calls`` in any window of ``seconds``."""

    def __init__(self, calls: int, seconds: float) -> None:
        self._calls, self._seconds = calls, seconds
        self._taken: deque[float] = deque()

    def wait(self, now: float, used_elsewhere: float) -> float:
        """Return the seconds until enough calls have left the window."""
        while self._taken and self._taken[0] <= now - self._seconds:
            self._taken.popleft()
        surplus = len(self._taken) - math.floor(self._calls - used_elsewhere)
        if surplus < 0:
            return 0.0
        return self._taken[surplus] + self._seconds - now if surplus < len(self._taken) else self._seconds

    def take(self, now: float) -> None:
        """Use up one call."""
        self._taken.append(now)


class FixedWindow:
    """At most ``calls`` between two strokes of a clock that strikes every ``seconds``."""

    def __init__(self, calls: int, seconds: float) -> None:
        self._calls, self._seconds = calls, seconds
        self._current, self._taken = -1, 0

    def wait(self, now: float, used_elsewhere: float) -> float:
        """Return the seconds until the next stroke."""
        current = math.floor(now / self._seconds)
        if current != self._current:
            self._current, self._taken = current, 0
        return 0.0 if self._taken + used_elsewhere < self._calls else (current + 1) * self._seconds - now

    def take(self, _: float) -> None:
        """Use up one call."""
        self._taken += 1


class TokenBucket:
    """``calls`` tokens, refilled evenly over ``seconds``."""

    def __init__(self, calls: int, seconds: float) -> None:
        self._calls, self._rate = calls, calls / seconds
        self._tokens, self._at = float(calls), -math.inf

    def wait(self, now: float, used_elsewhere: float) -> float:
        """Return the seconds until one token is there."""
        refilled = self._tokens + (now - self._at) * self._rate
        self._tokens, self._at = min(self._calls, refilled), now
        missing = 1 + used_elsewhere - self._tokens
        return max(0.0, missing / self._rate)

    def take(self, _: float) -> None:
        """Use up one token."""
        self._tokens -= 1


_KINDS: dict[str, type[SlidingWindow | FixedWindow | TokenBucket]] = {
    "sliding": SlidingWindow,
    "fixed": FixedWindow,
    "token_bucket": TokenBucket,
}


class Limiter:
    """All limits of one emulator."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._scale = settings.window_seconds / _MINUTE
        self._windows: dict[tuple[str, str, str], list[Window]] = {}

    def admit(self, tenant: str, app: str, endpoint: str, now: float, used_elsewhere: float = 0.0) -> int:
        """Let one call in, or say how long it has to wait.

        Args:
            tenant: the tenant of the caller's token.
            app: the application of the caller's token.
            endpoint: a key of :data:`LIMITS`; anything else is not limited.
            now: seconds on a clock that never jumps.
            used_elsewhere: calls a minute that another client of the same application uses up.

        Returns:
            0, or the whole seconds of ``Retry-After``.
        """
        if not self._settings.limits:
            return 0
        key = (tenant, app, endpoint)
        if key not in self._windows:
            kind = _KINDS[self._settings.window]
            self._windows[key] = [kind(calls, seconds * self._scale) for calls, seconds in LIMITS.get(endpoint, ())]
        windows = self._windows[key]
        wait = max((window.wait(now, used_elsewhere) for window in windows), default=0.0)
        if wait <= 0 or self._settings.rejected_calls_count:
            for window in windows:
                window.take(now)
        return max(1, math.ceil(wait)) if wait > 0 else 0
