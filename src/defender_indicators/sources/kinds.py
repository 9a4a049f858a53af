"""What a value is, where its source says so in words of its own, not at all, or wrongly."""

from __future__ import annotations

import re
from typing import NamedTuple

from defender_indicators.indicators import infer_type
from defender_indicators.indicators.refang import refang

HASHES = ("FileSha256", "FileSha1", "FileMd5")
"""The types of a file's hash, the strongest first."""

_HTTP = re.compile(r"https?://", re.IGNORECASE).match
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]{0,30})://", re.IGNORECASE).match
_PORT = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^\s:/\[\]]+)):([0-9]{1,5})", re.IGNORECASE).fullmatch


class Meaning(NamedTuple):
    """Microsoft's type of a value, ``""`` where it is none; ``port`` is what stood behind an address or a name."""

    type: str
    value: str
    port: str = ""


def meaning(declared: str, value: str) -> Meaning:
    """Return what ``value`` is, given Microsoft's type that the source declares (``""`` where it declares none).

    The value itself wins, except that a thumbprint looks like any SHA-1, that a name with a path can be meant as a
    URL without its scheme, and that a value in the place of a hash is a hash or nothing: ``report.zip`` is a domain
    by its look only.
    """
    text = value.strip()
    if declared == "Url" and _HTTP(text):
        return Meaning(declared, text)
    found = infer_type(text) or ""
    if found in ("IpAddress", "DomainName") and ":" in text:
        text, port = split_port(text)
        return Meaning(_agreed(declared, found, text), text, port)
    return Meaning(_agreed(declared, found, text), text)


def _agreed(declared: str, found: str, text: str) -> str:
    if not declared or declared == found or not text:
        return found
    if declared == "Url":
        return "Url" if found and "/" in text else found
    if not found:
        return "" if _SCHEME(text) or declared in HASHES else declared
    if declared in HASHES:
        return found if found in HASHES else ""
    return declared if declared == "CertificateThumbprint" else found


def split_port(value: str) -> tuple[str, str]:
    """Return an address or a name and the port behind it; the value as it is and ``""`` where there is no port."""
    parts = _PORT(refang(value, []))
    return (parts[1] or parts[2], parts[3]) if parts else (value, "")


def with_port(description: str, port: str) -> str:
    """Return a description that says on which port the address or name was seen."""
    if not port:
        return description
    return f"{description}; seen on port {port}" if description else f"seen on port {port}"


def foreign_scheme(value: str) -> str:
    """Return the scheme of a URL that Defender has no indicator for (``wss``, ``ftp``), ``""`` for anything else."""
    if _HTTP(value):
        return ""
    plain = refang(value.strip(), [])
    scheme = _SCHEME(plain)
    return scheme[1].lower() if scheme and not _HTTP(plain) else ""
