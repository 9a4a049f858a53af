"""The book of calls: which were made when, and whether one more may be.

It lives in the ledger, so it survives, and every process that opens the same file shares it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from defender_indicators.clock import Clock
from defender_indicators.delivery import limiter
from defender_indicators.delivery.ledger import Ledger
from defender_indicators.delivery.limiter import Rate, Slot, Window

_LATE: Final = 12
"""What was in the network when its process died may arrive a twelfth of the shortest window (5 s of 60) later."""
_RATE = "not_before, probing, pace, successes, throttled_at"


class CallBook:
    """Opens and closes calls within the limits.

    Args:
        windows: the limits of each endpoint, e.g. ``{"import": [Window(30, 60.0)]}``.
    """

    def __init__(self, ledger: Ledger, clock: Clock, windows: Mapping[str, Sequence[Window]]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._windows = windows

    def recover(self) -> None:
        """Take over after a crash or a reboot: nothing is in flight any more, and other boots' calls ended just now."""
        now, boot = self._clock.boottime(), self._clock.boot_id()
        execute = self._ledger.database.execute
        lengths = [window.seconds for windows in self._windows.values() for window in windows]
        longest, late = max(lengths), min(lengths) / _LATE
        with self._ledger.transaction():
            execute("UPDATE call SET ended = ?, kind = 'crashed' WHERE ended IS NULL AND boot = ?", (now + late, boot))
            execute(
                "UPDATE call SET boot = ?, started = ?, ended = ? WHERE boot <> ? AND (ended IS NULL OR ended >"
                " (SELECT MAX(other.started) FROM call AS other WHERE other.boot = call.boot) - ?)",
                (boot, now, now, boot, longest),
            )
            execute("DELETE FROM rate WHERE boot <> ?", (boot,))

    def open(self, endpoint: str, run: str, batch: int) -> tuple[int, float | None]:
        """Take a slot, inside the caller's transaction.

        Returns:
            The call's number and 0, or 0 and the seconds to wait; None: until a call in flight has ended.
        """
        now, boot = self._clock.boottime(), self._clock.boot_id()
        wait = limiter.delay(self._windows[endpoint], self._slots(endpoint, boot, now), self._rate(endpoint, boot), now)
        if wait is None or wait > 0:
            return 0, wait
        cursor = self._ledger.database.execute(
            "INSERT INTO call (endpoint, boot, started, run, batch, wall) VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
            (endpoint, boot, now, run, batch, self._clock.now().isoformat()),
        )
        return cursor.fetchone()[0], 0.0

    def close(  # noqa: PLR0913 - one fact of a call each
        self, call: int, endpoint: str, *, kind: str, status: int = 0, target: str = "", block: float | None = None
    ) -> None:
        """Give the slot back, inside the caller's transaction: its window starts to run now.

        ``kind``, ``status`` and ``target`` are kept for the record; ``block`` is for how many seconds the service (429)
        wants no further call, jitter added.
        """
        now = self._clock.boottime()
        [(started,)] = self._ledger.database.execute(
            "UPDATE call SET ended = ?, kind = ?, status = ?, target = ? WHERE id = ? RETURNING started",
            (now, kind, status, target, call),
        )
        if block is not None:
            self._put_rate(endpoint, lambda rate: limiter.throttled(rate, block, now))
        elif status:
            # A call from before the block is not its probe.
            self._put_rate(endpoint, lambda rate: limiter.succeeded(rate, now) if started >= rate.not_before else rate)

    def _put_rate(self, endpoint: str, change: Callable[[Rate], Rate]) -> None:
        boot = self._clock.boot_id()
        old = self._rate(endpoint, boot)
        new = change(old)
        if new == old:
            return
        self._ledger.database.execute(
            f"INSERT INTO rate (endpoint, boot, {_RATE}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (endpoint) DO UPDATE"
            " SET boot = excluded.boot, not_before = excluded.not_before, probing = excluded.probing,"
            " pace = excluded.pace, successes = excluded.successes, throttled_at = excluded.throttled_at",
            (endpoint, boot, new.not_before, int(new.probing), new.pace, new.successes, new.throttled_at),
        )

    def _slots(self, endpoint: str, boot: str, now: float) -> list[Slot]:
        longest = max(window.seconds for window in self._windows[endpoint])
        return [
            Slot(*row)
            for row in self._ledger.database.execute(
                "SELECT started, ended FROM call WHERE endpoint = ? AND (ended > ? OR ended IS NULL) AND boot = ?",
                (endpoint, now - longest, boot),
            )
        ]

    def _rate(self, endpoint: str, boot: str) -> Rate:
        row = self._ledger.database.execute(
            f"SELECT {_RATE} FROM rate WHERE endpoint = ? AND boot = ?", (endpoint, boot)
        ).fetchone()
        return Rate(row[0], bool(row[1]), *row[2:]) if row else Rate()
