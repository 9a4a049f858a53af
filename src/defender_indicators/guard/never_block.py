"""What must never be blocked: the shipped hosts and addresses, and those that the configuration protects.

A block of a listed domain, of anything below it and of anything above it is refused; a URL with a path is, when its
host is listed or lies below a listed one.

Source: Microsoft Learn, "Microsoft 365 URLs and IP address ranges", "Configure your devices to connect to the Defender
for Endpoint service using a proxy", "Windows connection endpoints"; the certificate authorities' own documentation.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Final

from defender_indicators.guard.codes import Hold
from defender_indicators.guard.known_files import EMPTY_FILE
from defender_indicators.guard.settings import GuardSettings

HOSTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "Microsoft sign-in": (
            "login.microsoftonline.com", "login.microsoftonline.us", "login.microsoftonline-p.com",
            "login.partner.microsoftonline.cn", "login.microsoft.com", "login.windows.net", "sts.windows.net",
            "login.live.com", "logincert.microsoftonline.com", "loginex.microsoftonline.com",
            "aadcdn.msauth.net", "aadcdn.msftauth.net", "logincdn.msauth.net", "lgincdn.msauth.net",
            "autologon.microsoftazuread-sso.com", "enterpriseregistration.windows.net",
            "account.activedirectory.windowsazure.com", "graph.microsoft.com", "graph.windows.net",
            "management.azure.com",
        ),
        "Microsoft Defender": (
            "endpoint.security.microsoft.com", "security.microsoft.com", "securitycenter.windows.com",
            "securitycenter.microsoft.com", "securitycenter.microsoft.us", "wdcp.microsoft.com",
            "wdcpalt.microsoft.com", "cp.wd.microsoft.com", "dm.microsoft.com", "events.data.microsoft.com",
            "smartscreen.microsoft.com", "smartscreen-prod.microsoft.com", "nav.smartscreen.microsoft.com",
            "urs.microsoft.com", "winatp-gw-cus.microsoft.com", "winatp-gw-eus.microsoft.com",
            "winatp-gw-weu.microsoft.com", "winatp-gw-neu.microsoft.com", "winatp-gw-uks.microsoft.com",
            "winatp-gw-ukw.microsoft.com", "winatp-gw-aue.microsoft.com", "winatp-gw-aus.microsoft.com",
            "ussus1eastprod.blob.core.windows.net", "ussus2eastprod.blob.core.windows.net",
            "ussus1westprod.blob.core.windows.net", "ussus2westprod.blob.core.windows.net",
            "usseu1northprod.blob.core.windows.net", "usseu1westprod.blob.core.windows.net",
            "ussuk1southprod.blob.core.windows.net", "ussuk1westprod.blob.core.windows.net",
        ),
        "Windows Update": (
            "windowsupdate.com", "update.microsoft.com", "windowsupdate.microsoft.com", "download.microsoft.com",
            "delivery.mp.microsoft.com", "definitionupdates.microsoft.com", "go.microsoft.com",
            "officecdn.microsoft.com", "packages.microsoft.com", "time.windows.com",
        ),
        "CRL and OCSP": (
            "crl.microsoft.com", "mscrl.microsoft.com", "oneocsp.microsoft.com", "ocsp.msocsp.com", "www.microsoft.com",
            "ocsp.digicert.com", "crl3.digicert.com", "crl4.digicert.com", "cacerts.digicert.com",
            "ocsp.globalsign.com", "ocsp2.globalsign.com", "crl.globalsign.com", "crl.globalsign.net",
            "secure.globalsign.com", "ocsp.sectigo.com", "crl.sectigo.com", "crt.sectigo.com", "ocsp.usertrust.com",
            "crl.usertrust.com", "crt.usertrust.com", "ocsp.comodoca.com", "crl.comodoca.com", "ocsp.entrust.net",
            "crl.entrust.net", "o.lencr.org", "c.lencr.org", "i.lencr.org", "ocsp.pki.goog", "crl.pki.goog",
            "o.pki.goog", "c.pki.goog", "i.pki.goog", "amazontrust.com", "ocsp.godaddy.com", "crl.godaddy.com",
            "certificates.godaddy.com", "ocsp.identrust.com", "crl.identrust.com", "validation.identrust.com",
            "apps.identrust.com", "isrg.trustid.ocsp.identrust.com", "ocsp.apple.com", "ocsp2.apple.com",
            "crl.apple.com", "certs.apple.com",
        ),
    }
)  # fmt: skip
"""What it is for → hosts. Without the first three nobody can repair the damage; without the last, programs hang."""

NETWORKS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "Microsoft sign-in": (
            "20.20.32.0/19", "20.190.128.0/18", "20.231.128.0/19", "40.126.0.0/18", "2603:1006:2000::/48",
            "2603:1007:200::/48", "2603:1016:1400::/48", "2603:1017::/48", "2603:1026:3000::/48", "2603:1027:1::/48",
            "2603:1036:3000::/48", "2603:1037:1::/48", "2603:1046:2000::/48", "2603:1047:1::/48",
            "2603:1056:2000::/48", "2603:1057:2::/48",
        ),
        "Azure's platform address (name resolution and health of every virtual machine)": ("168.63.129.16",),
        "well-known resolvers": (
            "1.1.1.1", "1.0.0.1", "8.8.8.8", "8.8.4.4", "9.9.9.9", "149.112.112.112", "208.67.222.222",
            "208.67.220.220", "2606:4700:4700::1111", "2606:4700:4700::1001", "2001:4860:4860::8888",
            "2001:4860:4860::8844", "2620:fe::fe", "2620:fe::9", "2620:119:35::35", "2620:119:53::53",
        ),
    }
)  # fmt: skip
"""What it is for → addresses and networks."""

_CONFIGURED: Final = "the configuration's"


class NeverBlock:
    """The hard list of one installation.

    Args:
        settings: what the configuration protects.
        product_hosts: hosts of the API and of its sign-in.
    """

    def __init__(self, settings: GuardSettings, product_hosts: Iterable[str] = ()) -> None:
        self._settings = settings
        self._hosts = dict.fromkeys(product_hosts, "API of this pack")
        self._hosts |= {host: name for name, hosts in HOSTS.items() for host in hosts}
        own = {"guard.never_block.domains": settings.never_block_domains, "guard.own_domains": settings.own_domains}
        self._hosts |= {host: f"{_CONFIGURED} {place}" for place, hosts in own.items() for host in hosts}
        self._above = {above: host for host in self._hosts for above in _above(host)}
        self._hashes = dict.fromkeys(settings.never_block_hashes, f"{_CONFIGURED} guard.never_block.hashes")

    def domain(self, name: str) -> Hold | None:
        """Return the hold of a domain that is listed, or lies below or above a listed one."""
        if name in self._above:
            host = self._above[name]
            return self._hold(self._hosts[host], f"{name} also blocks {host}")
        return self.host(name)

    def host(self, name: str) -> Hold | None:
        """Return the hold of a host that is listed or lies below a listed one."""
        hosts, rest = self._hosts, name
        while rest:
            if rest in hosts:
                return self._hold(hosts[rest], name if rest == name else f"{name} below {rest}")
            rest = rest.partition(".")[2]
        return None

    def digest(self, value: str) -> Hold | None:
        """Return the hold of a hash or thumbprint (lower-case hex)."""
        if value in EMPTY_FILE:
            return self._hold("hashes of the empty file", value)
        return self._hold(self._hashes[value], value) if value in self._hashes else None

    def address(self, packed: bytes) -> Hold | None:
        """Return the hold of an address (network byte order, 4 or 16 bytes)."""
        number = int.from_bytes(packed, "big")
        for first, last, name, text in self._networks[len(packed)]:
            if first <= number <= last:
                return self._hold(name, text)
        return None

    @cached_property
    def _networks(self) -> dict[int, list[tuple[int, int, str, str]]]:
        found: dict[int, list[tuple[int, int, str, str]]] = {4: [], 16: []}
        listed = {**NETWORKS, f"{_CONFIGURED} guard.never_block.networks": self._settings.never_block_networks}
        for name, networks in listed.items():
            for text in networks:
                size, first, last = network(text)
                found[size].append((first, last, name, text))
        return found

    @staticmethod
    def _hold(name: str, what: str) -> Hold:
        code = "own_asset" if name.startswith(_CONFIGURED) else "never_block"
        return Hold(code, f'on the never-block list "{name}" as {what}', hard=True, list=name)


def network(text: str) -> tuple[int, int, int]:
    """Return an address or network as bytes of its family, first and last address.

    Raises:
        ValueError: it is neither.
    """
    base, _, length = text.partition("/")
    try:
        packed = socket.inet_pton(socket.AF_INET6 if ":" in base else socket.AF_INET, base)
    except OSError as error:
        raise ValueError(f"{text}: no address") from error
    host_bits = 8 * len(packed) - (int(length) if length else 8 * len(packed))
    first = int.from_bytes(packed, "big") >> host_bits << host_bits
    return len(packed), first, first + (1 << host_bits) - 1


def _above(host: str) -> Iterable[str]:
    """Yield the domains above a host, without the last label."""
    above = host.partition(".")[2]
    while "." in above:
        yield above
        above = above.partition(".")[2]
