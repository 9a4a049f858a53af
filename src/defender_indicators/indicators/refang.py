"""Undoing what people do to indicators so that nobody clicks on them, and what copying does to them."""

from __future__ import annotations

import re

from defender_indicators.indicators.codes import Refused, shown

TRIMMED = "surrounding white space removed"
FOLDED = "full-width characters and ideographic dots replaced"
REFANGED = "defanging undone"

# A Windows certificate dialog puts U+200E before a thumbprint; editors leave U+FEFF and U+200B behind.
_EDGES = " \t\r\n\v\f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200e\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"  # noqa: E501 - one set
_FULL_WIDTH = {0xFF01 + i: 0x21 + i for i in range(94)} | {0x3000: " ", 0x3002: ".", 0xFF61: "."}
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

_HEAD = re.compile(r"(?:[^/]*//)?[^/?#]*")
_DOT = re.compile(r"[\[({]\s?(?:\.|dot)\s?[\])}]|[\[({]\.|\.[\])}]|\\\.", re.IGNORECASE)
_COLON = re.compile(r"[\[({]:[\])}](?=//|[0-9])|[\[({]:(?=//[\])}])|(?<=:)//[\])}]")
_SCHEME = re.compile(r"h(?:xx|\*\*)p(s?):", re.IGNORECASE)


def trim(value: str, notes: list[str]) -> str:
    """Return ``value`` without white space and invisible marks at its ends.

    Raises:
        Refused: control characters, text direction overrides or lone surrogates are left (``bad_characters``).
    """
    text = value.strip(_EDGES)
    if len(text) != len(value):
        notes.append(TRIMMED)
    if _CONTROL.search(text):
        raise Refused("bad_characters", f"indicatorValue: '{shown(text)}' holds invisible characters")
    return text


def fold(text: str, notes: list[str]) -> str:
    """Return ``text`` with full-width ASCII and ideographic dots as plain ASCII; digits of other scripts stay."""
    if text.isascii():
        return text
    folded = text.translate(_FULL_WIDTH)
    if folded != text:
        notes.append(FOLDED)
    return folded


def refang(text: str, notes: list[str]) -> str:
    """Return ``text`` with ``hxxp``, ``[.]``, ``(dot)``, ``[:]//``, ``[@]`` and their kin undone up to the path.

    In the path only ``[.]`` is undone: everything else may well be part of it.
    """
    found = _HEAD.match(text)
    head = found[0] if found else ""
    plain = _DOT.sub(".", _COLON.sub(_colon, head)).replace("[@]", "@")
    scheme = _SCHEME.match(plain)
    if scheme:
        plain = f"http{scheme[1].lower()}:{plain[scheme.end() :]}"
    plain += text[len(head) :].replace("[.]", ".")
    if plain != text:
        notes.append(REFANGED)
    return plain


def _colon(match: re.Match[str]) -> str:
    return "//" if "//" in match[0] else ":"
