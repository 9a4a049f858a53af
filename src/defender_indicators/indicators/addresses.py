"""IP addresses: one external address each, IPv6 written with all eight segments.

Source: indicators-overview.md and indicator-ip-domain.md (single external addresses, eight segments).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from ipaddress import IPv4Network
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

from defender_indicators.indicators.codes import Refused, shown
from defender_indicators.indicators.refang import fold, refang, trim

UNWRAPPED = "prefix length of a single address dropped"
UNMAPPED = "IPv4 address taken out of its IPv6-mapped form"
DOCUMENTATION = "address reserved for documentation: no traffic can match it"

# What the service refuses: everything that is not external. The documentation ranges (192.0.2.0/24,
# 198.51.100.0/24, 203.0.113.0/24) are not external either, but harmless, and every sample is written with them.
_REFUSED_V4 = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3",
)  # fmt: skip
_DOCUMENTATION_V4 = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")


def _table() -> tuple[list[int], list[str]]:
    """Return the starts of the ranges and what each one is: ``""``, ``refused`` or ``documentation``."""
    edges = {0: ""}
    for what, networks in (("refused", _REFUSED_V4), ("documentation", _DOCUMENTATION_V4)):
        for network in map(IPv4Network, networks):
            edges[int(network.network_address)] = what
            edges.setdefault(int(network.broadcast_address) + 1, "")
    starts = sorted(edges)
    return starts, [edges[start] for start in starts]


_STARTS, _KINDS = _table()
_UNWRAP = re.compile(r"([0-9.]+)/32|([0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)/128")
_NAT64 = bytes.fromhex("0064ff9b0000000000000000")
_MAPPED = bytes(10) + b"\xff\xff"
_EIGHT = ":".join(["%x"] * 8)


def address(value: str, notes: list[str]) -> str:
    """Return the canonical form of one external address, or ``value`` itself where it is no address at all.

    Documentation ranges pass with a note, although they are not external: samples and tests are written with them.
    An IPv4 address inside NAT64 (``64:ff9b::/96``) or 6to4 (``2002::/16``) is judged like the address itself.

    Raises:
        Refused: private, shared, loopback, link-local, multicast or reserved address (``private_address``).
    """
    packed = _packed(AF_INET, value)
    if packed is None:
        value = _bare(value, notes)
        packed = _packed(AF_INET6 if ":" in value else AF_INET, value)
        if packed is None:
            return value
    return _external(packed, value, notes)


def spelling(value: str) -> str | None:
    """Return ``value`` in canonical spelling when it is an address of any kind, else None."""
    packed = _packed(AF_INET6 if ":" in value else AF_INET, value)
    return None if packed is None else _spelt(_unmapped(packed))


def compressed(value: str) -> str | None:
    """Return an IPv6 address in the short form browsers use in URLs, None when it is not one."""
    packed = _packed(AF_INET6, value)
    return None if packed is None else inet_ntop(AF_INET6, packed)


def _packed(family: int, value: str) -> bytes | None:
    try:
        return inet_pton(family, value)
    except (OSError, ValueError):
        return None


def _bare(value: str, notes: list[str]) -> str:
    text = refang(fold(trim(value, notes), notes), notes)
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    single = _UNWRAP.fullmatch(text)
    if single:
        notes.append(UNWRAPPED)
        text = single[1] or single[2]
    return text


def _unmapped(packed: bytes) -> bytes:
    return packed[12:] if packed.startswith(_MAPPED) and len(packed) == 16 else packed  # noqa: PLR2004 - bytes of IPv6


def _spelt(packed: bytes) -> str:
    if len(packed) == 4:  # noqa: PLR2004 - bytes of IPv4
        return inet_ntop(AF_INET, packed)
    return _EIGHT % tuple(int.from_bytes(packed[i : i + 2], "big") for i in range(0, 16, 2))


def _external(packed: bytes, value: str, notes: list[str]) -> str:
    bare = _unmapped(packed)
    kind = _kind(bare)
    if kind == "refused":
        raise Refused("private_address", f"indicatorValue: '{shown(value)}' is not external")
    if kind:
        notes.append(DOCUMENTATION)
    if bare is not packed:
        notes.append(UNMAPPED)
    return _spelt(bare) if len(packed) > 4 else value  # noqa: PLR2004 - inet_pton takes one spelling of IPv4


def _kind(packed: bytes) -> str:
    if len(packed) == 4:  # noqa: PLR2004 - bytes of IPv4
        return _KINDS[bisect_right(_STARTS, int.from_bytes(packed, "big")) - 1]
    if packed.startswith(_NAT64):
        return _kind(packed[12:])
    if packed.startswith(b"\x20\x02"):
        return _kind(packed[2:6])
    if packed.startswith(b"\x20\x01\x0d\xb8") or (packed.startswith(b"\x3f\xff") and packed[2] < 0x10):  # noqa: PLR2004 - 3fff::/20
        return "documentation"
    # Only 2000::/3 is given out; 2001::/23 of it holds protocols (Teredo, ORCHID), not hosts.
    given_out = packed[0] >> 5 == 1 and not (packed.startswith(b"\x20\x01") and packed[2] < 0x02)  # noqa: PLR2004 - /23
    return "" if given_out else "refused"
