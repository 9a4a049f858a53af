"""Tables that are searched where they lie, in the bytes of a file: digests of keys, and ranges of addresses.

A key is known by 128 bits of its digest, sorted, so that a look-up is one bisection in machine words and loading is
reading. What belongs to an entry lies beside it in columns of the same order.
"""

from __future__ import annotations

import hashlib
import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final, NamedTuple

LISTED: Final = 1
"""The name is on a list; without this flag it only lies above one that is."""
SHARED: Final = 2
"""Strangers register names directly below it."""
ENDS: Final = 4
"""What lists say about this name or one above it does not hold for names below it."""
SHARED_BELOW: Final = 8
"""Strangers register names two labels below it."""

_HALF: Final = 8
_V6: Final = 16


def key_of(text: str) -> bytes:
    """Return the key of a name, or of a hash in hex."""
    return hashlib.blake2b(text.encode(), digest_size=2 * _HALF).digest()


Section = bytes | memoryview


class Entry(NamedTuple):
    """What is kept for a key: the number of its list, flags, and the entry's text where it is not the key itself."""

    owner: int
    flags: int = 0
    text: str = ""


class Keys:
    """A table of keys; see `packed_keys` for the sections."""

    def __init__(self, sections: Sequence[Section]) -> None:
        first, self._second, self.owner, self.flags, self._texts = sections
        self._first = array("Q")
        self._first.frombytes(first)

    def __len__(self) -> int:
        return len(self._first)

    def find(self, key: bytes) -> int:
        """Return the position of a key, -1 when it is not there."""
        word = int.from_bytes(key[:_HALF], "big")
        first = self._first
        at = bisect_left(first, word)
        while at < len(first) and first[at] == word:
            if self._second[_HALF * at : _HALF * at + _HALF] == key[_HALF:]:
                return at
            at += 1
        return -1

    def text(self, at: int) -> str:
        """Return the text beside an entry."""
        return self._lines[at]

    @cached_property
    def _lines(self) -> list[str]:
        return bytes(self._texts).decode().split("\n")


def packed_keys(entries: Mapping[bytes, Entry]) -> list[bytes]:
    """Return the sections of a table: first halves (native words), second halves, owners, flags, lines of text."""
    keys = sorted(entries)
    first = array("Q")
    first.frombytes(b"".join(key[:_HALF] for key in keys))
    if sys.byteorder == "little":
        first.byteswap()
    kept = [entries[key] for key in keys]
    return [
        first.tobytes(),
        b"".join(key[_HALF:] for key in keys),
        bytes(entry.owner for entry in kept),
        bytes(entry.flags for entry in kept),
        "\n".join(entry.text for entry in kept).encode(),
    ]


class Ranges:
    """Disjoint ranges of addresses of one family (``size`` bytes each); see `packed_ranges` for the sections."""

    def __init__(self, size: int, sections: Sequence[Section]) -> None:
        self._size = size
        self._raw, self.owner, self._texts = sections

    def find(self, number: int) -> int:
        """Return the position of the range that holds an address; its owner is 0 where no list does."""
        return bisect_right(self._starts, number) - 1

    def text(self, at: int) -> str:
        """Return the network of a range, ``""`` where it is a single address."""
        return self._lines[at]

    @cached_property
    def _starts(self) -> Sequence[int]:
        if self._size == _V6:
            return [int.from_bytes(self._raw[at : at + _V6], "big") for at in range(0, len(self._raw), _V6)]
        starts = array("I")
        starts.frombytes(self._raw)
        if sys.byteorder == "little":
            starts.byteswap()
        return starts

    @cached_property
    def _lines(self) -> list[str]:
        return bytes(self._texts).decode().split("\n")


class Network(NamedTuple):
    """Addresses from ``first`` to ``last``, on the list ``owner``; ``text`` is ``""`` for a single one."""

    first: int
    last: int
    owner: int
    text: str


_NOBODY: Final = Network(0, 0, 0, "")


def packed_ranges(size: int, networks: Iterable[Network]) -> list[bytes]:
    """Return the sections of disjoint ranges: where each starts, its owner, lines of text.

    Where networks lie in each other, the smaller one speaks.
    """
    edges = {0: _NOBODY}
    inside: list[Network] = []
    for network in sorted(networks, key=lambda each: (each.first, -each.last)):
        _leave(edges, inside, network.first)
        inside.append(network)
        edges[network.first] = network
    _leave(edges, inside, 1 << 8 * size)
    edges.pop(1 << 8 * size, None)
    starts = sorted(edges)
    return [
        b"".join(start.to_bytes(size, "big") for start in starts),
        bytes(edges[start].owner for start in starts),
        "\n".join(edges[start].text for start in starts).encode(),
    ]


def _leave(edges: dict[int, Network], inside: list[Network], start: int) -> None:
    """Close the networks that end before ``start``."""
    while inside and inside[-1].last < start:
        closed = inside.pop()
        edges[closed.last + 1] = inside[-1] if inside else _NOBODY
