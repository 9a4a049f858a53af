"""Which URLs a feed may be fetched from, and which addresses may be connected to for it.

A URL from a configuration or a redirect must not become a way into this machine or this network: names are resolved
here, every address is judged, and the connection goes to a judged address, whatever a second look-up would say.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from defender_indicators.errors import InputError
from defender_indicators.indicators.addresses import address
from defender_indicators.indicators.codes import Refused
from defender_indicators.logs import escape
from defender_indicators.origin import is_loopback
from defender_indicators.redaction import MASK, redact

_LONGEST: Final = 8192
_SHOWN: Final = 200
_PRIVATE: Final = tuple(
    map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"))
)


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a feed may reach: the internet, with ``allow_private`` private networks too, with ``allow_loopback``
    this machine, also over ``http``. Link-local addresses, where clouds keep their secrets, are never reached.
    """  # noqa: D205  # one sentence, two lines

    allow_private: bool = False
    allow_loopback: bool = False

    def check(self, url: str) -> str:
        """Return what messages call ``url``: host and path, without its query.

        Raises:
            InputError: not https, a user or password in it, no host, or an address that is out of reach.
        """
        parts = _split(url)
        host = parts.hostname or ""
        place = place_of(parts)
        if fault := self._fault(parts, host):
            raise InputError(f"{place}: {fault}")
        if literal := _literal(host):
            self._judge(host, literal)
        return place

    def resolve(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host, each of which may be connected to.

        Raises:
            InputError: one of them is out of reach.
            OSError: the name does not resolve.
        """
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
        for each in addresses:
            self._judge(host, each)
        return addresses

    def _fault(self, parts: SplitResult, host: str) -> str:
        is_plain_allowed = parts.scheme == "http" and self.allow_loopback and is_loopback(host)
        faults = {
            "not https://; a feed is only fetched over https": parts.scheme != "https" and not is_plain_allowed,
            "holds a user name or password; keep it where secrets are kept, never in the URL": "@" in parts.netloc,
            "names no host; write it as https://HOST/PATH": not host,
            "the host ends with a dot; write it without": host.endswith("."),
        }
        return next((fault for fault, is_found in faults.items() if is_found), "")

    def _judge(self, host: str, text: str) -> None:
        if not self._is_reachable(text.partition("%")[0]):
            what = text if text == host else f"{host} is {text}, which"
            raise InputError(
                f"{escape(host)}: {escape(what)} is not on the internet, and a feed must not lead into this network; "
                "save the feed and give the file, or allow private addresses for feeds"
            )

    def _is_reachable(self, text: str) -> bool:
        ip = ipaddress.ip_address(text)
        ip = getattr(ip, "ipv4_mapped", None) or ip
        if ip.is_loopback:
            return self.allow_loopback
        if any(ip in network for network in _PRIVATE):
            return self.allow_private
        try:
            address(str(ip), [])
        except Refused:
            return False
        return True


def place_of(parts: SplitResult) -> str:
    """Return host and path, fit for a message: secrets and everything that does not print are taken out."""
    host = parts.netloc.rpartition("@")[2]
    text = escape(redact(f"{host}{parts.path}"))
    text = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    return f"{text or 'feed'}{f'?{MASK}' if parts.query else ''}"


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise InputError("feed: not a URL; write it as https://HOST/PATH") from None
    if not url.isprintable() or " " in url or "\\" in url or len(url) > _LONGEST:
        raise InputError(f"{place_of(parts)}: not a URL: white space, invisible characters, or too long")
    return parts


def _literal(host: str) -> str:
    """Return the address that a host is written as, in any of the spellings a resolver takes; ``""`` for a name."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))  # 0x7f.1, 2130706433
    except OSError:
        return ""
