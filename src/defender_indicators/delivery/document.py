"""What the answer to one read means. Pure."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from defender_indicators import strict_json
from defender_indicators.delivery.answer import Answer, Failure
from defender_indicators.delivery.classify import classify, printable
from defender_indicators.errors import (
    AuthenticationError,
    AuthorizationError,
    ConnectorError,
    RequestRejectedError,
    ServerError,
    ThrottledError,
    TransportError,
)

_LONGEST_PLACE = 200
_KINDS: dict[int, type[ConnectorError]] = {
    HTTPStatus.UNAUTHORIZED: AuthenticationError,
    HTTPStatus.FORBIDDEN: AuthorizationError,
    HTTPStatus.TOO_MANY_REQUESTS: ThrottledError,
}


def document(path: str, answer: Answer) -> dict[str, Any] | None:
    """Return the JSON object that a GET was answered with, None when there is no such thing (404).

    Raises:
        AuthorizationError: a permission is missing; the service's words say which.
        ConnectorError: there is no answer, or it is another refusal.
    """
    if answer.status == HTTPStatus.NOT_FOUND:
        return None
    place = f"GET {printable(path, _LONGEST_PLACE)}"
    if answer.failure is not None or answer.status != HTTPStatus.OK:
        verdict = classify(answer, (), str)
        raise _kind(answer)(f"{place}: {verdict.reason}", status=answer.status, request_id=verdict.target)
    try:
        found = strict_json.loads(answer.body)
    except ValueError as error:
        raise TransportError(f"{place}: HTTP 200, but the body is not the API's JSON ({error})", status=200) from None
    if not isinstance(found, dict):
        raise TransportError(f"{place}: HTTP 200, but the body is no JSON object", status=200)
    return found


def _kind(answer: Answer) -> type[ConnectorError]:
    if answer.failure is not None:
        return ConnectorError if answer.failure is Failure.FATAL else TransportError
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ServerError
    return _KINDS.get(answer.status, RequestRejectedError)
