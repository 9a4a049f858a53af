"""What a benchmark says, and the rows that all of them use."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple


class Figure(NamedTuple):
    """One line of the table; ``met`` is true where there is no target."""

    name: str
    shown: str
    target: str = ""
    met: bool = True


def at_most(name: str, value: float, limit: float, unit: str = "") -> Figure:
    """Return a figure that should not be larger than ``limit``."""
    return Figure(name, f"{value:.4g}{unit}", f"≤ {limit:g}{unit}", value <= limit)


def at_least(name: str, value: float, limit: float, unit: str = "") -> Figure:
    """Return a figure that should not be smaller than ``limit``."""
    return Figure(name, f"{value:.4g}{unit}", f"≥ {limit:g}{unit}", value >= limit)


def exactly(name: str, value: int, wanted: int) -> Figure:
    """Return a figure that should be ``wanted``."""
    return Figure(name, str(value), str(wanted), value == wanted)


def cpu_seconds(work: Callable[[], object], repeats: int = 5) -> float:
    """Return the least CPU time (seconds, all threads) that ``work`` took."""
    best = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def sample_row(number: int) -> dict[str, Any]:
    """Return one valid indicator; every fourth is a hash, a domain, an address, a URL."""
    kinds = (
        ("FileSha256", f"{number:064x}"),
        ("DomainName", f"host{number}.example.com"),
        ("IpAddress", f"45.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"),
        ("Url", f"https://host{number}.example.net/path/{number}"),
    )
    kind, value = kinds[number % 4]
    return {
        "indicatorValue": value,
        "indicatorType": kind,
        "action": "Block",
        "title": f"Campaign {number % 50}",
        "description": "Seen in a phishing campaign",
        "severity": "High",
        "generateAlert": True,
        "expirationTime": "2099-01-01T00:00:00Z",
    }
