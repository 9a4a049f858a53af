"""What MISP writes: one event, a list or an export of events, a list of attributes, a feed's manifest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from defender_indicators.errors import InputError
from defender_indicators.sources.row import excerpt

if TYPE_CHECKING:
    from collections.abc import Iterator

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE).fullmatch


def manifest_events(document: Any) -> list[str]:
    """Return the file names of a feed's events, given its decoded ``manifest.json``.

    Raises:
        InputError: not a manifest, or a key that is no UUID and so must not become a part of a path or a URL.
    """
    if not isinstance(document, dict):
        raise InputError("manifest.json: no object of events by their UUID; this is no MISP feed")
    if wrong := [name for name in document if not _UUID(name)]:
        raise InputError(f"manifest.json: {excerpt(wrong[0], 60)!r} is not the UUID of an event; this is no MISP feed")
    return [f"{name}.json" for name in document]


def events_of(document: Any, place: str) -> Iterator[dict[str, Any]]:
    """Yield the events of a decoded document: one, a list, an export, or made of an answer's attributes.

    Raises:
        InputError: nothing of the kind.
    """
    inner = document.get("response", document) if isinstance(document, dict) else document
    if isinstance(inner, dict) and isinstance(inner.get("Attribute"), list):
        yield from _by_event(inner["Attribute"])
        return
    events = inner if isinstance(inner, list) else [inner]
    for number, item in enumerate(events, 1):
        event = item.get("Event") if isinstance(item, dict) else None
        if not isinstance(event, dict):
            advice = _advice(document)
            where = f"{place}: entry {number}" if len(events) > 1 else place
            raise InputError(f"{where}: no MISP event, nor a list of events or attributes; {advice}")
        yield event


def _advice(document: Any) -> str:
    if isinstance(document, dict) and document and all(map(_UUID, document)):
        return "this is a feed's manifest; give the folder or the URL of the feed, and its events are read with it"
    return "export the event as MISP JSON"


def _by_event(attributes: list[Any]) -> Iterator[dict[str, Any]]:
    """Yield an event for the attributes of each: whether the flag is used differs from event to event."""
    events: dict[str, dict[str, Any]] = {}
    for attribute in attributes:
        fields = attribute if isinstance(attribute, dict) else {}
        event = fields.get("Event")
        event = event if isinstance(event, dict) else {}
        key = str(fields.get("event_id") or event.get("uuid", ""))
        events.setdefault(key, {**event, "Attribute": [], "Object": []})["Attribute"].append(attribute)
    yield from events.values()
