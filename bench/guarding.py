"""What the guard costs: its index, against the start of a bare Python, and each row after that."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from bench.figure import Figure, at_most, cpu_seconds, sample_row

from defender_indicators.guard import Guard, GuardSettings, Warninglists
from defender_indicators.indicators import Canonicaliser, Indicator, Policy
from defender_indicators.product import load_product

ROWS = 20_000
SETTINGS = GuardSettings(own_domains=("contoso.com", "contoso.co.uk"), never_block_networks=("198.51.100.0/24",))


def figures() -> Iterator[Figure]:
    """Measure building, loading and judging, on rows of every type that pass."""
    bare = _best(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True), 15)
    rows = _rows()
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "guard"
        yield Figure("guard: index of the warninglists built, s", f"{_best(lambda: _opened(folder), 1):.2f}")
        yield at_most("guard: index loaded, x bare Python", _best(lambda: _opened(folder), 9) / bare, 10)
        guard = Guard(SETTINGS, _opened(folder), load_product().every_host)
    held = sum(guard.judge(row) is not None for row in rows)
    yield at_most("guard: a row, µs", cpu_seconds(lambda: [guard.judge(row) for row in rows]) / len(rows) * 1e6, 5)
    yield Figure("  rows held", str(held))


def _rows() -> list[Indicator]:
    judge = Canonicaliser(Policy(now=datetime.now(UTC)))
    judged = [judge(sample_row(number)) for number in range(ROWS)]
    return [row for row in judged if isinstance(row, Indicator)]


def _opened(folder: Path) -> Warninglists:
    """Return the lists after one question of each kind, so that nothing is left to load."""
    lists = Warninglists(folder, SETTINGS, lambda _: None)
    lists.domain("host.example.net")
    lists.digest("0" * 64)
    lists.address(bytes([45, 1, 2, 3]), "45.1.2.3")
    lists.address(bytes(range(16)), "1:203:405:607:809:a0b:c0d:e0f")
    return lists


def _best(work: Callable[[], object], repeats: int) -> float:
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best
