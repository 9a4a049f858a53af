"""Ctrl-C and SIGTERM: the first stops a run in good order, the second at once.

Before anything is being sent there is nothing to put in order, so that the first one ends the command. Either way the
ledger holds what it needs for the run to be resumed.
"""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from defender_indicators.cli import console

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
AT_ONCE = b"Stopped at once; find out about the calls in flight, and go on, with: defender-indicators resume\n"


class Stop(Protocol):
    """What a running delivery looks at between two steps."""

    def request(self, signal_number: int) -> None:
        """Ask the run to end."""


class Interrupted(BaseException):
    """A signal that came before anything was sent."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.exit_code = 128 + number


class Guard:
    """Knows which signal came, and whether a run is under way. ``number`` is 0 while none came."""

    def __init__(self, stop: Stop) -> None:
        self.number = 0
        self.sending = False
        self._stop = stop

    def handle(self, number: int, _: FrameType | None) -> None:
        """Take one signal."""
        if self.number:
            with suppress(OSError):
                os.write(2, AT_ONCE)  # not through a stream, which this signal may have interrupted
            os._exit(128 + number)
        self.number = number
        if not self.sending:
            raise Interrupted(number)
        console.say("Stopping after the calls in flight; once more to stop at once.")
        self._stop.request(number)


@contextmanager
def guarded(stop: Stop) -> Iterator[Guard]:
    """Handle the stop signals for as long as a run is under way."""
    guard = Guard(stop)
    before = {number: signal.signal(number, guard.handle) for number in SIGNALS}
    try:
        yield guard
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
