"""From lists to the sections of an index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from defender_indicators.guard.lists import Warninglist, sorted_out
from defender_indicators.guard.never_block import network
from defender_indicators.guard.tables import (
    ENDS,
    LISTED,
    SHARED,
    SHARED_BELOW,
    Entry,
    Network,
    key_of,
    packed_keys,
    packed_ranges,
)
from defender_indicators.indicators.public_suffixes import is_public_suffix, private_rules

_DOCUMENTATION: Final = ("example.com", "example.net", "example.org")
"""Lists of popular sites hold them, but names below are nobody's, and every sample is written with them."""
_NOT_LISTED: Final = Entry(0)
_V4, _V6 = 4, 16
_MAPPED: Final = 0xFFFF << 32


def sections(lists: Iterable[Warninglist]) -> list[bytes]:
    """Return the sections of an index: names (5), digests (5), IPv4 (3), IPv6 (3). Lists are numbered from 1."""
    names = _suffixes()
    digests: dict[bytes, Entry] = {}
    networks: dict[tuple[int, int, int], Network] = {}
    for owner, each in enumerate(lists, 1):
        listed = Entry(owner, LISTED)
        for kind, value in sorted_out(each.entries):
            if kind == "digest":
                digests.setdefault(key_of(value), listed)
            elif kind == "address":
                _add_network(networks, value, owner)
            else:
                _add_name(names, value, listed)
    for name, entry in [(name, entry) for name, entry in names.items() if entry.flags & LISTED]:
        for above in _above(name, names):
            _add_name(names, above, Entry(entry.owner, 0, name))
    return [
        *packed_keys({key_of(name): entry for name, entry in names.items()}),
        *packed_keys(digests),
        *packed_ranges(_V4, (net for (size, _, _), net in networks.items() if size == _V4)),
        *packed_ranges(_V6, (net for (size, _, _), net in networks.items() if size == _V6)),
    ]


def _suffixes() -> dict[str, Entry]:
    """Return the names that separate strangers from each other, without an owner."""
    names = {name: Entry(0, ENDS) for name in _DOCUMENTATION}
    for rule in private_rules():
        name, flags = (rule[2:], SHARED_BELOW) if rule.startswith("*.") else (rule, SHARED | ENDS)
        names[name] = Entry(0, names.get(name, _NOT_LISTED).flags | flags)
    return names


def _add_name(names: dict[str, Entry], name: str, entry: Entry) -> None:
    """Enter a name unless a list before has it; a public suffix is none of anybody's."""
    known = names.get(name, _NOT_LISTED)
    if not known.owner and not is_public_suffix(name):
        names[name] = entry._replace(flags=entry.flags | known.flags)


def _above(name: str, names: dict[str, Entry]) -> Iterator[str]:
    """Yield the names above one, down to its registered domain."""
    while True:
        above = name.partition(".")[2]
        beyond = above.partition(".")[2]
        shared = names.get(above, _NOT_LISTED).flags & ENDS or names.get(beyond, _NOT_LISTED).flags & SHARED_BELOW
        if "." not in above or shared or is_public_suffix(above):
            return
        yield above
        name = above


def _add_network(networks: dict[tuple[int, int, int], Network], text: str, owner: int) -> None:
    """Enter an address or network unless a list before has it; IPv4 written as IPv6 is IPv4."""
    try:
        size, first, last = network(text)
    except ValueError:
        return
    if first >> 32 == _MAPPED >> 32 and size == _V6:
        size, first, last = _V4, first - _MAPPED, last - _MAPPED
    shown = text if last > first else ""
    networks.setdefault((size, first, last), Network(first, last, owner, shown))
