"""Indicators from STIX 2.0 and 2.1: bundles, envelopes and lists of objects.

Only ``indicator`` objects are read: they alone say that something is meant to be detected. Observed data, and the
malware and relationships around, are context.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, BinaryIO

from defender_indicators.delivery import BadRow
from defender_indicators.errors import InputError
from defender_indicators.sources.observed import Dropped, Facts, Observed
from defender_indicators.sources.row import bad_row, excerpt
from defender_indicators.sources.stix_markings import PREDEFINED, level, level_of
from defender_indicators.sources.stix_meaning import Match
from defender_indicators.sources.stix_patterns import PatternError, read_pattern
from defender_indicators.sources.whole import entries_of, load_whole, text_of

Reading = Observed | Dropped | BadRow
_LONGEST_ID = 100
_UNWANTED = {
    "revoked": "its author has taken it back",
    "superseded": "a newer version of it is in the same source",
    "benign": "its author says that it is harmless",
}


def read_stix(stream: BinaryIO, place: str) -> Iterator[Reading]:
    """Yield what the indicators of a bundle, of ``{"objects": [...]}`` or of a bare list of objects name.

    Raises:
        InputError: larger than 64 MiB, not UTF-8, not JSON, or none of these.
    """
    yield from read_objects(objects_of(load_whole(stream, place), place), place)


def objects_of(document: Any, place: str) -> list[Any]:
    """Return the objects of a document.

    Raises:
        InputError: it is neither a bundle nor an envelope nor a list of objects.
    """
    if isinstance(document, list):
        return document
    if isinstance(document, dict):
        objects = document.get("objects", [] if document.get("type") == "bundle" else None)
        if isinstance(objects, list):
            return objects
        if document.get("type") == "indicator":
            return [document]
    raise InputError(f'{place}: neither a STIX bundle nor {{"objects": [...]}}; export the indicators as a bundle')


def read_objects(objects: list[Any], place: str, markings: MutableMapping[str, str] | None = None) -> Iterator[Reading]:
    """Yield what the indicators among some STIX objects name, in their order.

    Args:
        objects: decoded objects; what is no object costs itself only.
        place: where they came from; each reading says which object it is from.
        markings: the TLP levels of marking definitions by id. It is filled, so that the pages of one source share it.
    """
    levels = {**PREDEFINED} if markings is None else markings
    newest = _survey(objects, levels)
    for number, item in enumerate(objects, 1):
        kind = item.get("type") if isinstance(item, dict) else None
        if kind == "indicator":
            yield from _indicator(item, _place(item, place, number), newest, levels)
        elif not isinstance(kind, str):
            yield bad_row(f"{place}: object {number}", "bad_object", "not an object with a type")


def _survey(objects: list[Any], levels: MutableMapping[str, str]) -> dict[str, str]:
    """Note the TLP levels that are defined here; return the newest version of each object that is here repeatedly."""
    newest: dict[str, str] = {}
    first: dict[str, Any] = {}
    for item in objects:
        name = item.get("id") if isinstance(item, dict) else None
        if not isinstance(name, str):
            continue
        if item.get("type") == "marking-definition" and (said := level_of(item)):
            levels.setdefault(name, said)
        earlier = first.setdefault(name, item)
        if earlier is not item:
            newest[name] = max(_version(item), newest.get(name) or _version(earlier))
    return newest


def _version(item: dict[str, Any]) -> str:
    """Return when an object was modified, in a form that sorts whatever the number of decimals."""
    return text_of(item, "modified").rstrip("Zz")


def _place(item: dict[str, Any], place: str, number: int) -> str:
    name = item.get("id")
    named = isinstance(name, str) and 0 < len(name) <= _LONGEST_ID and name.isprintable()
    return f"{place}: {name}" if named else f"{place}: object {number}"


def _indicator(
    item: dict[str, Any], place: str, newest: Mapping[str, str], levels: Mapping[str, str]
) -> Iterable[Reading]:
    pattern, tags = item.get("pattern"), _tags(item)
    if not isinstance(pattern, str) or not pattern.strip():
        return [bad_row(place, "bad_pattern", "no pattern")]
    if kind := _unwanted(item, tags, newest):
        reason = _UNWANTED.get(kind, "its pattern is not in the language of STIX")
        return [Dropped(place, kind, excerpt(pattern), reason)]
    try:
        valid_until = _moment(text_of(item, "valid_until"))
    except ValueError:
        return [bad_row(place, "bad_object", "valid_until is no moment; it reads like 2030-01-31T00:00:00Z", pattern)]
    try:
        found = read_pattern(pattern)
    except PatternError as error:
        return [bad_row(place, "bad_pattern", str(error), pattern)]
    facts = _facts(item, tags, valid_until, levels)
    return [
        Observed(each.type, each.value, place, facts(each.kind))
        if isinstance(each, Match)
        else Dropped(place, each.kind, excerpt(each.value), each.reason)
        for each in found
    ]


def _unwanted(item: dict[str, Any], tags: tuple[str, ...], newest: Mapping[str, str]) -> str:
    """Return why an indicator is not to be read, as the kind it is dropped as; ``""`` for one that is."""
    language = item.get("pattern_type", "stix")
    if item.get("revoked") is True:
        return "revoked"
    if newest and _version(item) != newest.get(text_of(item, "id"), _version(item)):
        return "superseded"
    if language != "stix":
        return excerpt(str(language), 40)
    return "benign" if "benign" in tags and "malicious-activity" not in tags else ""


def _moment(text: str) -> str:
    """Return a moment with its zone; where it names none it is UTC, the only one that STIX has.

    Raises:
        ValueError: no moment.
    """
    if not text:
        return ""
    at = datetime.fromisoformat(text)
    return text if at.tzinfo else at.replace(tzinfo=UTC).isoformat()


def _tags(item: dict[str, Any]) -> tuple[str, ...]:
    written = entries_of(item, "labels") + entries_of(item, "indicator_types")
    return tuple(dict.fromkeys([tag for tag in written if isinstance(tag, str) and tag]))


def _facts(
    item: dict[str, Any], tags: tuple[str, ...], valid_until: str, levels: Mapping[str, str]
) -> Callable[[str], Facts]:
    """Return what the indicator says beside its values; only the kind is still missing."""
    confidence = item.get("confidence")
    return partial(
        Facts,
        text_of(item, "name"),
        text_of(item, "description"),
        confidence if type(confidence) is int and 0 <= confidence <= 100 else None,  # noqa: PLR2004 - per cent
        tags,
        level(entries_of(item, "object_marking_refs"), tags, levels),
        "",
        valid_until,
        _modified(item),
        text_of(item, "id"),
    )


def _modified(item: dict[str, Any]) -> str:
    try:
        return _moment(text_of(item, "modified"))
    except ValueError:
        return ""
