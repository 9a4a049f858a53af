"""The warninglists in use by default: what hurts when it is blocked.

Not among them: lists of a million sites (popularity is not innocence), dynamic DNS and URL shorteners (attackers live
there), private and reserved addresses (the service refuses them anyway), names of small open resolvers.

Source: https://github.com/MISP/misp-warninglists.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

SELECTION: Final[Mapping[str, str]] = MappingProxyType(
    {
        "microsoft": "Microsoft's own domains",
        "microsoft-office365": "sign-in, mail and files of Microsoft 365",
        "microsoft-win10-connection-endpoints": "what Windows itself talks to, updates among it",
        "crl-hostname": "certificate checks fail without them",
        "captive-portals": "operating systems believe they are offline without them",
        "google": "Google's own domains",
        "automated-malware-analysis": "the tools of those who work with indicators",
        "security-provider-blogpost": "security vendors, whose reports name themselves beside the attacker",
        "digitalside": "platforms that everybody uses and feeds name by mistake",
        "bank-website": "banks, which phishing reports name beside the phish",
        "cisco_top1000": "most looked-up names",
        "alexa": "most visited sites",
        "moz-top500": "most linked sites",
        "tranco10k": "most visited sites, averaged over several rankings",
        "majestic_million": "most linked sites; its first 10,000, whatever the name says",
        "cisco_top20k": "most looked-up names, the longer list",
        "microsoft-office365-ip": "addresses of Microsoft 365",
        "microsoft-office365-cn": "addresses of Microsoft 365 in China",
        "crl-ip": "certificate checks fail without them",
        "public-dns-v4": "public resolvers",
        "public-dns-v6": "public resolvers",
        "cloudflare": "one address serves many sites",
        "akamai": "one address serves many sites",
        "fastly": "one address serves many sites",
        "stackpath": "one address serves many sites",
        "zscaler": "one address serves many companies",
        "google-gmail-sending-ips": "mail of everybody at Gmail",
        "googlebot": "Google's crawler",
        "smtp-receiving-ips": "mail of everybody at the large providers",
        "smtp-sending-ips": "mail of everybody at the large providers",
        "apple": "addresses of Apple",
        "wikimedia": "addresses of Wikipedia",
        "microsoft-azure": "addresses of Azure: services of many customers",
        "microsoft-azure-us-gov": "addresses of Azure for the US government",
        "microsoft-azure-china": "addresses of Azure in China",
        "amazon-aws": "addresses of Amazon's cloud: services of many customers",
        "google-gcp": "addresses of Google's cloud: services of many customers",
        "empty-hashes": "the empty file",
        "common-ioc-false-positive": "files of one byte and the like, often in reports by mistake",
        "ti-falsepositives": "harmless files that reports name again and again",
        "nioc-filehash": "files of operating systems and common programs",
        "mozilla-CA": "certificate authorities that every browser trusts",
        "mozilla-IntermediateCA": "certificate authorities below them",
    }
)
"""Folder of the list → why a block hurts. Where several lists hold a value, the first one is named."""
