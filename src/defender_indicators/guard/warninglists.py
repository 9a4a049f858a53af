"""What the warninglists say about one value. Opened when the first value is asked for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

from defender_indicators.guard.index import Index, ListInfo, open_index
from defender_indicators.guard.lists import selected
from defender_indicators.guard.settings import GuardSettings
from defender_indicators.guard.tables import (
    ENDS,
    LISTED,
    SHARED,
    SHARED_BELOW,
    Keys,
    Ranges,
    key_of,
)

_log = logging.getLogger(__name__)
_V4, _V6 = 4, 16


class Listed(NamedTuple):
    """Where a value was found: the name of the list (``""``: it is a shared suffix) and the entry."""

    list: str
    entry: str


class Warninglists:
    """The lists in use.

    Args:
        folder: where the index is kept.
        settings: which lists are in use.
        say: is told when the index is built; the log when None.
    """

    def __init__(self, folder: Path, settings: GuardSettings, say: Callable[[str], None] | None = None) -> None:
        self._folder = folder
        self._settings = settings
        self._say = say or _log.warning

    @property
    def lists(self) -> tuple[ListInfo, ...]:
        """The lists in use, in the order in which they are asked."""
        return self._index.lists

    @cached_property
    def _index(self) -> Index:
        return open_index(self._folder, selected(self._settings), self._say)

    @cached_property
    def _names(self) -> Keys:
        return Keys(self._index.sections[0:5])

    @cached_property
    def _find_above(self) -> Callable[[str], int]:
        """Look up what stands above many names, each but once."""
        return lru_cache(4096)(lambda name: self._names.find(key_of(name)))

    @cached_property
    def _digests(self) -> Keys:
        return Keys(self._index.sections[5:10])

    @cached_property
    def _ranges(self) -> dict[int, Ranges]:
        return {_V4: Ranges(_V4, self._index.sections[10:13]), _V6: Ranges(_V6, self._index.sections[13:16])}

    def domain(self, name: str) -> Listed | None:
        """Return why a domain is known: listed itself, below a listed one of the same registrant, or above one."""
        names, find_above = self._names, self._find_above
        flags = names.flags
        current, at = name, names.find(key_of(name))
        while True:
            above = current.partition(".")[2]
            there = find_above(above) if "." in above else -1
            known = flags[at] if at >= 0 else 0
            shared = known & SHARED or (there >= 0 and flags[there] & SHARED_BELOW)
            ends = shared or known & ENDS
            if at >= 0 and names.owner[at] and (current is name or (known & LISTED and not ends)):
                return Listed(self._name(names.owner[at]), current if known & LISTED else names.text(at))
            if shared and current is name:
                return Listed("", name)
            if ends or "." not in above:
                return None
            current, at = above, there

    def digest(self, value: str) -> Listed | None:
        """Return the list that holds a hash or thumbprint (lower-case hex)."""
        at = self._digests.find(key_of(value))
        return Listed(self._name(self._digests.owner[at]), value) if at >= 0 else None

    def address(self, packed: bytes, shown: str) -> Listed | None:
        """Return the list that holds an address (network byte order), by the smallest network around it."""
        ranges = self._ranges[len(packed)]
        at = ranges.find(int.from_bytes(packed, "big"))
        owner = ranges.owner[at]
        return Listed(self._name(owner), ranges.text(at) or shown) if owner else None

    def _name(self, owner: int) -> str:
        return self._index.lists[owner - 1].name
