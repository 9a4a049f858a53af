"""The Traffic Light Protocol in STIX: marking definitions, predefined or brought along.

Source: STIX 2.1 section 7.2.1.4 (TLP 1) and the OASIS extension definition for TLP 2.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from defender_indicators.sources.vocabulary import tagged_tlp

_strictest = lru_cache(1024)(tagged_tlp)
"""A source has few sets of marks and tags, and many indicators with each."""

PREDEFINED: Mapping[str, str] = {
    "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": "clear",
    "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": "green",
    "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": "amber",
    "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": "red",
    "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487": "clear",
    "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb": "green",
    "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421": "amber",
    "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003": "amber+strict",
    "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1": "red",
}
_EXTENSION = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"


def level_of(marking: Mapping[str, Any]) -> str:
    """Return the level that a marking-definition object stands for, ``""`` where it is none of TLP."""
    extensions, definition = marking.get("extensions"), marking.get("definition")
    extension = extensions.get(_EXTENSION) if isinstance(extensions, dict) else None
    named = (
        f"tlp:{extension.get('tlp_2_0')}" if isinstance(extension, dict) else "",
        f"tlp:{definition.get('tlp')}" if isinstance(definition, dict) else "",
        str(marking.get("name", "")),
    )
    return tagged_tlp(named)


def level(marks: Iterable[object], tags: tuple[str, ...], levels: Mapping[str, str]) -> str:
    """Return the strictest level that marks (ids of definitions) stand for; without one, that the tags name."""
    known = tuple([f"tlp:{levels[mark]}" for mark in marks if isinstance(mark, str) and mark in levels])
    return _strictest(known or tags)
