"""A declared policy: which action, severity, title, lifetime and devices the indicators of a feed get.

A policy is data, never code. Rules match on feed, format, type, tags, TLP and confidence; every rule that matches
applies in order and the later one wins. The shipped policy starts everything as ``Audit`` for 90 days.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, fields
from datetime import timedelta
from fnmatch import translate
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from defender_indicators.errors import ConfigurationError, ManifestError
from defender_indicators.pack.content import content_root

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    from defender_indicators.pack.strict_yaml import Document
    from defender_indicators.sources.observed import Observed

SHIPPED = Path(__file__).with_name("default_policy.yaml")
_KINDS_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Settings:
    """What one indicator gets; ``lifetime`` None means that only its source can end it.

    ``severity`` is ``""`` where no rule names one; then the source's word counts, then the policy's default.
    """

    action: str = "Audit"
    severity: str = ""
    generate_alert: bool = True
    lifetime: timedelta | None = timedelta(days=90)
    title: str = "{title}"
    description: str = "{description}"
    recommended_actions: str = ""
    device_groups: tuple[str, ...] = ()
    priority: int = 50


_NAMES = frozenset(each.name for each in fields(Settings))


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: patterns are compiled, empty means anything; ``drop`` is the reason of a rule that leaves out."""

    feed: re.Pattern[str] | None = None
    format: re.Pattern[str] | None = None
    type: frozenset[str] = frozenset()
    tags: re.Pattern[str] | None = None
    tlp: frozenset[str] = frozenset()
    confidence: range | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    drop: str = ""

    def applies_to(self, feed: str, source_format: str) -> bool:
        """Return whether the rule speaks of this feed in this format."""
        return _fits(self.feed, (feed,)) and _fits(self.format, (source_format,))

    def matches(self, key: _Key) -> bool:
        """Return whether the rule speaks of an indicator of its feed; a confidence not stated matches no bounds."""
        kind, tags, tlp, confidence = key
        return (
            (not self.type or kind in self.type)
            and (not self.tlp or tlp in self.tlp)
            and (self.confidence is None or confidence in self.confidence)
            and _fits(self.tags, tags)
        )


_Key = tuple[str, tuple[str, ...], str, int | None]


@dataclass(frozen=True, slots=True)
class Policy:
    """Defaults and rules, ready to be asked."""

    defaults: Settings = field(default_factory=Settings)
    severity: str = "Medium"
    rules: tuple[Rule, ...] = ()

    @property
    def lifetime_days(self) -> int:
        """After how many days a row ends where no rule says otherwise, rounded up; 0 where nothing ends it."""
        lifetime = self.defaults.lifetime
        return -(-lifetime // timedelta(days=1)) if lifetime else 0

    def overridden(self, **settings: Any) -> Self | Policy:
        """Return a policy in which these settings (names of :class:`Settings`) have the last word."""
        if not settings:
            return self
        defaults = _with(self.defaults, settings)
        return Policy(defaults, self.severity, (*self.rules, Rule(settings=settings)))

    def for_feed(self, feed: str, source_format: str) -> Callable[[Observed], Settings | str]:
        """Return what decides the indicators of one feed: their settings, or the reason to drop them."""
        rules = [rule for rule in self.rules if rule.applies_to(feed, source_format)]

        @lru_cache(maxsize=_KINDS_KEPT)
        def decide(key: _Key) -> Settings | str:
            matching = [rule for rule in rules if rule.matches(key)]
            reason = next((rule.drop for rule in matching if rule.drop), "")
            chosen: dict[str, Any] = {}
            for rule in matching:
                chosen |= rule.settings
            return reason or _with(self.defaults, chosen)

        return lambda seen: decide((seen.type, seen.facts.tags, seen.facts.tlp, seen.facts.confidence))


def load_policy(path: Path) -> Policy:
    """Read a policy file.

    Raises:
        ConfigurationError: every problem of the file, one a line, with its line and path.
    """
    from defender_indicators.pack.strict_yaml import load  # noqa: PLC0415  # slow to import, needed only here

    try:
        document = load(path)
    except ManifestError as error:
        raise ConfigurationError(str(error)) from None
    problems = [document.problem(found.path, found.cause, found.remedy) for found in _checker().findings(document.data)]
    problems = problems or list(_contradictions(document))
    if problems:
        raise ConfigurationError("\n".join(map(str, problems)))
    content: Mapping[str, Any] = document.data
    defaults = _settings(content.get("defaults", {}))
    severity = defaults.pop("severity", "Medium")
    return Policy(_with(Settings(), defaults), severity, tuple(map(_rule, content.get("rules", ()))))


@cache
def shipped_policy() -> Policy:
    """Return the policy that applies where none is given."""
    return load_policy(SHIPPED)


def _with(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    known = {name: getattr(settings, name) for name in _NAMES}
    return Settings(**{**known, **changes})


def _contradictions(document: Document) -> Any:
    for number, rule in enumerate(document.data.get("rules", ())):
        bounds = rule.get("when", {}).get("confidence", {})
        if bounds.get("from", 0) > bounds.get("to", 100):
            place = ("rules", number, "when", "confidence")
            yield document.problem(place, "from is more than to, so it matches nothing", "exchange them")


def _rule(rule: Mapping[str, Any]) -> Rule:
    when: Mapping[str, Any] = rule.get("when", {})
    bounds = when.get("confidence")
    return Rule(
        feed=_pattern(when.get("feed", ())),
        format=_pattern(when.get("format", ())),
        type=frozenset(when.get("type", ())),
        tags=_pattern(when.get("tags", ())),
        tlp=frozenset(when.get("tlp", ())),
        confidence=range(bounds.get("from", 0), bounds.get("to", 100) + 1) if bounds else None,
        settings=_settings(rule.get("set", {})),
        drop=rule.get("drop", ""),
    )


def _settings(written: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as a file writes them under the names of :class:`Settings`."""
    found = dict(written)
    if "lifetime_days" in found:
        found["lifetime"] = timedelta(days=found.pop("lifetime_days"))
    if "device_groups" in found:
        found["device_groups"] = tuple(found["device_groups"])
    return found


def _pattern(globs: list[str]) -> re.Pattern[str] | None:
    escaped = (glob.replace("[", "[[]").replace("?", "[?]") for glob in globs)  # only * means something
    return re.compile("|".join(map(translate, escaped)), re.IGNORECASE) if globs else None


def _fits(pattern: re.Pattern[str] | None, names: tuple[str, ...]) -> bool:
    return pattern is None or any(pattern.match(name) for name in names)


@cache
def _checker() -> Any:
    from defender_indicators.pack.checker import Checker  # noqa: PLC0415  # slow to import, needed only here

    schema = json.loads((content_root() / "schemas" / "policy.schema.json").read_text("utf-8"))

    def lookup(location: str) -> Any:
        found = schema
        for step in location.partition("#")[2].split("/")[1:]:
            found = found[int(step)] if isinstance(found, list) else found[step]
        return found

    return Checker(schema, lookup=lookup)
