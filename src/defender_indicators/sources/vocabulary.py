"""The words in which feeds say how sure, how bad, how secret and until when."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_SECRECY = ("", "clear", "green", "amber", "amber+strict", "red")
_TLP = {"white": "clear", **{mark: mark for mark in _SECRECY}}
_CONFIDENCE = {"high": 85, "medium": 50, "moderate": 50, "low": 15}
_FIFTHS = (100, 75, 50, 25, 0)  # the numbers that MISP's taxonomies give to their five steps
_ADMIRALTY = {  # f and 6 say that nobody can judge, which is no number
    **{f'source-reliability="{step}"': number for step, number in zip("abcde", _FIFTHS, strict=True)},
    **{f'information-credibility="{step}"': number for step, number in zip("12345", _FIFTHS, strict=True)},
}
_STEPS = ("completely-confident", "usually-confident", "fairly-confident", "rarely-confident", "unconfident")
_MISP = dict(zip(_STEPS, _FIFTHS, strict=True))
_LEVEL = re.compile(r'(?:misp:)?confidence-level[=:]"?([a-z0-9.%-]+)"?').fullmatch
_SEVERITY = {
    **dict.fromkeys(("informational", "information", "info"), "Informational"),
    "low": "Low",
    **dict.fromkeys(("medium", "moderate"), "Medium"),
    **dict.fromkeys(("high", "critical"), "High"),
}
_NEVER = ("", "-", "never", "none", "null", "n/a")


def tlp(word: str) -> str:
    """Return the mark in ``TLP:AMBER``, ``tlp:white``, ``green`` …; ``""`` for anything else."""
    return _TLP.get(word.strip().lower().removeprefix("tlp:").strip(), "")


def tagged_tlp(tags: Iterable[str]) -> str:
    """Return the strictest mark among tags that begin with ``tlp:``; ``""`` where there is none."""
    return max((tlp(tag) for tag in tags if tag[:4].lower() == "tlp:"), key=_SECRECY.index, default="")


def tagged_confidence(tags: Iterable[str]) -> int | None:
    """Return the lowest confidence (0 to 100) that tags of MISP's taxonomies state, None where none does.

    Read are ``admiralty-scale:…``, ``misp:confidence-level="…"`` and ``confidence-level="…"``.
    """
    stated = [number for tag in tags if (number := _tag(tag.lower())) is not None]
    return min(stated, default=None)


def _tag(tag: str) -> int | None:
    if tag.startswith("admiralty-scale:"):
        return _ADMIRALTY.get(tag.removeprefix("admiralty-scale:"))
    level = _LEVEL(tag)
    return None if level is None else _MISP.get(level[1], confidence(level[1]))


def confidence(word: str) -> int | None:
    """Return a confidence from 0 to 100 for ``80``, ``80%``, ``0.8``, ``high``; None for anything else.

    Source: STIX 2.1, appendix A (High 85, Medium 50, Low 15).
    """
    text = word.strip().lower()
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        return _CONFIDENCE.get(text)
    if "." in text and number <= 1 and not text.endswith("%"):
        number *= 100
    return round(number) if 0 <= number <= 100 else None  # noqa: PLR2004 - a percentage


def severity(word: str) -> str:
    """Return Microsoft's word for a severity, ``""`` where the source's is none."""
    return _SEVERITY.get(word.strip().lower(), "")


def moment(text: str) -> str:
    """Return an ISO moment in UTC; ``""`` for ``never`` and its kin. A moment without a zone is taken as UTC.

    Raises:
        ValueError: the text is no ISO date or moment.
    """
    text = text.strip()
    if text.lower() in _NEVER:
        return ""
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        raise ValueError(f"{text[:40]!r} is no date or moment like 2027-01-31 or 2027-01-31T00:00:00Z") from None


@lru_cache(4096)
def epoch(seconds: str) -> str:
    """Return the ISO moment of Unix seconds; ``""`` for what is none."""
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(seconds)))
    except (ValueError, OverflowError, OSError):
        return ""
