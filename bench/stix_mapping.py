"""STIX bundles, bytes to readings, as multiples of one ``json.loads`` of the same bytes."""

from __future__ import annotations

import io
import json
from collections import deque
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from bench.figure import Figure, at_most, cpu_seconds

from defender_indicators.sources.stix import read_stix

INDICATORS = 5000
_AMBER = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"


def figures() -> Iterator[Figure]:
    """Measure a bundle of what feeds mostly hold, and of that with one pattern in fifty that needs the full grammar."""
    for name, rare in (("STIX mapping, x json.loads", 0), ("  with one qualified pattern in fifty", 50)):
        objects = [_indicator(number, rare) for number in range(INDICATORS)]
        raw = json.dumps({"type": "bundle", "id": "bundle--1", "objects": objects}).encode()
        ours = cpu_seconds(lambda raw=raw: deque(read_stix(io.BytesIO(raw), "bundle"), maxlen=0))  # type: ignore[misc]  # mypy infers no lambda with a default
        ratio = ours / cpu_seconds(lambda raw=raw: json.loads(raw))  # type: ignore[misc]  # as above
        yield Figure(name, f"{ratio:.2f}") if rare else at_most(name, ratio, 6)


def _indicator(number: int, rare: int) -> dict[str, Any]:
    pattern = (
        f"[domain-name:value = 'host{number}.example.com']",
        f"[ipv4-addr:value = '45.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}']",
        f"[url:value = 'https://host{number}.example.net/path/{number}']",
        f"[file:hashes.'SHA-256' = '{number:064x}']",
        f"[file:hashes.MD5 = '{number:032x}' AND file:hashes.'SHA-256' = '{number:064x}' AND file:name = 'a.exe']",
    )[number % 5]
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{UUID(int=number)}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": f"Campaign {number % 50}",
        "description": "Seen in a phishing campaign",
        "indicator_types": ["malicious-activity"],
        "labels": ["phishing"],
        "confidence": 85,
        "pattern": f"{pattern} REPEATS 2 TIMES" if rare and number % rare == 0 else pattern,
        "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00.000Z",
        "valid_until": "2036-01-01T00:00:00Z",
        "object_marking_refs": [_AMBER],
    }
