"""What a fault switch does to the list of results of an import."""

from __future__ import annotations

import ipaddress
import random
from typing import Any
from urllib.parse import urlsplit

from defender_indicators.emulator.faults import Hits

Result = dict[str, Any]


def change(results: list[Result], hits: Hits, dice: random.Random) -> list[Result]:
    """Return the results as a misbehaving service would list them."""
    if not hits:
        return results
    for name in ("short", "short_notapplied"):
        if name in hits:
            results = results[: int(hits.number(name, len(results) // 2))]
    if "canon" in hits:
        spell = _upper if hits.text("canon") == "upper" else _lower
        results = [{**result, "indicator": spell(str(result["indicator"]))} for result in results]
    if "dup" in hits:
        stranger = {"id": "1", "indicator": "unknown.example", "isFailed": False, "failureReason": None}
        results = [*results, *results[:2], stranger]
    if "shuffle" in hits:
        results = dice.sample(results, len(results))
    return results


def _lower(value: str) -> str:
    value = value.strip()
    if "://" in value:
        host = urlsplit(value).netloc
        return value.replace(host, host.lower(), 1)
    try:
        return ipaddress.ip_address(value).compressed
    except ValueError:
        return value.rstrip(".").lower()


def _upper(value: str) -> str:
    if "://" in value:
        host = urlsplit(value).netloc
        return value.replace(host, host.upper(), 1)
    return f"{value.upper()}." if "." in value and not value[-1].isdigit() else value.upper()
