"""What a request body may look like: first the binder (the whole call), then the meaning (row by row).

Independent of the pack's own validation on purpose: this is the oracle that validation is tested against.
Source: ti-indicator.md, post-ti-indicator.md, indicators-overview.md, the service's OData ``$metadata``.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from defender_indicators.emulator.settings import Settings

Row = dict[str, Any]


class Fault(NamedTuple):
    """Why something is refused: one of the documented error codes, and a text."""

    code: str
    text: str


ACTIONS = frozenset({"Allowed", "Alert", "AlertAndBlock", "Warn", "Block", "Audit", "BlockAndRemediate"})
SEVERITIES = frozenset({"Informational", "Low", "Medium", "High"})
FILE_TYPES = frozenset({"FileSha1", "FileSha256", "FileMd5"})
NETWORK_TYPES = frozenset({"IpAddress", "DomainName", "Url"})
SUBMITTABLE_TYPES = FILE_TYPES | NETWORK_TYPES | {"CertificateThumbprint"}
TYPES = SUBMITTABLE_TYPES | {"ProcessMemorySimilarityHash", "WebCategory"}
_CERTIFICATE_ACTIONS = frozenset({"Allowed", "BlockAndRemediate", "Alert", "AlertAndBlock"})
_REQUIRED = ("indicatorValue", "indicatorType", "action", "title", "description")


def _text(value: object) -> bool:
    return value is None or isinstance(value, str)


def _texts(value: object) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(item, str) for item in value))


def _int32(value: object) -> bool:
    return type(value) is int and -(2**31) <= value < 2**31


def _nullable_int32(value: object) -> bool:
    return value is None or _int32(value)


def _byte(value: object) -> bool:
    return value is None or (type(value) is int and 0 <= value < 2**8)


def _int32s(value: object) -> bool:
    return isinstance(value, list) and all(_int32(item) for item in value)


def _boolean(value: object) -> bool:
    return isinstance(value, bool)


def _date(value: object) -> bool:
    return value is None or (isinstance(value, str) and moment(value) is not None)


def _one_of(names: frozenset[str]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and value in names


def _certificate_info(value: object) -> bool:
    return value is None or (
        isinstance(value, dict)
        and value.keys() <= {"issuer", "serial", "subject", "sha256"}
        and all(_text(item) for item in value.values())
    )


_TEXT_FIELDS = """
    id indicatorValue createdBy application educateUrl title description recommendedActions lastUpdatedBy
    notificationBody version additionalInfo createdByDisplayName externalId createdBySource
"""
_TEXTS = frozenset(_TEXT_FIELDS.split())
_SERVER_SET = "id createdBy createdByDisplayName createdBySource creationTimeDateTimeUtc lastUpdateTime lastUpdatedBy"
SERVER_SET = frozenset(_SERVER_SET.split())
_BINDERS: Mapping[str, Callable[[object], bool]] = {
    **dict.fromkeys(_TEXTS, _text),
    **dict.fromkeys(("creationTimeDateTimeUtc", "lastUpdateTime", "expirationTime"), _date),
    **dict.fromkeys(("rbacGroupNames", "mitreTechniques"), _texts),
    **dict.fromkeys(("category", "bypassDurationHours", "lookBackPeriod"), _nullable_int32),
    **dict.fromkeys(("historicalDetection", "generateAlert"), _boolean),
    "rbacGroupIds": _int32s,
    "notificationId": _byte,
    "certificateInfo": _certificate_info,
    "indicatorType": _one_of(TYPES),
    "action": _one_of(ACTIONS),
    "severity": _one_of(SEVERITIES),
}
FIELDS = frozenset(_BINDERS)


@lru_cache(maxsize=4096)
def moment(text: str) -> datetime | None:
    """Return an Edm.DateTimeOffset as UTC; None when it is not one (no zone, no such day)."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        return None
    if value.utcoffset() is None or "T" not in text:
        return None
    try:
        return value.astimezone(UTC)
    except OverflowError:
        return None


def bind(row: object) -> Fault | None:
    """Say why the body binder cannot read this row, which refuses the whole call; None when it can."""
    if not isinstance(row, dict):
        return Fault("InvalidRequestBody", "Request body is incorrect: an indicator is not an object")
    for name, value in row.items():
        if name in _TEXTS and value.__class__ is str:
            continue
        binder = _BINDERS.get(name)
        if binder is None:
            return Fault("InvalidRequestBody", f"Request body is incorrect: unknown property '{name}'")
        if not binder(value):
            return Fault("InvalidRequestBody", f"Request body is incorrect: bad value for property '{name}'")
    return None


def judge(row: Row, settings: Settings, now: datetime) -> Fault | None:
    """Say why the service refuses this well-formed row; None when it takes it."""
    missing = [name for name in _REQUIRED if not row.get(name)]
    if missing:
        return Fault("MissingRequiredParameter", f"Required parameter '{missing[0]}' is missing or empty")
    kind, value = row["indicatorType"], row["indicatorValue"]
    fault = _VALUE_RULES.get(kind, _not_submittable)(value) or _action_fault(kind, row["action"], row)
    if fault:
        return fault
    if kind == "FileMd5" and not settings.md5_supported:
        return Fault("InvalidHashValue", "MD5 hashes are not supported")
    expires = row.get("expirationTime")
    if expires is not None and (moment(expires) or now) <= now:
        return Fault("InvalidInput", "expirationTime is in the past")
    return _unknown_group(row, settings.groups) if settings.unknown_groups == "refuse" else None


def _action_fault(kind: str, action: str, row: Row) -> Fault | None:
    if (action == "BlockAndRemediate" and kind in NETWORK_TYPES) or (
        kind == "CertificateThumbprint" and action not in _CERTIFICATE_ACTIONS
    ):
        return Fault("InvalidInput", f"Action '{action}' is not supported for indicators of type '{kind}'")
    if action == "Audit" and row.get("generateAlert") is not True:
        return Fault("InvalidInput", "Action 'Audit' requires generateAlert to be true")
    return None


def _unknown_group(row: Row, groups: tuple[str, ...]) -> Fault | None:
    for name in row.get("rbacGroupNames") or ():
        if name not in groups:
            return Fault("InvalidInput", f"Unknown device group '{name}'")
    return None


def _hash_rule(length: int) -> Callable[[str], Fault | None]:
    good = re.compile(rf"[0-9A-Fa-f]{{{length}}}").fullmatch
    return lambda value: None if good(value) else Fault("InvalidHashValue", f"Not {length} hexadecimal digits")


_THUMBPRINT = re.compile(r"[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}")
_LABEL = r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)"
_HOST = rf"(?=.{{4,253}}(?:[:/?#]|$))(?:{_LABEL}\.)+(?!\d+(?:[:/?#]|$))[A-Za-z0-9-]{{2,63}}"
_DOMAIN = re.compile(_HOST)
_URL = re.compile(
    rf"(?:https?://)?(?:{_HOST}|\d{{1,3}}(?:\.\d{{1,3}}){{3}}|\[[0-9a-f:]+\])(?::\d{{1,5}})?(?:[/?#]\S*)?",
    re.IGNORECASE,
)
_EIGHT_SEGMENTS = 8
_EXAMPLES = [
    ipaddress.ip_network(text)
    for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")
]
"""Documentation ranges: examples have to use them, so here they stand for addresses of the Internet."""


def _thumbprint_rule(value: str) -> Fault | None:
    return None if _THUMBPRINT.fullmatch(value) else Fault("InvalidHashValue", "Not a certificate thumbprint")


def _domain_rule(value: str) -> Fault | None:
    return None if _DOMAIN.fullmatch(value) else Fault("InvalidDomainName", "Not a domain name")


def _url_rule(value: str) -> Fault | None:
    return None if _URL.fullmatch(value) else Fault("InvalidUrl", "Not a URL")


def _ip_rule(value: str) -> Fault | None:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return Fault("InvalidIpAddress", "Not a single IP address (ranges and CIDR are not supported)")
    if isinstance(address, ipaddress.IPv6Address) and len(value.split(":")) != _EIGHT_SEGMENTS:
        return Fault("InvalidIpAddress", "IPv6 addresses must be written with eight segments")
    external = address.is_global or any(address in network for network in _EXAMPLES)
    if not external or address.is_multicast:
        return Fault("InvalidIpAddress", "Only external IP addresses can be added")
    return None


def _not_submittable(_: str) -> Fault:
    return Fault("InvalidInput", "Indicators of this type cannot be submitted")


_VALUE_RULES: Mapping[str, Callable[[str], Fault | None]] = {
    "FileSha1": _hash_rule(40),
    "FileSha256": _hash_rule(64),
    "FileMd5": _hash_rule(32),
    "CertificateThumbprint": _thumbprint_rule,
    "IpAddress": _ip_rule,
    "DomainName": _domain_rule,
    "Url": _url_rule,
}
