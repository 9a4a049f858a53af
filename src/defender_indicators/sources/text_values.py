"""What a piece of a report is: an indicator, something that only looks like one, or nothing.

What is written in brackets (``evil[.]example``) was meant by its author; what is not is compared with what reports are
full of: file names, namespaces, packages, versions, digests of other things than files.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from defender_indicators.indicators.addresses import address, spelling
from defender_indicators.indicators.codes import Refused
from defender_indicators.indicators.domains import host_name
from defender_indicators.indicators.public_suffixes import has_known_suffix, is_public_suffix
from defender_indicators.indicators.refang import refang
from defender_indicators.indicators.urls import url
from defender_indicators.sources.text_patterns import DEFANGED, NETWORK, PATH, PORT, without_surroundings

WINDOW: Final = 40
"""So many characters before a piece are looked at for what it is called."""
_LONGEST: Final = 8192
_LONGEST_NAME: Final = 400

_FILES: Final = {32: "FileMd5", 40: "FileSha1", 64: "FileSha256"}
_OTHER_DIGESTS: Final = {56: "sha224", 96: "sha384", 128: "sha512"}
_NOT_OF_A_FILE: Final = re.compile(
    r"\b(imphash|authentihash|ja3s?|jarm|thumbprint|fingerprint|commit|pehash|rich\s?pe|vhash|dhash|guid|uuid|mutex|serial)"
    r"\b(?:\W{1,4}\w{1,12}){0,2}\W{0,4}$",
    re.IGNORECASE,
)
_VERSION: Final = re.compile(
    r"\b(?:versions?|ver|v|releases?|build|firmware|revision|rev|patch|upgraded? to)[.:=]?\s{0,2}$", re.IGNORECASE
)
_BRACKETS: Final = re.compile(r"[\[\](){}\\]").search
_V4: Final = re.compile(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}").fullmatch
_RANGE: Final = re.compile(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}-(?:[0-9]{1,3}\.){0,3}[0-9]{1,3}").fullmatch
_NAME: Final = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{2,63}").fullmatch
_AT: Final = re.compile(r"[\[({]\s?(?:@|at)\s?[\])}]|@", re.IGNORECASE)
_IN_PATH: Final = re.compile(r"(?:^|[^0-9])/$|\\$")
_HOST: Final = re.compile(r"https?://(?:\[([^\]]*)\]|([^/:?#]*))").match

# Top-level domains that are met as endings of file names far more often than as domains.
_FILE_ENDINGS: Final = frozenset({"cab", "md", "mov", "ps", "pub", "py", "rs", "sh", "so", "zip"})
_REVERSED: Final = ("com.", "org.", "net.", "io.")  # names of packages: com.example.name
_PRODUCTS: Final = frozenset({"ado.net", "asp.net", "vb.net", "socket.io"})


class Piece(NamedTuple):
    """What stands in a line from ``start`` to ``end``.

    ``type`` is Microsoft's; it is ``""`` for what is left out, and ``kind`` and ``reason`` say why. ``port`` is the
    one that stood behind a host, ``written`` an international name as it was written.
    """

    start: int
    end: int
    value: str
    type: str = ""
    kind: str = ""
    reason: str = ""
    is_defanged: bool = False
    port: str = ""
    written: str = ""


def judge(line: str, found: re.Match[str]) -> Piece | None:
    """Return what a match of ``FIND`` is, None for what is nothing."""
    return _JUDGES[found.lastgroup or ""](line, found)


def _judge_digest(line: str, found: re.Match[str]) -> Piece | None:
    start, end = found.span()
    value = found[0]
    kind = _OTHER_DIGESTS.get(len(value), "")
    if kind:
        return Piece(start, end, value, "", kind, "Defender takes MD5, SHA-1 and SHA-256")
    if len(value) not in _FILES or value.isdigit() or (line[start - 1 : start] == "{" and line[end : end + 1] == "}"):
        return None
    if label := _NOT_OF_A_FILE.search(line[max(0, start - WINDOW) : start]):
        return Piece(start, end, value, "", label[1].lower(), "not the hash of a file's content")
    return Piece(start, end, value, _FILES[len(value)])


def _judge_six(line: str, found: re.Match[str]) -> Piece | None:
    text = re.sub(r"[\[({]:[\])}]", ":", found[0]).rstrip(".")
    text = text if text.endswith("::") else text.removesuffix(":")
    if spelling(text) is None or not any(sign.isdigit() for sign in text):
        return None
    return _with_rest(line, Piece(*found.span(), text, "IpAddress", is_defanged=text != found[0].rstrip(".:")))


def _judge_url(_: str, found: re.Match[str]) -> Piece | None:
    start, end = found.span()
    rest = without_surroundings(found["rest"])
    text = found[0].removesuffix(found["rest"]) + rest
    scheme = found["scheme"].lower()
    if not rest or len(rest) > _LONGEST:
        return None
    if not re.fullmatch(r"h(?:tt|xx|\*\*)ps?", scheme):
        return Piece(start, end, text, "", "other scheme", f"{scheme}:// is not http:// or https://")
    return _web(Piece(start, end, refang(text, []), is_defanged=bool(DEFANGED.search(text))))


def _judge_name(line: str, found: re.Match[str]) -> Piece | None:
    text = found[0]
    if len(text) > _LONGEST_NAME:
        return None
    if "@" in text or _AT.search(text):
        return _mail(found)
    plain, is_defanged = text.strip(".*_+-"), False
    if _BRACKETS(plain):
        plain, is_defanged = refang(plain, []), bool(DEFANGED.search(text))
    piece = Piece(*found.span(), plain, is_defanged=is_defanged)
    if not piece.is_defanged and _IN_PATH.search(line[max(0, piece.start - 2) : piece.start]):
        return None
    if _V4(plain):
        return _four(line, piece)
    if _RANGE(plain):
        return piece._replace(kind="range", reason="Defender takes single addresses")
    return _domain(line, piece)


def _four(line: str, piece: Piece) -> Piece | None:
    if spelling(piece.value) is None:
        return None
    if not piece.is_defanged and _VERSION.search(line[max(0, piece.start - WINDOW) : piece.start]):
        return piece._replace(kind="version", reason="a version number")
    return _with_rest(line, piece._replace(type="IpAddress"))


def _domain(line: str, piece: Piece) -> Piece | None:
    try:
        if not _is_top(piece.value.rpartition(".")[2]):
            return None
        name = host_name(piece.value, [])
    except Refused:
        return None
    if not _NAME(name) or is_public_suffix(name):
        return None
    if not piece.is_defanged and (kind := _other_meaning(piece.value, line[piece.end : piece.end + 1])):
        return piece._replace(kind=kind, reason="written like a domain, but not meant as one")
    written = "" if piece.value.isascii() else piece.value
    return _with_rest(line, piece._replace(type="DomainName", value=name, written=written))


@lru_cache(maxsize=4096)
def _is_top(label: str) -> bool:
    return has_known_suffix(f"a.{host_name(label, [])}")


def _other_meaning(text: str, behind: str) -> str:
    """Return what something written like a domain is rather: a file, code (a namespace, a package, a call)."""
    lower = text.lower()
    top = text.rpartition(".")[2]
    is_namespace = top != top.lower() and text != text.upper()
    if top.lower() in _FILE_ENDINGS:
        return "file name"
    is_code = behind == "(" or is_namespace or lower.startswith(_REVERSED) or lower in _PRODUCTS
    return "code" if is_code else ""


def _mail(found: re.Match[str]) -> Piece | None:
    host = refang(_AT.split(found[0])[-1].lstrip("[").rstrip(".-_*"), [])
    if host != "localhost" and not (spelling(host) or has_known_suffix(host.lower())):
        return None
    return Piece(*found.span(), found[0], "", "email", "an e-mail address; its domain is not meant by it")


def _with_rest(line: str, host: Piece) -> Piece | None:
    """Return a host with what stands right behind it: a prefix length, a port, a path."""
    if host.type == "IpAddress" and (network := NETWORK.match(line, host.end)):
        if network[1] not in ("32", "128"):
            value = host.value + network[0]
            return host._replace(end=network.end(), value=value, type="", kind="network", reason=_SINGLE)
        host = host._replace(end=network.end())
    if port := PORT.match(line, host.end):
        host = host._replace(end=port.end(), port=port[1])
    if path := PATH.match(line, host.end):
        shown = f"[{host.value}]" if ":" in host.value else host.value
        address_of_page = without_surroundings(f"http://{shown}{f':{host.port}' if host.port else ''}{path[0]}")
        if not address_of_page.endswith(host.value + "/"):
            return _web(host._replace(end=path.end(), value=address_of_page, port=""))
    return _external(host) if host.type == "IpAddress" else host


_SINGLE: Final = "Defender takes single addresses"


def _external(piece: Piece) -> Piece:
    try:
        address(piece.value, [])
    except Refused as refused:
        return piece._replace(type="", kind=refused.code.replace("_", " "), reason=refused.reason)
    return piece


def _web(piece: Piece) -> Piece:
    """Return a web address as an indicator, or why it cannot be one."""
    try:
        host = _HOST(url(piece.value, []))
    except Refused as refused:
        return piece._replace(type="", kind=refused.code.replace("_", " "), reason=refused.reason)
    name = (host[1] or host[2]) if host else ""
    if not (spelling(name) or has_known_suffix(name)):
        return piece._replace(type="", kind="unknown host", reason="the host is no address and ends in no known suffix")
    return piece._replace(type="Url")


_JUDGES: Final = {"digest": _judge_digest, "six": _judge_six, "rest": _judge_url, "name": _judge_name}
