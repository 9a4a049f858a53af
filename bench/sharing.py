"""Eight processes share one limiter against a service with jitter: none is told to slow down, none starves."""

from __future__ import annotations

import multiprocessing
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.figure import Figure, at_least, at_most, exactly

from defender_indicators.clock import SystemClock
from defender_indicators.delivery import Ledger, Window
from defender_indicators.delivery.calls import CallBook
from defender_indicators.errors import LockedError

PROCESSES = 8
CALLS = 30
WINDOW = 6.0
WINDOWS = 4
LATENCY = 0.02
"""A tenth of real time: windows of 6 s instead of 60, answers in about 20 ms (lognormal) instead of 200."""


def figures() -> Iterator[Figure]:
    """Let the processes hammer, then look at what the service saw."""
    service = multiprocessing.Manager()
    with service, tempfile.TemporaryDirectory() as folder:
        arrivals = service.list()
        path = Path(folder) / "ledger.sqlite3"
        Ledger(path).close()
        end = time.monotonic() + WINDOW * WINDOWS - WINDOW / 2
        workers = [
            multiprocessing.Process(target=_hammer, args=(path, number, end, arrivals)) for number in range(PROCESSES)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        seen = sorted(arrivals)
    times = [at for at, _ in seen]
    most = max(sum(start <= at < start + WINDOW for at in times) for start in times)
    refused = sum(_throttled(times, place) for place in range(len(times)))
    share = [sum(number == worker for _, number in seen) for worker in range(PROCESSES)]
    fairness = sum(share) ** 2 / (PROCESSES * sum(count * count for count in share))
    yield exactly(f"{PROCESSES} processes, one limiter: calls answered 429", refused, 0)
    yield at_most("  most calls in any window, as the service saw them", most, CALLS)
    yield at_least("  of the calls that were possible", len(times) / (CALLS * WINDOWS), 0.98)
    yield Figure("  fairness between processes (Jain)", f"{fairness:.2f}")


def _throttled(times: list[float], place: int) -> bool:
    return sum(times[place] - WINDOW < at for at in times[:place]) >= CALLS


def _hammer(path: Path, number: int, end: float, arrivals: list[tuple[float, int]]) -> None:
    dice = random.Random(number)
    ledger = Ledger(path)
    book = CallBook(ledger, SystemClock(), {"import": [Window(CALLS, WINDOW)]})
    while time.monotonic() < end:
        call, wait = _open(ledger, book)
        if not call:
            time.sleep(max(0.001, min(wait or 0.01, 0.05)))
            continue
        latency = LATENCY * dice.lognormvariate(0, 0.5)
        time.sleep(latency * dice.random())
        arrivals.append((time.monotonic(), number))
        time.sleep(latency * dice.random())
        with ledger.transaction():
            book.close(call, "import", kind="answered", status=200)
    ledger.close()


def _open(ledger: Ledger, book: CallBook) -> tuple[int, float | None]:
    try:
        with ledger.transaction():
            return book.open("import", "bench", 0)
    except LockedError:
        return 0, 0.01
