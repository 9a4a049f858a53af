"""What a bare value is, and which spellings of a value are the same."""

from __future__ import annotations

import re

from defender_indicators.indicators.addresses import spelling
from defender_indicators.indicators.codes import Refused
from defender_indicators.indicators.domains import host_name
from defender_indicators.indicators.public_suffixes import has_known_suffix
from defender_indicators.indicators.refang import fold, refang, trim
from defender_indicators.indicators.urls import url

_HASHES = {32: "FileMd5", 40: "FileSha1", 64: "FileSha256"}
_HEX = re.compile(r"[0-9a-fA-F]+").fullmatch
_SCHEME = re.compile(r"https?://", re.IGNORECASE).match
_ADDRESS = re.compile(
    r"\[?(?:(?:[0-9]+\.){3}(?:[0-9]+|\*)|[0-9a-f]*:[0-9a-f:.]*:[0-9a-f.]*)\]?(?:\s?[/:-].*)?", re.IGNORECASE
)
_NAME = re.compile(r"(?:\*\.)?([^\s/:?#@*]+)(?:[/:?#].*)?")
_LONGEST = 8192


def infer_type(value: str) -> str | None:
    """Return the type of a bare value, None when it is nothing that can be an indicator.

    Hex of 32, 40 or 64 digits is a file hash, a certificate's thumbprint has to be named. A network, a range, a
    wildcard, a name with a port or a path keep the type they were meant as, so that the verdict can say why not.
    """
    try:
        text = refang(fold(trim(value[:_LONGEST], []), []), [])
        if _HEX(text) and len(text) in _HASHES:
            return _HASHES[len(text)]
        if _SCHEME(text):
            return "Url"
        if _ADDRESS.fullmatch(text):
            return "IpAddress"
        name = _NAME.fullmatch(text)
        return "DomainName" if name and has_known_suffix(host_name(name[1], [])) else None
    except Refused:
        return None


def matching_key(value: str) -> str:
    """Return ``value`` in the form our payloads carry, whatever the service made of its spelling; never raises.

    Undone are the case of hosts and hashes, IDNA, a trailing dot, white space and the form of IPv6. The path of a
    URL keeps its case.
    """
    text = value.strip()
    if len(text.split()) != 1:
        return text  # white space inside: nothing we would have sent
    try:
        if _SCHEME(text):
            return url(text, [])
        return spelling(text) or host_name(text, [])
    except Refused:
        return text
