"""Web addresses: http or https, host in canonical form, everything after it left as it is.

Source: indicators-overview.md (full path matched), RFC 3986 §6.2 (which spellings are equal).
"""

from __future__ import annotations

import re

from defender_indicators.indicators.addresses import address, compressed, spelling
from defender_indicators.indicators.codes import Refused, shown
from defender_indicators.indicators.domains import host_name
from defender_indicators.indicators.refang import fold, refang, trim

FRAGMENT = "fragment dropped: browsers never send it"
USER = "user name dropped: it is no part of what is visited"
PORT = "default port dropped"
ENCODED = "characters beyond ASCII percent-encoded"

_PLAIN = re.compile(r"https?://(?:[a-z0-9-]+\.)+[a-z][a-z0-9-]*[a-z0-9]/[!\"$-Z\\^-~]*").fullmatch
_PARTS = re.compile(r"(https?)://([^/?#\\]*)([^#]*)(#.*)?", re.IGNORECASE | re.DOTALL)
_AUTHORITY = re.compile(r"(?:(.*)@)?(\[[^\]]*\]|[^:\[\]]*)(?::([0-9]*))?", re.DOTALL | re.ASCII)
_NUMERIC = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)", re.DOTALL)
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def url(value: str, notes: list[str]) -> str:
    """Return the canonical form; what cannot be a web address is returned for the schema to refuse.

    The path keeps its case and its percent signs. A user name, a default port and a fragment are dropped with a
    note, except where only the fragment names the page: without it the whole site would be meant.

    Raises:
        Refused: ``bad_url``, ``private_address``, ``bad_domain``, ``bad_characters``, ``too_long``.
    """
    if _PLAIN(value) and "xn--" not in value:
        return value
    parts = _PARTS.fullmatch(_readable(trim(value, notes), notes))
    authority = _AUTHORITY.fullmatch(parts[2]) if parts else None
    if parts is None or authority is None:
        return value.strip()
    scheme = parts[1].lower()
    if authority[1] is not None:
        notes.append(USER)
    rest = parts[3] if parts[3].startswith("/") else "/" + parts[3]
    _drop_fragment(parts[4] or "", rest, notes)
    return f"{scheme}://{_host(authority[2], notes)}{_port(scheme, authority[3], notes)}{_encoded(rest, notes)}"


def _readable(text: str, notes: list[str]) -> str:
    """Return ``text`` refanged; full-width characters are undone in the host only, in a path they are content."""
    plain = refang(text, notes)
    scheme, mark, rest = plain.partition("://")
    if not mark:
        return refang(fold(plain, notes), notes)
    slash = rest.find("/")
    end = len(rest) if slash < 0 else slash
    return f"{fold(scheme, notes)}://{refang(fold(rest[:end], notes), notes)}{rest[end:]}"


def _drop_fragment(fragment: str, rest: str, notes: list[str]) -> None:
    if fragment:
        if rest == "/" and fragment != "#":
            raise Refused("bad_url", "indicatorValue: only the fragment names the page, the rest is the whole site")
        notes.append(FRAGMENT)


def _host(text: str, notes: list[str]) -> str:
    if text.startswith("["):
        bare = address(text, notes)
        short = compressed(bare)
        return f"[{short}]" if short else spelling(bare) or text
    name = host_name(text, notes)
    if not _NUMERIC.fullmatch(name):
        return name
    numbers = address(name, notes)
    if spelling(numbers) is None:
        raise Refused("bad_url", f"indicatorValue: the host '{shown(name)}' is a number, not an address")
    return numbers


def _port(scheme: str, port: str | None, notes: list[str]) -> str:
    if not port:
        return ""
    if port == _DEFAULT_PORTS[scheme]:
        notes.append(PORT)
        return ""
    return f":{port}"


def _encoded(rest: str, notes: list[str]) -> str:
    if rest.isascii():
        return rest
    notes.append(ENCODED)
    return _BEYOND_ASCII.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), rest)
