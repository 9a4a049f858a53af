"""How long the command line takes to get going, as multiples of a bare Python."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.figure import Figure, at_most

from defender_indicators.emulator import Emulator, Settings

COMMAND = str(Path(sys.executable).with_name("defender-indicators"))


def figures() -> Iterator[Figure]:
    """Measure help, and the import of one row against the emulator less the time the emulator takes for it."""
    bare = _seconds([sys.executable, "-c", "pass"], os.environ, 15)
    yield Figure("bare Python, ms", f"{bare * 1000:.0f}")
    yield at_most("--help, x bare Python", _seconds([COMMAND, "--help"], os.environ, 9) / bare, 6)
    with tempfile.TemporaryDirectory() as home, Emulator(Settings(limits=False)) as emulator:
        environment = {**os.environ, **emulator.environment(), "DEFENDER_INDICATORS_HOME": home}
        once = _seconds([COMMAND, "block", "host.example.com"], environment, 7)
    yield at_most("one-row import with sign-in, x bare Python", once / bare, 35)


def _seconds(command: list[str], environment: Mapping[str, str], repeats: int) -> float:
    """Return the best of several runs; compiled code is kept between them, as on any machine but a developer's."""
    kept = {name: value for name, value in environment.items() if name != "PYTHONDONTWRITEBYTECODE"}
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        subprocess.run(command, env=kept, capture_output=True, check=False)
        best = min(best, time.perf_counter() - start)
    return best
