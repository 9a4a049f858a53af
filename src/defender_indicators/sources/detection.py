"""Which format a file is in, told by its first bytes and, where those leave it open, by its name."""

from __future__ import annotations

import re
from typing import NamedTuple

from defender_indicators.errors import InputError
from defender_indicators.sources.layout import is_prose, is_table, top_keys

_UTF16_OR_32 = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")
_LINE_EXTENSIONS = ("ndjson", "jsonl")
_TABLE_EXTENSIONS = ("csv", "tsv")
_HTML = re.compile(r"<(?:!doctype\s+html|html|head|body|script|meta|title)\b", re.IGNORECASE)
_OPENIOC = re.compile(r"<(?:\w+:)?(?:ioc|openioc|iocs|ioc_list)\b", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

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


def refuse_unreadable(head: bytes, place: str) -> None:
    """Refuse what no reader can read.

    Raises:
        InputError: the file is empty, binary, an archive, or not in UTF-8.
    """
    if not head.strip(b" \t\r\n\xef\xbb\xbf"):
        raise InputError(f"{place}: is empty; nothing was sent")
    if head.startswith(_UTF16_OR_32) or _every_other_is_nul(head[:64]):
        raise InputError(f"{place}: is UTF-16 or UTF-32; save it as UTF-8")
    if kind := _binary(head):
        raise InputError(f"{place}: is {kind}, not text; give the list itself, as plain UTF-8 text")


def detect_format(head: bytes, extension: str, place: str) -> Detected:
    """Return the format of a file from its first bytes and its extension (lower case, no dot).

    Raises:
        InputError: the file is empty, binary, not in UTF-8, a web page, or XML of an unknown kind.
    """
    refuse_unreadable(head, place)
    text = head.decode("utf-8", "replace").removeprefix("\ufeff").lstrip()
    if text.startswith("[") and not text.startswith("[."):
        return _exchanged(text) or Detected("json", "it begins with a list")
    if text.startswith("{"):
        return _object(text, extension)
    if text.startswith("<"):
        return _markup(text, place)
    return _table(text, extension, place) or _lines(text)


def _table(text: str, extension: str, place: str) -> Detected | None:
    if "indicatorvalue" in re.split(r'[,;\t" ]+', text.partition("\n")[0].strip().lower()):
        return Detected("portal-csv", "its header")
    if extension in _TABLE_EXTENSIONS:
        return Detected("csv", "its extension")
    return Detected("csv", "its columns") if is_table(text) and _holds_indicators(text, place) else None


def _lines(text: str) -> Detected:
    return Detected("text", "it is prose") if is_prose(text) else Detected("values", "it is plain text")


def _holds_indicators(text: str, place: str) -> bool:
    """Return whether a column of what looks like a table holds indicators; lines with a comma each may be prose."""
    from defender_indicators.sources.table_csv import csv_notices  # noqa: PLC0415  # loads the public suffix list

    try:
        return bool(csv_notices(text.encode(), place))
    except InputError:
        return False


def _object(text: str, extension: str) -> Detected:
    if found := _exchanged(text):
        return found
    if extension in _LINE_EXTENSIONS:
        return Detected("ndjson", "its extension")
    first, _, rest = text.partition("\n")
    if first.rstrip().endswith("}") or (len(first) > 1 and rest.lstrip().startswith("{")):
        return Detected("ndjson", "its first line")
    return Detected("json", "it begins with an object")


def _exchanged(text: str) -> Detected | None:
    """Return the format of a JSON document that its keys name, those of the first entry where it is a list."""
    keys = top_keys(text)
    if any(key.lower() == "indicators" for key in keys):
        return Detected("json", "its key Indicators")
    if "indicatorValue" in keys:
        return None
    if named := {"Event", "response", "Attribute", "event_uuid"} & keys.keys():
        return Detected("misp", f"its key {min(named)}")
    if _UUID.fullmatch(next(iter(keys), "")):
        return Detected("misp", "its first key, an event's UUID")
    if "objects" in keys or keys.get("type") == "bundle" or ("id" in keys and "--" in keys["id"]):
        return Detected("stix", "its first keys")
    return None


def _markup(text: str, place: str) -> Detected:
    if _OPENIOC.search(text):
        return Detected("openioc", "its first element")
    if _HTML.search(text):
        raise InputError(f"{place}: is a web page, not a list; check the address, or read it with --format text")
    raise InputError(f"{place}: is XML, but not OpenIOC; convert it, or read it with --format text")


def _binary(head: bytes) -> str:
    """Return what kind of binary file begins like this, ``""`` for text."""
    named = next((name for magic, name in _MAGIC.items() if head.startswith(magic)), "")
    text = head[:_LOOKED_AT].decode("utf-8", "replace")
    is_binary = "\0" in text or text.count("\ufffd") > _MOSTLY * len(text)
    return named or ("a binary file" if is_binary else "")


def _every_other_is_nul(head: bytes) -> bool:
    return len(head) > 1 and (not any(head[::2]) or not any(head[1::2]))
