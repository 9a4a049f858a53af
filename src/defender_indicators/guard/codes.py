"""Why something is held: one stable code each, with its meaning and remedy."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "never_block": "Blocking this cuts machines off from Microsoft sign-in, Defender, updates or certificate "
        "checks; no approval releases it",
        "own_asset": "The configuration protects this (guard.own_domains, guard.never_block); no approval releases it",
        "warninglist": "A list of well-known good names or addresses holds it; approve it if the block is meant",
        "known_good_hash": "The file is known to be harmless; approve it if the block is meant",
        "shared_suffix": "Strangers have names below this one, and all of them would be blocked; name the one you mean",
        "homoglyph": "It looks like a domain of yours; approve it once you have seen that it is another one",
        "allowed_action": "Allowed overrides every block of the same value; somebody has to approve it",
        "remediation_everywhere": "BlockAndRemediate would remove files on all devices; name device groups or approve",
        "too_many_blocks": "The run would block more than is usual at once; look at the source, then approve",
        "too_many_deletes": "The run would delete more than is usual at once; look at the source, then approve",
        "incomplete_source": "The source was not read to its end, so what is missing in it is not deleted",
        "unknown_device_group": "The tenant has no such device group; correct it, or approve it if it comes later",
        "several_allowed": "Several rows of ours allow a value that is to be blocked; delete all but one",
        "foreign_row": "Another application or person made this indicator; it is touched only when asked for",
    }
)
"""Code → meaning and remedy."""


class Hold(NamedTuple):
    """A row, or a part of a plan, that is not sent without an approval.

    ``code`` is one of `CODES`, ``reason`` says what was found where, ``hard`` that no approval releases it, and
    ``list`` is the name of the list that holds the value, where there is one.
    """

    code: str
    reason: str
    hard: bool = False
    list: str = ""
