"""Which column of a table holds what: named by the user, told by its header, or seen in its cells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from defender_indicators.errors import InputError
from defender_indicators.indicators.addresses import spelling
from defender_indicators.sources.kinds import meaning

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NAMES = {
    "value": (
        "indicatorvalue", "iocvalue", "indicator", "ioc", "observable", "observablevalue", "value", "artifact",
        "entity", "sha256", "sha256hash", "filesha256", "sha1", "sha1hash", "filesha1", "md5", "md5hash", "filemd5",
        "hash", "filehash", "url", "uri", "domain", "domainname", "hostname", "host", "fqdn", "dns", "ip", "ipaddress",
        "ipv4", "ipv6", "dstip", "destinationip", "address",
    ),
    "type": (
        "indicatortype", "ioctype", "observabletype", "entitytype", "valuetype", "artifacttype", "datatype", "type",
        "kind",
    ),
    "title": ("title", "campaign", "malwareprintable", "malwarefamily", "family", "malware", "threatname", "threat"),
    "description": ("description", "comment", "comments", "notes", "note", "context", "details"),
    "severity": ("severity", "threatlevel"),
    "confidence": ("confidence", "confidencelevel", "confidencescore"),
    "tags": ("tags", "tag", "labels", "label", "keywords"),
    "expires": (
        "expires", "expiry", "expiration", "expirationdate", "expirationtime", "expiresat", "validuntil", "validto",
    ),
    "tlp": ("tlp", "tlpmarking"),
}  # fmt: skip
FIELDS = tuple(_NAMES)
_TOO_FEW = 0.5
_NAME = re.compile(r"[\w .()#-]{1,40}").fullmatch
_NOT_A_LETTER_OR_DIGIT = re.compile(r"[^a-z0-9]+")


def simple(word: str) -> str:
    """Return a name as it is compared: ``Indicator_Type`` is ``indicatortype``."""
    return _NOT_A_LETTER_OR_DIGIT.sub("", word.lower())


def is_header(cells: Sequence[str], sample: Sequence[Sequence[str]], named: Mapping[str, str]) -> bool:
    """Return whether the first record names the columns.

    None of its cells is an indicator then, and one is a name we know, or all look like names and indicators follow.
    """
    if any(map(_is_indicator, cells)):
        return False
    known = {*(name for names in _NAMES.values() for name in names), *map(simple, named.values())}
    follow = any(_share(sample, place) >= _TOO_FEW for place in range(len(cells)))
    return any(simple(cell) in known for cell in cells) or (follow and all(map(_NAME, cells)))


def guess_columns(header: Sequence[str], sample: Sequence[Sequence[str]]) -> dict[str, str]:
    """Return which column holds which of our fields (``value``, ``type``, ``title`` …), by its name.

    Names decide. Where none fits the value, or what stands below it is mostly no indicator, the column with the most
    indicators is taken. ``value`` is missing where there is none.
    """
    keys = [simple(name) for name in header]
    found: dict[str, str] = {}
    for field in FIELDS[1:]:
        place = next((keys.index(name) for name in _NAMES[field] if name in keys), None)
        if place is not None:
            found[field] = header[place]
    named = [keys.index(name) for name in _NAMES["value"] if name in keys]
    others = [place for place in range(len(header)) if place not in named and header[place] not in found.values()]
    good = [place for place in named if not sample or _share(sample, place) >= _TOO_FEW]
    seen = max(others, key=lambda place: _share(sample, place), default=None)
    if good:
        return {"value": header[good[0]], **found}
    if seen is not None and _share(sample, seen) >= _TOO_FEW:
        return {"value": header[seen], **found}
    return {"value": header[named[0]], **found} if named else found


def chosen_columns(
    header: Sequence[str], sample: Sequence[Sequence[str]], named: Mapping[str, str], place: str
) -> dict[str, int]:
    """Return the position (from 0) of the column of each field: those the user named, the others guessed.

    A column is named by its header or, where no column is called so, by its number from 1.

    Raises:
        InputError: an unknown field or column, or none that holds the indicators.
    """
    if unknown := sorted(set(named) - set(FIELDS)):
        raise InputError(f"{place}: no field {', '.join(unknown)} for a column; there are {', '.join(FIELDS)}")
    positions = {field: _position(header, name, place) for field, name in named.items()}
    for field, name in guess_columns(header, sample).items():
        guessed = list(header).index(name)
        if field not in positions and guessed not in positions.values():
            positions[field] = guessed
    if "value" not in positions:
        names = ", ".join(ascii(name) for name in header)
        raise InputError(f"{place}: no column holds indicators; name it as value, one of {names}")
    return positions


def shown_columns(header: Sequence[str], positions: Mapping[str, int]) -> tuple[str, ...]:
    """Return a remark for each column that is read: ``column 1 'value' → value``."""
    by_position = sorted(positions.items(), key=lambda item: item[1])
    return tuple(f"{_shown(header[position], position + 1)} → {field}" for field, position in by_position)


def _shown(name: str, number: int) -> str:
    return name if name == numbered(number) else f"{numbered(number)} {name!r}"


def numbered(number: int) -> str:
    """Return the name of a column in a table without a header."""
    return f"column {number}"


def _position(header: Sequence[str], name: str, place: str) -> int:
    wanted = name.strip().lower()
    names = [known.lower() for known in header]
    if wanted in names:
        return names.index(wanted)
    if wanted.isascii() and wanted.isdigit() and 1 <= int(wanted) <= len(header):
        return int(wanted) - 1
    raise InputError(f"{place}: no column {name!r}; there are {', '.join(ascii(known) for known in header)}")


def _share(sample: Sequence[Sequence[str]], place: int) -> float:
    """Return which part of the filled cells of a column are indicators."""
    cells = [record[place] for record in sample if place < len(record) and record[place].strip()]
    return sum(map(_is_indicator, cells)) / len(cells) if cells else 0.0


def _is_indicator(cell: str) -> bool:
    """Return whether a cell is surely one: a time of day (``10:20:30``) passes for an address at first sight."""
    meant = meaning("", cell)
    return bool(meant.type) and (meant.type != "IpAddress" or spelling(meant.value) is not None)
