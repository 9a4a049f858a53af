"""A bar on standard error while an import runs: what is accepted, refused, in flight, and why it waits."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from defender_indicators.cli import console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from defender_indicators.delivery import Progress

LONG_WAIT = 10.0
"""Seconds from which a wait is worth a line of a log."""
REMINDER = 60.0
"""Seconds after which a log says again that the wait goes on."""


def status_line(now: Progress) -> str:
    """Return the words beside the bar."""
    parts = [f"{now.accepted} accepted"]
    if now.refused:
        parts.append(f"{now.refused} refused")
    if now.other:
        parts.append(f"{now.other} not sent")
    if now.in_flight:
        parts.append(f"{now.in_flight} call{'s' * (now.in_flight > 1)} in flight")
    if now.waiting_seconds > 0:
        reason = f": {console.printable(now.waiting_reason, 60)}" if now.waiting_reason else ""
        parts.append(f"waiting {now.waiting_seconds:.0f} s{reason}")
    return " · ".join(parts)


class Spoken:
    """Says why nothing happens for a while, each minute once; in a log, a line for each step would be too much.

    ``clock`` returns seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said, self._until = "", 0.0

    def __call__(self, now: Progress) -> None:
        """Take one look at the run."""
        queued = now.total == 0
        if not now.waiting_reason or not (queued or now.waiting_seconds >= LONG_WAIT):
            return
        if now.waiting_reason == self._said and self._clock() < self._until:
            return
        self._said, self._until = now.waiting_reason, self._clock() + REMINDER
        seconds = "" if queued else f" {now.waiting_seconds:.0f} s"
        console.say(f"waiting{seconds}: {now.waiting_reason}")


@contextmanager
def progress_bar() -> Iterator[Callable[[Progress], None]]:
    """Yield a function that shows where a run stands: a bar where somebody watches, else a line for a long wait."""
    if not console.is_watched(sys.stderr):
        yield Spoken()
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn  # noqa: PLC0415  # only where a bar is drawn
    from rich.progress import Progress as Bar  # noqa: PLC0415  # only where a bar is drawn

    columns = (BarColumn(24), MofNCompleteColumn(), TextColumn("{task.fields[words]}", markup=False))
    with Bar(*columns, console=console.rich_console(sys.stderr), transient=True) as bar:
        task = bar.add_task("", total=None, words="reading")

        def show(now: Progress) -> None:
            done = now.accepted + now.refused + now.other
            bar.update(task, total=now.total, completed=done, words=status_line(now))

        yield show
