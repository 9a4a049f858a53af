"""Keep secrets out of everything that is written.

A secret lives in a `Secret`, whose text is ``***``; as long as one exists, `redact` removes its value from any text
in every spelling that a log, a header or a URL may give it. What was never a `Secret` is found by its shape: bearer
headers, signed tokens (also truncated ones), the secret fields of forms and JSON, passwords inside URLs.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import threading
import traceback
from typing import Final, Never
from urllib.parse import quote, quote_plus
from weakref import WeakSet

MASK: Final = "***"
SHORTEST: Final = 4
"""A value shorter than this is not looked for: it would be found everywhere."""
_LINE: Final = 16
"""Lines of a longer secret (a PEM key) that have at least this many characters are secrets themselves."""
_NOISY: Final = ("defender_indicators", "msal", "requests", "urllib3")
"""The loggers, with all their children, that can be handed a secret."""

_FIELD: Final = r"access_token|refresh_token|id_token|client_secret|client_assertion|assertion|device_code|password|sig"
_SHAPES: Final = (
    (re.compile(r"(?i)\b(bearer)\s+[a-z0-9._~+/=-]{8,}"), rf"\1 {MASK}"),
    (re.compile(r"(?i)(authorization[\"']?\s*[:=]\s*[\"']?)(\w+)\s+[^\s\"',]+"), rf"\1\2 {MASK}"),
    (re.compile(rf"(?i)((?<![a-z])(?:{_FIELD})[\"'\\]*\s*[:=]\s*[\"'\\]*)[^\s\"'\\&,}}]+"), rf"\1{MASK}"),
    (re.compile(r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,2}"), MASK),
    (re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]*(?=@)"), MASK),
)

_known: WeakSet[Secret] = WeakSet()
_guard = threading.Lock()


class Secret:
    """A value that shows itself only when asked: ``reveal()``. Its text, in logs and tracebacks too, is ``***``."""

    __slots__ = ("__weakref__", "_spellings", "_value")

    def __init__(self, value: str) -> None:
        self._value = value
        self._spellings: frozenset[str] | None = None  # most secrets live and die without a line of log
        with _guard:
            _known.add(self)

    def reveal(self) -> str:
        """Return the value, to be put on the wire and nowhere else."""
        return self._value

    def spellings(self) -> frozenset[str]:
        """Return the texts under which the value may turn up."""
        if self._spellings is None:
            self._spellings = _spell(self._value)
        return self._spellings

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return MASK

    def __reduce__(self) -> Never:
        raise TypeError("a secret cannot be pickled or copied")


def redact(text: str) -> str:
    """Return ``text`` without any secret: known values in every spelling, and what looks like a credential."""
    with _guard:
        spellings = {spelling for secret in _known for spelling in secret.spellings()}
    for spelling in sorted(spellings, key=len, reverse=True):
        text = text.replace(spelling, MASK)
    for shape, replacement in _SHAPES:
        text = shape.sub(replacement, text)
    return text


class RedactingFilter(logging.Filter):
    """Removes secrets from a record's message, exception and stack before any handler sees it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the record in place and let it pass."""
        record.msg, record.args = redact(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip()
            record.exc_info = None
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        return True


_FILTER: Final = RedactingFilter()


def guard_loggers() -> None:
    """Put the filter on every logger that can be handed a secret, whatever handlers the host has installed.

    A logger's filter does not see its children's records, so each child gets its own; call it again after a library
    that makes loggers has been imported.
    """
    names = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] in _NOISY]
    for name in {*_NOISY, *names}:
        logging.getLogger(name).addFilter(_FILTER)


def _spell(value: str) -> frozenset[str]:
    texts = {value, *(line for line in value.split() if len(line) >= _LINE)}
    spelt = {form for text in texts for form in _encodings(text)}
    return frozenset(form for form in spelt if len(form) >= SHORTEST)


def _encodings(text: str) -> set[str]:
    forms = {text, quote(text, safe=""), quote(text), quote_plus(text), json.dumps(text)[1:-1], repr(text)[1:-1]}
    data = text.encode("utf-8", "surrogatepass")
    return forms | {form for shift in range(3) for form in _base64_inside(data, shift)}


def _base64_inside(data: bytes, shift: int) -> set[str]:
    """Return the base64 characters that depend on ``data`` alone when ``shift`` bytes stand before it."""
    encoded = base64.b64encode(bytes(shift) + data).decode("ascii")
    first = -(-shift * 8 // 6)
    last = (shift + len(data)) * 8 // 6
    inside = encoded[first:last]
    return {inside, inside.replace("+", "-").replace("/", "_")}
