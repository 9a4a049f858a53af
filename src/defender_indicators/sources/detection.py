"""Which format a file is in, told by its first bytes and, where those leave it open, by its name."""

from __future__ import annotations

import re
from typing import NamedTuple

from defender_indicators.errors import InputError

_UTF16_OR_32 = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")
_REQUEST_BODY = re.compile(r'\{\s*"indicators"\s*:', re.IGNORECASE)
_EXCHANGED = re.compile(r'\{\s*"(?:Event"|response"|objects"|type"\s*:\s*"bundle"|id"\s*:\s*"bundle--)')
_LINE_EXTENSIONS = ("ndjson", "jsonl")


_MAGIC = {
    b"\x1f\x8b": "a gzip archive",
    b"PK\x03\x04": "a zip archive or an Office document",
    b"%PDF-": "a PDF document",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ\0": "an xz archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
}
_LOOKED_AT = 8000
_MOSTLY = 0.3
"""The share of undecodable characters from which a file is no text with some broken lines any more."""


class Detected(NamedTuple):
    """A format and what gave it away."""

    format: str
    by: str


def detect_format(head: bytes, extension: str, place: str) -> Detected:
    """Return the format of a file from its first bytes and its extension (lower case, no dot).

    Raises:
        InputError: the file is empty, binary, or not in UTF-8.
    """
    if not head.strip(b" \t\r\n\xef\xbb\xbf"):
        raise InputError(f"{place}: is empty; nothing was sent")
    if head.startswith(_UTF16_OR_32) or _every_other_is_nul(head[:64]):
        raise InputError(f"{place}: is UTF-16 or UTF-32; save it as UTF-8")
    if kind := _binary(head):
        raise InputError(f"{place}: is {kind}, not text; give the list itself, as plain UTF-8 text")
    text = head.decode("utf-8", "replace").removeprefix("\ufeff").lstrip()
    if text.startswith("[") and not text.startswith("[."):
        return Detected("json", "it begins with a list")
    if text.startswith("{"):
        return _object(text, extension)
    if "indicatorvalue" in re.split(r'[,;\t" ]+', text.partition("\n")[0].strip().lower()):
        return Detected("portal-csv", "its header")
    if extension == "csv":
        return Detected("portal-csv", "its extension")
    return Detected("values", "it is plain text")


def _object(text: str, extension: str) -> Detected:
    if _REQUEST_BODY.match(text):
        return Detected("json", "its key Indicators")
    if _EXCHANGED.match(text):
        return Detected("json", "its first key")
    if extension in _LINE_EXTENSIONS:
        return Detected("ndjson", "its extension")
    first, _, rest = text.partition("\n")
    if first.rstrip().endswith("}") or (len(first) > 1 and rest.lstrip().startswith("{")):
        return Detected("ndjson", "its first line")
    return Detected("json", "it begins with an object")


def _binary(head: bytes) -> str:
    """Return what kind of binary file begins like this, ``""`` for text."""
    named = next((name for magic, name in _MAGIC.items() if head.startswith(magic)), "")
    text = head[:_LOOKED_AT].decode("utf-8", "replace")
    is_binary = "\0" in text or text.count("\ufffd") > _MOSTLY * len(text)
    return named or ("a binary file" if is_binary else "")


def _every_other_is_nul(head: bytes) -> bool:
    return len(head) > 1 and (not any(head[::2]) or not any(head[1::2]))
