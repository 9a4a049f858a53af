"""What the comparisons of a STIX pattern name that Defender can take, and what they only narrow."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple, TypeAlias

SEQUENCE = "several observations"
"""The operator of a comparison that stands for observations which must come together or in order."""


class Comparison(NamedTuple):
    """One comparison: an object path as written (``file:hashes.MD5``), an operator, a value without its quotes."""

    path: str
    operator: str
    value: str


Alternative: TypeAlias = tuple[Comparison, ...]
"""Comparisons that must all be true; a pattern matches when one of its alternatives does."""


class Match(NamedTuple):
    """A value that Defender takes: Microsoft's indicatorType, the value, and what STIX calls it."""

    type: str
    value: str
    kind: str


class Lost(NamedTuple):
    """What a pattern names beside that, and why it is not taken over."""

    kind: str
    value: str
    reason: str


class _Target(NamedTuple):
    """What a path leads to: an object, a type of Defender (or none), a name for it; strength and length of a hash."""

    object: str
    type: str
    kind: str
    strength: int = 0
    length: int = 0


_VALUES = {
    "ipv4-addr": "IpAddress",
    "ipv6-addr": "IpAddress",
    "domain-name": "DomainName",
    "hostname": "DomainName",
    "x-hostname": "DomainName",
    "x-opencti-hostname": "DomainName",
    "url": "Url",
}
_HASHES = {"MD5": ("FileMd5", 1, 32), "SHA1": ("FileSha1", 2, 40), "SHA256": ("FileSha256", 3, 64)}
_NAMED = {"email-addr": "email", "email-message": "email", "windows-registry-key": "registry key"}
_HASH = re.compile(r"hashes\.(['\"]?)([\w-]+)\1", re.ASCII)
_REFERENCE = re.compile(r"\w+_ref\.value", re.ASCII)
_NETWORK_TYPES = {"ipv4-addr", "ipv6-addr", "domain-name"}
_DOT = r"[.\[\](){}]{1,3}"
_ADDRESS = re.compile(
    rf"\[?[0-9]{{1,3}}(?:{_DOT}[0-9]{{1,3}}){{3}}\]?(?:/[0-9]+)?|\[?[0-9a-f]{{0,4}}:[0-9a-f:.]*:[0-9a-f.]*\]?(?:/[0-9]+)?",
    re.IGNORECASE,
)
_WEB = re.compile(r"h..ps?[:\[\]]{1,3}//", re.IGNORECASE)


def judge(alternative: Alternative) -> Match | Lost:
    """Return what an alternative comes to.

    The strongest hash of one file or certificate stands for everything that is said of it beside: the rest can only
    narrow, and a hash is exact already. Any other combination is narrower than what Defender can express, and
    taking one half of it would block more than was meant.
    """
    parts = alternative if len(alternative) == 1 else _telling(alternative)
    if len(parts) == 1:
        return _single(parts[0])
    targets = [_target(part.path) for part in parts]
    if len({target.object for target in targets}) == 1 and (hashed := _strongest(parts, targets)):
        return _single(hashed)
    taken = next((part for part, target in zip(parts, targets, strict=True) if target.type), None)
    if taken is None:
        return _single(parts[0])
    others = sorted({part.path for part in parts} - {taken.path}) or [taken.path]
    return Lost("combination", taken.value, f"{taken.path} AND {others[0]} is narrower than Defender can express")


def _strongest(parts: list[Comparison], targets: list[_Target]) -> Comparison | None:
    """Return the best of one thing's hashes; None where there is none, or two of one algorithm: two things' hashes.

    The best is one that Defender takes, of the right length, of the strongest algorithm.
    """
    given: dict[str, Comparison] = {}
    ranked = []
    for part, target in zip(parts, targets, strict=True):
        if target.strength and part.operator == "=":
            if given.setdefault(target.kind, part).value.lower() != part.value.lower():
                return None
            ranked.append((bool(target.type), len(part.value.strip()) == target.length, target.strength, part))
    return max(ranked)[-1] if ranked else None


def _telling(alternative: Alternative) -> list[Comparison]:
    """Return the comparisons that say more than the type of the address beside them, each once."""
    return [part for part in dict.fromkeys(alternative) if not _says_type(part, alternative)]


def _says_type(part: Comparison, beside: Alternative) -> bool:
    """Return whether a comparison is the common ``dst_ref.type = 'ipv4-addr'`` beside a ``dst_ref.value``."""
    if part.value not in _NETWORK_TYPES or part.operator != "=" or not part.path.endswith("_ref.type"):
        return False
    value = part.path.removesuffix("type") + "value"
    return any(other.path == value for other in beside)


def _single(part: Comparison) -> Match | Lost:
    if part.operator == SEQUENCE:
        return Lost("sequence", part.value, "needs several observations together, which Defender cannot express")
    target = _target(part.path)
    if not target.type:
        return Lost(target.kind, part.value, f"{part.path} is nothing that Defender takes")
    if part.operator == "=":
        return Match(_type_of(target, part.value), part.value, target.kind)
    found = _type_of(target, part.value)
    if part.operator == "ISSUBSET" and found == "IpAddress":
        return Match(found, part.value, target.kind)
    return Lost("not exact", part.value, f"{part.path} {part.operator} names no single value")


def _type_of(target: _Target, value: str) -> str:
    """Return the type of a value; what is declared a domain is often an address or a URL, and that is told apart."""
    if target.type != "DomainName" or (value[-1:].isalpha() and ":" not in value):
        return target.type
    value = value.strip()
    if _ADDRESS.fullmatch(value):
        return "IpAddress"
    return "Url" if _WEB.match(value) else "DomainName"


@lru_cache(maxsize=1024)
def _target(path: str) -> _Target:
    thing, _, rest = path.partition(":")
    named = _NAMED.get(thing, thing)
    if rest == "value":
        return _Target(thing, _VALUES.get(thing, ""), named)
    if thing == "network-traffic" and _REFERENCE.fullmatch(rest):
        return _Target(thing, "DomainName", "network-traffic")
    hashed = _HASH.fullmatch(rest)
    if hashed and thing in {"file", "artifact", "x509-certificate"}:
        return _hash_target(thing, re.sub("[-_]", "", hashed[2].upper()))
    return _Target(thing, "", "file name" if path == "file:name" else named)


def _hash_target(thing: str, algorithm: str) -> _Target:
    kind = algorithm.lower()
    found, strength, length = _HASHES.get(algorithm, ("", 0, 0))
    if thing != "x509-certificate":
        return _Target(thing, found, kind, strength, length)
    found = "CertificateThumbprint" if algorithm == "SHA1" else ""
    return _Target(thing, found, f"certificate {kind}", strength, length)
