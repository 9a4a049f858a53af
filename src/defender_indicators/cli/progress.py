"""A bar on standard error while an import runs: what is accepted, refused, in flight, and why it waits."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from defender_indicators.cli import console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Progress(Protocol):
    """What delivery tells about a run; numbers are rows, seconds and calls."""

    @property
    def total(self) -> int: ...  # noqa: D102  # the class says it
    @property
    def accepted(self) -> int: ...  # noqa: D102  # the class says it
    @property
    def refused(self) -> int: ...  # noqa: D102  # the class says it
    @property
    def other(self) -> int: ...  # noqa: D102  # the class says it
    @property
    def waiting_seconds(self) -> float: ...  # noqa: D102  # the class says it
    @property
    def waiting_reason(self) -> str: ...  # noqa: D102  # the class says it
    @property
    def in_flight(self) -> int: ...  # noqa: D102  # the class says it


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


@contextmanager
def progress_bar() -> Iterator[Callable[[Progress], None]]:
    """Yield a function that shows where a run stands; it does nothing unless somebody watches."""
    if not console.is_watched(sys.stderr):
        yield lambda _: None
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
