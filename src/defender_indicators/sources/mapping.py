"""From what was observed to a row in Microsoft's spelling, as a policy says."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final

from defender_indicators.delivery import BadRow
from defender_indicators.indicators.canonical import VALUES
from defender_indicators.indicators.codes import Refused
from defender_indicators.indicators.expiration import utc_second
from defender_indicators.indicators.gate import refusal, validator
from defender_indicators.sources.observed import Dropped, Facts, Observed
from defender_indicators.sources.row import Row, excerpt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime, timedelta

    from defender_indicators.sources.policy import Policy, Settings

RANK: Final = "x-rank"
"""Key of a ranked row: ``[priority, confidence or -1, modified]``; whoever asked for it takes it off."""
LIFETIME: Final = "x-lifetime"
"""Key of a ranked row whose source names no end: after how many days it ends, 0 for never."""
_TITLE_LENGTH: Final = 256
_TEXT_LENGTH: Final = 4000
_UNSAFE: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_PLACEHOLDER: Final = re.compile(r"\{(title|description|feed|type|value|kind)\}")
_AS_IT_IS: Final = ("{title}", "{description}")
"""The templates of title and description that change nothing."""
_ANY_ACTION: Final = {"action": "Allowed", "title": "-", "description": "-"}
"""What makes a row of a bare value that every type allows."""


@dataclass(frozen=True)
class Mapper:
    """Makes the rows of one feed.

    Args:
        policy: says what a row gets.
        feed: its name.
        format: the format of the source.
        now: the moment (aware) that ends are judged against.
        ranked: leave the end of a row open where the source names none, and add ``x-rank`` and ``x-lifetime``, for a
            caller that renews rows and chooses among them; otherwise a row is complete in itself.
    """

    policy: Policy
    feed: str
    format: str
    now: datetime
    ranked: bool = False

    def row(self, seen: Observed) -> dict[str, Any] | Dropped:
        """Return the row of one indicator, or why there is none."""
        try:
            value = canonical_value(seen.type, seen.value)
        except Refused as refused:
            return Dropped(seen.place, refused.code, excerpt(seen.value), refused.reason)
        return self._row(seen, value)

    def listed(self, given: Row, place: str) -> Row | Dropped:
        """Return the row of one value of a plain list, or why there is none."""
        if isinstance(given, BadRow):
            return given
        kind = given["indicatorType"]
        return self.row(Observed(kind, given["indicatorValue"], place, Facts(kind=kind)))

    def filled(self, given: Row) -> Row | Dropped:
        """Return a row that has its own fields and, where it lacks some, the policy's."""
        if isinstance(given, BadRow) or not isinstance(given, dict):
            return given
        present = {name: value for name, value in given.items() if value not in (None, "")}
        kind, value = (str(present.get(name, "")) for name in ("indicatorType", "indicatorValue"))
        title, description = (str(present.get(name, "")) for name in ("title", "description"))
        made = self._row(Observed(kind, value, excerpt(value), Facts(title, description)), value)
        return made if isinstance(made, Dropped) else made | present

    def _row(self, seen: Observed, value: str) -> dict[str, Any] | Dropped:
        chosen, facts = self._decide(seen), seen.facts
        if isinstance(chosen, str):
            return Dropped(seen.place, "policy", excerpt(seen.value), chosen)
        ends = utc_second(facts.valid_until) if facts.valid_until else None
        if ends and ends <= self._instant:
            return Dropped(seen.place, "expired", excerpt(seen.value), f"it ended at {ends}")
        title, description = self._texts(seen, value, chosen)
        row: dict[str, Any] = {
            "indicatorType": seen.type,
            "indicatorValue": value,
            "action": chosen.action,
            "title": title,
            "description": description,
            "severity": chosen.severity or facts.severity or self.policy.severity,
            "generateAlert": chosen.generate_alert,
        }
        if chosen.recommended_actions:
            row["recommendedActions"] = chosen.recommended_actions
        if chosen.device_groups:
            row["rbacGroupNames"] = list(chosen.device_groups)
        if facts.external_id:
            row["externalId"] = _line(facts.external_id, _TEXT_LENGTH // 4)
        self._end(row, ends, chosen.lifetime)
        if self.ranked:
            confidence = -1 if facts.confidence is None else facts.confidence
            row[RANK] = [chosen.priority, confidence, utc_second(facts.modified) or ""]
        return row

    def _end(self, row: dict[str, Any], ends: str | None, lifetime: timedelta | None) -> None:
        """Write when a row ends: as its source says, but never later than the policy allows."""
        latest = self._latest(lifetime) if lifetime else ""
        if ends and (not latest or ends < latest):
            row["expirationTime"] = ends
        elif self.ranked:
            row[LIFETIME] = lifetime.days if lifetime else 0
        elif latest:
            row["expirationTime"] = latest

    def _texts(self, seen: Observed, value: str, chosen: Settings) -> tuple[str, str]:
        facts = seen.facts
        title = facts.title or f"{facts.kind or seen.type} from {self.feed}"
        description = facts.description or title
        if (chosen.title, chosen.description) != _AS_IT_IS:
            words = {"title": title, "description": description, "feed": self.feed, "value": value}
            words |= {"type": seen.type, "kind": facts.kind or seen.type}
            title, description = _written(chosen.title, words), _written(chosen.description, words)
        title = _line(title, _TITLE_LENGTH)
        return title, _block(description, _TEXT_LENGTH) or title

    @cached_property
    def _decide(self) -> Callable[[Observed], Settings | str]:
        return self.policy.for_feed(self.feed, self.format)

    @cached_property
    def _instant(self) -> str:
        return _iso(self.now)

    @cached_property
    def _latest(self) -> Callable[[timedelta], str]:
        return lru_cache(maxsize=None)(lambda lifetime: _iso(self.now + lifetime))


def canonical_value(kind: str, value: str) -> str:
    """Return the one spelling of a value.

    Raises:
        Refused: it is no value of its type that Defender takes.
    """
    value = VALUES[kind](value, []) if kind in VALUES and len(value) <= _TEXT_LENGTH else value
    probe = {"indicatorType": kind, "indicatorValue": value, **_ANY_ACTION}
    try:
        fits = validator(kind if kind in VALUES else "").is_valid(probe)
    except ValueError:  # broken Unicode
        fits = False
    if not fits:
        raise refusal(probe)
    return value


def identity(row: Row, *, whole: bool) -> str:
    """Return what makes two rows the same: type and value, with action and devices where a row is ``whole``."""
    if not isinstance(row, dict):
        return ""
    kind, value = row.get("indicatorType"), row.get("indicatorValue")
    if not isinstance(kind, str) or not isinstance(value, str) or not value:
        return ""
    if not whole:
        return f"{kind}\0{value}"
    with suppress(Refused):  # what it is, whoever judges it will say
        value = VALUES[kind](value, []) if kind in VALUES and len(value) <= _TEXT_LENGTH else value
    groups = row.get("rbacGroupNames")
    scope = json.dumps(sorted(map(str, groups))) if isinstance(groups, list) else ""
    return f"{kind}\0{value}\0{row.get('action', '')}\0{scope}"


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _written(template: str, words: Mapping[str, str]) -> str:
    """Return a template with its words put in, once: what a word holds is never read as a template."""
    if "{" not in template:
        return template
    return _PLACEHOLDER.sub(lambda found: words[found[1]], template)


def _line(text: str, limit: int) -> str:
    return _cut(" ".join(text.split()) if text.isprintable() else " ".join(_UNSAFE.sub(" ", text).split()), limit)


def _block(text: str, limit: int) -> str:
    text = text if text.isprintable() else _UNSAFE.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _cut(text.strip(), limit)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
