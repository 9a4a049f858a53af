"""Why a row is rejected: one stable code each, with its meaning and remedy."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

CODES: Mapping[str, str] = MappingProxyType(
    {
        "not_an_object": "A row is a JSON object with Microsoft's field names",
        "not_json": "The row holds something JSON cannot carry, is nested too deeply or has a number too large",
        "missing_field": "A required field is missing or empty; give it in the row or as a default",
        "unknown_field": "The service does not take this field; remove it or correct its spelling, case counts",
        "not_a_string": "The value must be a quoted string; numbers are never turned into text",
        "wrong_type": "The value has the wrong JSON type; true and false take no quotes, lists take square brackets",
        "bad_characters": "Control characters, text direction overrides and broken Unicode are refused; remove them",
        "too_long": "The value is too long; shorten it, nothing is ever cut",
        "out_of_range": "The number is outside the range the service can store",
        "unknown_type": "The type is not one that can be imported; case counts",
        "unknown_action": "The action is not one the service knows; case counts",
        "unknown_severity": "The severity is Informational, Low, Medium or High; case counts",
        "action_not_supported_for_type": "The service has no such action for this type; choose another action",
        "audit_needs_alert": "Audit does nothing but alert; set generateAlert to true",
        "educate_url_not_supported": "educateUrl goes with Block or Warn on a domain or URL only; remove it",
        "bad_expiration": "Write a moment with its zone, as in 2030-01-31T00:00:00Z",
        "expired": "The expiration time has passed; give a later one or leave the row out",
        "bad_hash": "Give the hex digits of the type: 32 for FileMd5, 40 for FileSha1, 64 for FileSha256",
        "bad_thumbprint": "Give the 40 hex digits of the certificate's SHA-1 thumbprint",
        "cidr_not_supported": "The service takes single addresses; list the addresses you mean one by one",
        "ip_range_not_supported": "The service takes single addresses; list the addresses you mean one by one",
        "wildcard_not_supported": "Wildcards are refused; a domain already covers all its subdomains",
        "port_not_supported": "An address or domain has no port; remove it, or use the type Url",
        "path_not_supported": "A domain has no scheme or path; use the type Url",
        "private_address": "The service takes external addresses only; this one is private, reserved or local",
        "not_an_ip_address": "Give one IPv4 address of four decimal numbers or one IPv6 address",
        "public_suffix": "Everybody's domains end like this; name the one registered domain you mean",
        "bad_domain": "Give a full name, dotted labels of letters, digits and hyphens; an address is an IpAddress",
        "bad_url": "Give http:// or https://, a full host name and a path without spaces (write them as %20)",
    }
)
"""Code → meaning and remedy. The order is the order of precedence: where several rules fail, the first code speaks."""

_SHOWN = 200


class Refused(Exception):  # noqa: N818 - a verdict on data, caught where it becomes a Rejection
    """A row that must not be sent: ``code`` is one of `CODES`, ``detail`` (safe to print) says what was found where."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.reason = f"{detail}. {CODES[code]}."


_JSON_TYPES = {"dict": "an object", "list": "a list", "str": "a text", "int": "a number", "float": "a number"}


def json_type(value: object) -> str:
    """Return what JSON calls a value, with its article; ``null``, ``true`` and ``false`` are their own names."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return _JSON_TYPES.get(type(value).__name__, f"of the type {type(value).__name__}")


def shown(value: object, limit: int = _SHOWN) -> str:
    """Return ``value`` fit for a terminal, a log and a report: control characters escaped, at most ``limit`` long.

    What is neither text nor a plain number or truth value becomes ``""``: a payload is never shown.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if value.bit_length() <= 64 else "(a huge number)"  # noqa: PLR2004 - what JSON readers keep
    if isinstance(value, float):
        return repr(value)
    if not isinstance(value, str):
        return ""
    head = value[:limit]
    if not head.isprintable():
        head = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in head)[:limit]
    return head
