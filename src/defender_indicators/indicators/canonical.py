"""From a row in Microsoft's spelling to the bytes that will be sent for it, or to the reason why none will be.

Pure: no clock, no file, no socket. What a value may look like stands in `schemas/indicator.schema.json` and is
enforced there; here a row is brought into the one form in which equal things are equal.

Source: import-ti-indicators.md, ti-indicator.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import orjson

from defender_indicators.indicators.actions import translate
from defender_indicators.indicators.addresses import address
from defender_indicators.indicators.codes import Refused, json_type, shown
from defender_indicators.indicators.domains import domain
from defender_indicators.indicators.expiration import utc_second
from defender_indicators.indicators.gate import refusal, validator
from defender_indicators.indicators.hashes import file_hash, thumbprint
from defender_indicators.indicators.urls import url

VALUES: Mapping[str, Callable[[str, list[str]], str]] = {
    "FileSha1": file_hash,
    "FileSha256": file_hash,
    "FileMd5": file_hash,
    "CertificateThumbprint": thumbprint,
    "IpAddress": address,
    "DomainName": domain,
    "Url": url,
}
"""Type → canonical form of its values."""

_LONGEST_VALUE = 8192
_INTEGERS = frozenset({"category", "bypassDurationHours", "lookBackPeriod", "notificationId"})


@dataclass(frozen=True, slots=True)
class Policy:
    """What one run asks of every row.

    Args:
        now: the moment (aware) expiry is judged against.
        defaults: Microsoft's field names → values, used where a row lacks the field or leaves it empty.
        legacy_actions: ``translate`` replaces ``Alert`` and ``AlertAndBlock``, ``keep`` sends them as they are.
        application: filled in where a row names none.
    """

    now: datetime
    defaults: Mapping[str, object] = field(default_factory=dict)
    legacy_actions: Literal["translate", "keep"] = "translate"
    application: str = "defender-indicators"


class Indicator(NamedTuple):
    """A row that may be sent.

    ``scope`` is ``""`` for all devices, otherwise a compact JSON list of the group names, sorted, without doubles
    (then the group numbers, where a row has them). ``payload`` is compact JSON in Microsoft's spelling, keys sorted.
    """

    type: str
    value: str
    action: str
    scope: str
    payload: bytes
    notes: tuple[str, ...]


class Rejection(NamedTuple):
    """A row that must not be sent; value, type and action as they were given, safe to print, ≤ 200 characters."""

    value: str
    type: str
    action: str
    code: str
    reason: str
    notes: tuple[str, ...]


class Canonicaliser:
    """Judges rows under one policy; never raises, whatever a row is."""

    def __init__(self, policy: Policy) -> None:
        self._defaults = _present(dict(policy.defaults))
        self._application = policy.application
        self._translate = policy.legacy_actions == "translate"
        self._now = policy.now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def __call__(self, row: object) -> Indicator | Rejection:
        """Return the indicator a row stands for, or why it is rejected (see `CODES`)."""
        notes: list[str] = []
        try:
            fields = self._normal(_present(row), notes)
            _pass(fields)
            return _indicator(fields, notes)
        except Refused as refused:
            return _rejection(row, refused, notes)

    def _normal(self, fields: dict[str, Any], notes: list[str]) -> dict[str, Any]:
        """Return ``fields`` with defaults filled and everything in canonical form that can be."""
        if "externalID" in fields:
            fields.setdefault("externalId", fields.pop("externalID"))
            notes.append("externalID sent as externalId")
        if self._defaults:
            fields = {**self._defaults, **fields}
        fields.setdefault("application", self._application)
        value, kind, action = fields.get("indicatorValue"), fields.get("indicatorType"), fields.get("action")
        if isinstance(value, str) and isinstance(kind, str) and kind in VALUES:
            if len(value) > _LONGEST_VALUE:
                raise Refused("too_long", f"indicatorValue: {len(value)} characters")
            fields["indicatorValue"] = VALUES[kind](value, notes)
        if self._translate and (action == "Alert" or action == "AlertAndBlock"):  # noqa: PLR1714 - action may be unhashable
            translate(fields, notes)
        if isinstance(fields.get("expirationTime"), str):
            fields["expirationTime"] = self._expiration(fields["expirationTime"])
        return fields

    def _expiration(self, text: str) -> str:
        moment = utc_second(text)
        if moment is None:
            raise Refused("bad_expiration", f"expirationTime: '{shown(text, 60)}'")
        if moment <= self._now:
            raise Refused("expired", f"expirationTime: {moment} is not after {self._now}")
        return moment


def _pass(fields: dict[str, Any]) -> None:
    """Raise what the schema has against ``fields``."""
    kind = fields.get("indicatorType")
    gate = validator(kind if isinstance(kind, str) and kind in VALUES else "")
    try:
        allowed = gate.is_valid(fields)
    except ValueError:  # broken Unicode, or types JSON has no word for
        allowed = False
    if not allowed:
        raise refusal(fields)


def _present(row: object) -> dict[str, Any]:
    """Return what a row really says: null and empty text are how callers without optional fields say nothing."""
    if not isinstance(row, dict):
        raise Refused("not_an_object", f"the row is {json_type(row)}")
    return {name: value for name, value in row.items() if value or (value is not None and value != "")}


def _indicator(fields: dict[str, Any], notes: list[str]) -> Indicator:
    kind, value, action = fields["indicatorType"], fields["indicatorValue"], fields["action"]
    if not _INTEGERS.isdisjoint(fields) or "rbacGroupIds" in fields:
        _whole_numbers(fields)
    scope = scope_of(tuple(fields.get("rbacGroupNames", ())), tuple(fields.get("rbacGroupIds", ())))
    if "externalId" not in fields:
        key = f"{kind}\0{value}\0{scope}".encode()
        fields["externalId"] = "di-" + hashlib.sha256(key).hexdigest()[:32]
    try:
        payload = orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:  # the gate reads numbers of thousands of digits as floats and lets some pass
        raise Refused("not_json", "a number is too large") from error
    return Indicator(kind, value, action, scope, payload, tuple(dict.fromkeys(notes)) if notes else ())


@lru_cache(maxsize=1024)
def scope_of(names: tuple[str, ...], ids: tuple[int, ...]) -> str:
    """Return the canonical scope of a row (see `Indicator`)."""
    groups = [*sorted(set(names)), *sorted(set(ids))]
    return json.dumps(groups, ensure_ascii=False, separators=(",", ":")) if groups else ""


def _whole_numbers(fields: dict[str, Any]) -> None:
    """Write ``1.0``, an integer to JSON Schema, as the integer the service expects."""
    for name in _INTEGERS & fields.keys():
        fields[name] = int(fields[name])
    if "rbacGroupIds" in fields:
        fields["rbacGroupIds"] = [int(number) for number in fields["rbacGroupIds"]]


def _rejection(row: object, refused: Refused, notes: list[str]) -> Rejection:
    given = row if isinstance(row, dict) else {}
    return Rejection(
        shown(given.get("indicatorValue", "")),
        shown(given.get("indicatorType", "")),
        shown(given.get("action", "")),
        refused.code,
        refused.reason,
        tuple(dict.fromkeys(notes)),
    )
