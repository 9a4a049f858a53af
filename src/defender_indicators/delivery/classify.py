"""What an answer means: a pure function from one raw answer to one verdict, with a verdict for every row.

Free text is never trusted with a decision: the service may reword it (Source: common-errors.md). The one exception,
capacity, asks for a second signal and is decided by the caller.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from typing import Any, Final

import orjson

from defender_indicators import strict_json
from defender_indicators.delivery.answer import Answer, Failure
from defender_indicators.delivery.retry_after import retry_after

MAX_REASON: Final = 500
_ADDRESS: Final = "check DEFENDER_API_URL and any proxy: the address answers, but not as the Defender API does"
_FATAL_STATUS: Final = dict.fromkeys((404, 405, 410, 415, 501, 505), _ADDRESS) | {
    403: "grant the application Ti.ReadWrite.All",
    407: "give user and password in DEFENDER_PROXY",
}
"""Statuses that end a run, with what to do."""
_REMEDIES: Final = {
    "DisabledFeature": "switch this feature on in the tenant",
    "DisallowedOperation": "the service forbids the operation whatever the rows are; check licence and permissions",
}
_REDIRECTS: Final = range(300, 400)
_AMBIGUOUS_STATUS: Final = frozenset({201, 202, 203, 204, 205, 206, 408, 500, 502, 503, 504})
_CLAIMS: Final = re.compile(r'claims="([^"]{1,4096})"')
_ALLOWED: Final = re.compile(r"allowed:?\s*([0-9]{1,5})", re.IGNORECASE)
_CAPACITY: Final = re.compile(r"limit|maximum|capacity|quota|exceed", re.IGNORECASE)
_ROW_KEYS: Final = ("id", "indicator", "isFailed", "failureReason")


class Kind(Enum):
    """What has to happen next."""

    ANSWERED = "answered"
    NOT_SENT = "not_sent"
    THROTTLED = "throttled"
    AMBIGUOUS = "ambiguous"
    UNAUTHORIZED = "unauthorized"
    FATAL = "fatal"
    REJECTED = "rejected"
    TOO_MANY_ROWS = "too_many_rows"
    TOO_LARGE = "too_large"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The meaning of one answer.

    ``ids`` (ANSWERED only) has one entry a row sent: the service's id (``""`` when it gave none) for an accepted row,
    None for a refused or unanswered one. ``refused`` maps positions to the service's words. ``retry_after`` is in
    seconds. ``strange`` marks an answer that does not look like the API at all. ``doubtful`` is true when the rows may
    have been applied. ``target`` is Microsoft's correlation id. ``remedy`` says what to do where nothing will work
    until somebody acts; ``""`` where the reason says it.
    """

    kind: Kind
    code: str = ""
    reason: str = ""
    target: str = ""
    ids: Sequence[str | None] = ()
    refused: Mapping[int, str] = field(default_factory=dict)
    retry_after: float | None = None
    allowed: int = 0
    claims: str = ""
    strange: bool = False
    doubtful: bool = False
    remedy: str = ""


def classify(answer: Answer, values: Sequence[str], matching_key: Callable[[str], str]) -> Verdict:
    """Judge the answer to an import of ``values`` (no value twice).

    Source: import-ti-indicators.md (200 even when rows failed), common-errors.md (codes, Retry-After).
    """
    verdict = judged_alone(answer)
    return _rows(answer, values, matching_key) if verdict.kind is Kind.ANSWERED else verdict


def judged_alone(answer: Answer) -> Verdict:
    """Judge an answer without its rows: ANSWERED says that status and body are for the caller to read."""
    if answer.failure is not None:
        return _without_answer(answer)
    return Verdict(Kind.ANSWERED) if answer.status == HTTPStatus.OK else _status(answer)


def looks_like_capacity(reason: str) -> bool:
    """Say whether the service's words could mean that the tenant is full; never enough on its own."""
    return _CAPACITY.search(reason) is not None


def printable(text: str, limit: int = MAX_REASON) -> str:
    """Make foreign words safe to store and show: control characters and surrogates escaped, length bounded."""
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isprintable():
        return text
    escaped = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
    return escaped if len(escaped) <= limit else escaped[: limit - 1] + "…"


def _without_answer(answer: Answer) -> Verdict:
    reason = printable(answer.detail)
    if answer.failure is Failure.NOT_SENT:
        return Verdict(Kind.NOT_SENT, "not_sent", reason)
    if answer.failure is Failure.FATAL:
        return Verdict(Kind.FATAL, "connection_refused_for_good", reason)
    return Verdict(Kind.AMBIGUOUS, "no_answer", reason, strange=answer.failure is Failure.GARBLED, doubtful=True)


def _status(answer: Answer) -> Verdict:  # noqa: PLR0911 - one line a class of answers reads best
    status, wait = answer.status, retry_after(answer.headers)
    code, message, target = _error(answer)
    reason = printable(f"HTTP {status} {code}: {message}" if code or message else f"HTTP {status}")

    def verdict(kind: Kind, **more: Any) -> Verdict:
        return Verdict(kind, code or f"http_{status}", reason, target, **more)

    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return verdict(Kind.THROTTLED, retry_after=wait)
    if status == HTTPStatus.UNAUTHORIZED:
        challenge = _CLAIMS.search(answer.headers.get("www-authenticate", ""))
        return verdict(Kind.UNAUTHORIZED, claims=challenge.group(1) if challenge else "")
    if status == HTTPStatus.SERVICE_UNAVAILABLE and wait is not None:
        return verdict(Kind.THROTTLED, retry_after=wait, doubtful=True)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return verdict(Kind.TOO_LARGE)
    if status == HTTPStatus.BAD_REQUEST and code == "MaximumBatchSizeExceeded":
        allowed = _ALLOWED.search(message)
        return verdict(Kind.TOO_MANY_ROWS, allowed=int(allowed.group(1)) if allowed else 0)
    if status == HTTPStatus.BAD_REQUEST or (status == HTTPStatus.FORBIDDEN and code == "DisallowedOperation"):
        return verdict(Kind.REJECTED, retry_after=wait, remedy=_REMEDIES.get(code, ""))
    if status in _FATAL_STATUS or status in _REDIRECTS:
        return verdict(Kind.FATAL, remedy=_REMEDIES.get(code) or _FATAL_STATUS.get(status, _ADDRESS))
    return verdict(Kind.AMBIGUOUS, strange=status not in _AMBIGUOUS_STATUS, doubtful=True)


def _error(answer: Answer) -> tuple[str, str, str]:
    try:
        document = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return "", "", ""
    error = document.get("error") if isinstance(document, dict) else None
    if not isinstance(error, dict):
        return "", "", ""
    code, message, target = (error.get(name) for name in ("code", "message", "target"))
    return (
        printable(code, 100) if isinstance(code, str) else "",
        message if isinstance(message, str) else "",
        printable(target, 100) if isinstance(target, str) else "",
    )


def _rows(answer: Answer, values: Sequence[str], matching_key: Callable[[str], str]) -> Verdict:
    try:
        document = _load(answer.body)
    except ValueError as error:
        strange = answer.body.lstrip()[:1] not in (b"{", b"[")
        return _doubt(f"HTTP 200, but the body is not the API's JSON ({error})", strange=strange)
    rows = document.get("value") if isinstance(document, dict) else None
    if not isinstance(rows, list):
        return _doubt("HTTP 200, but the body holds no list of rows")
    answers = _by_value(rows, values, matching_key)
    if values and not answers:
        return _doubt("HTTP 200, but the list names none of the rows sent")
    ids: list[str | None] = [None] * len(values)
    refused: dict[int, str] = {}
    for position, found in answers.items():
        if isinstance(found, str):
            ids[position] = found
        elif found is not None:
            refused[position] = found[0]
    return Verdict(Kind.ANSWERED, ids=ids, refused=refused)


def _doubt(reason: str, *, strange: bool = False) -> Verdict:
    return Verdict(Kind.AMBIGUOUS, "untrustworthy_answer", printable(reason), strange=strange, doubtful=True)


def _load(body: bytes) -> Any:
    """Decode with orjson where its leniency (the last of two equal keys wins) provably makes no difference.

    A lone surrogate, which orjson refuses, may stand in the service's words and is no reason to doubt the rest.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return strict_json.loads(body.decode())
    rows = document.get("value") if isinstance(document, dict) else None
    if isinstance(rows, list) and b"\\u" not in body and body.count(b'"value"') == 1:
        found = [row for row in rows if isinstance(row, dict)]
        if all(body.count(b'"%b"' % key.encode()) == sum(key in row for row in found) for key in _ROW_KEYS):
            return document
    return strict_json.loads(body)


_RowAnswer = str | tuple[str] | None
"""An id (accepted), a one-tuple with the reason (refused), or None (contradictory)."""


def _by_value(rows: list[Any], values: Sequence[str], matching_key: Callable[[str], str]) -> dict[int, _RowAnswer]:
    positions = {value: position for position, value in enumerate(values)}
    answers: dict[int, _RowAnswer] = {}
    loose: dict[str, int] | None = None
    for row in rows:
        if not isinstance(row, dict):
            continue
        value, failed = row.get("indicator"), row.get("isFailed")
        if not isinstance(value, str) or not isinstance(failed, bool):
            continue
        position = positions.get(value)
        if position is None:
            if loose is None:
                loose = _loose_positions(values, matching_key)
            position = loose.get(matching_key(value))
        if position is None:
            continue
        found = _row_answer(row, failed=failed)
        if position in answers and type(answers[position]) is not type(found):
            found = None
        answers[position] = found
    return answers


def _loose_positions(values: Sequence[str], matching_key: Callable[[str], str]) -> dict[str, int]:
    """Index the values by their type-free form; a form that two values share identifies neither."""
    loose: dict[str, int] = {}
    for position, value in enumerate(values):
        key = matching_key(value)
        loose[key] = -1 if key in loose else position
    return {key: position for key, position in loose.items() if position >= 0}


def _row_answer(row: dict[str, Any], *, failed: bool) -> _RowAnswer:
    if failed:
        reason = row.get("failureReason")
        return (printable(reason) if isinstance(reason, str) else "",)
    identifier = row.get("id")
    return printable(identifier, 100) if isinstance(identifier, str) else ""
