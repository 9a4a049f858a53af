"""CPU of mapping exchange formats to indicators, as multiples of one ``json.loads`` of the same bytes."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

from bench.figure import Figure, at_most, cpu_seconds

from defender_indicators.sources.misp import read_misp

ATTRIBUTES = 20_000


def figures() -> Iterator[Figure]:
    """Measure an event as an instance exports it, and one as a feed publishes it: fewer fields, so less to parse."""
    for name, fields in (("export", _EXPORTED), ("feed", {})):
        raw = _event(fields)
        unit = cpu_seconds(lambda raw=raw: json.loads(raw))  # type: ignore[misc]  # bound now, called now
        mapped = cpu_seconds(lambda raw=raw: sum(1 for _ in read_misp(io.BytesIO(raw), "bench")))  # type: ignore[misc]  # as above
        yield at_most(f"CPU, MISP {name} to indicators, x json.loads", mapped / unit, 4)


_EXPORTED = {
    "id": "72989",
    "event_id": "298",
    "distribution": "5",
    "sharing_group_id": "0",
    "deleted": False,
    "object_id": "0",
    "object_relation": None,
    "first_seen": None,
    "last_seen": None,
    "Galaxy": [],
    "ShadowAttribute": [],
}


def _event(fields: dict[str, object]) -> bytes:
    attributes = [{**_attribute(number), **fields} for number in range(ATTRIBUTES)]
    tags = [{"name": "tlp:green", "colour": "#339900"}, {"name": 'admiralty-scale:source-reliability="b"'}]
    event = {"info": "Campaign", "threat_level_id": "2", "uuid": _uuid(0), "Tag": tags, "Attribute": attributes}
    return json.dumps({"Event": event}).encode()


def _attribute(number: int) -> dict[str, object]:
    kinds = (
        ("sha256", f"{number:064x}"),
        ("domain", f"host{number}.example.com"),
        ("ip-dst|port", f"45.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}|443"),
        ("url", f"https://host{number}.example.net/path/{number}"),
        ("filename", f"file{number}.exe"),
    )
    kind, value = kinds[number % 5]
    return {
        "category": "Network activity",
        "comment": "C2" if number % 2 else "",
        "disable_correlation": False,
        "timestamp": str(1_700_000_000 + number // 10),
        "to_ids": True,
        "type": kind,
        "uuid": _uuid(number),
        "value": value,
    }


def _uuid(number: int) -> str:
    return f"58503e2f-4c78-442d-833f-{number:012x}"
