"""Sign-in: MSAL asks for tokens, this module decides what its answers mean.

MSAL gets an HTTP client of ours, so that sign-in has the same deadline, proxy, authorities and redaction as any other
call, and so that an answer that is not the sign-in service's (an outage, a captive portal, half an answer) is an error
of the pack before MSAL sees it: MSAL would cache it, or write it to the log.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode, urlsplit

from defender_indicators.delivery.answer import Failure
from defender_indicators.errors import AuthenticationError, PackError, ServerError, ThrottledError, TransportError
from defender_indicators.logs import escape
from defender_indicators.redaction import redact
from defender_indicators.transport import Http

_REMEDIES: Final = {
    "50034": "check who signs in: the account does not exist in this tenant",
    "53003": "a conditional access policy blocks the sign-in; ask the tenant's administrator",
    "65001": "an administrator of the tenant must consent to the application",
    "70011": "check DEFENDER_SCOPE; it belongs to the cloud, not to the API host",
    "90002": "check DEFENDER_TENANT_ID and DEFENDER_CLOUD",
    "500011": "check DEFENDER_SCOPE and DEFENDER_CLOUD; or Defender is not provisioned in this tenant",
    "700016": "check DEFENDER_CLIENT_ID, and that the application is registered in this tenant",
    "700024": "the assertion's time is not accepted: set this machine's clock",
    "700027": "upload this certificate to the app registration, or use the one that is registered",
    "700213": "compare issuer, subject and audience of the token with the federated credential",
    "1002012": "check DEFENDER_SCOPE; it ends with /.default",
    "7000215": "use the secret's value, not its id; check that it belongs to this application",
    "7000222": "the client secret has expired; create a new one in the app registration",
    "7000229": "an administrator of the tenant must consent to the application first",
}
"""What to do about Microsoft's sign-in error numbers (AADSTS…)."""
_NUMBER: Final = re.compile(r"AADSTS(\d+)")
_GUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_BUSY: Final = ("temporarily_unavailable", "server_error")
_SHOWN: Final = 300


class Reply(NamedTuple):
    """What MSAL reads of an HTTP answer."""

    status_code: int
    text: str
    headers: Mapping[str, str]

    def raise_for_status(self) -> None:
        """Do nothing: what has a bad status never gets this far, except the refusals that MSAL itself reads."""


class SignInHttp:
    """The HTTP client that MSAL is given.

    Its methods raise `TransportError`, `ThrottledError` or `ServerError` when trying again may help, and
    `AuthenticationError` when it cannot (TLS, a redirect, an unknown tenant).
    """

    def __init__(self, http: Http) -> None:
        self._http = http

    def get(
        self, url: str, params: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None, **_: object
    ) -> Reply:
        """Fetch ``url``."""
        return self._call("GET", url, params, headers or {}, b"")

    def post(
        self,
        url: str,
        params: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | str | None = None,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> Reply:
        """Post a form to ``url``."""
        body = data if isinstance(data, str) else urlencode(_given(data))
        form = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        return self._call("POST", url, params, form, body.encode())

    def close(self) -> None:
        """Leave the connections to their owner."""

    def _call(
        self, method: str, url: str, params: Mapping[str, Any] | None, headers: Mapping[str, str], body: bytes
    ) -> Reply:
        query = urlencode(_given(params))
        plain = {name: str(value) for name, value in headers.items() if value is not None}
        answer = self._http.exchange(method, f"{url}?{query}" if query else url, plain, body)
        host = urlsplit(url).hostname
        place, detail = f"sign-in at {host}", answer.detail.removeprefix(f"{host}: ")
        if answer.failure is Failure.FATAL:
            raise AuthenticationError(f"{place}: {detail}")
        if answer.failure:
            raise TransportError(f"{place}: {detail}")
        request_id = answer.headers.get("x-ms-request-id", "")
        text = answer.body.decode("utf-8", "replace")
        _refuse_trouble(place, answer.status, text, request_id)
        if url.endswith("/.well-known/openid-configuration") and answer.status >= 400:  # noqa: PLR2004  # a refusal
            raise refusal(place, json.loads(text), answer.status, request_id)
        return Reply(answer.status, text, answer.headers)


def _refuse_trouble(place: str, status: int, text: str, request_id: str) -> None:
    """Raise for an answer that says nothing about the credentials."""
    if status == 429:  # noqa: PLR2004  # Too Many Requests
        raise ThrottledError(f"{place}: HTTP 429; wait a minute", status=status, request_id=request_id)
    if status >= 500 or status == 408:  # noqa: PLR2004  # the service's own trouble
        raise ServerError(f"{place}: HTTP {status}; try again later", status=status, request_id=request_id)
    if status == 401 and not text.startswith("{"):  # noqa: PLR2004  # a challenge that MSAL answers (Azure Arc)
        return
    try:
        sound = isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        sound = False
    if not sound:
        raise TransportError(
            f"{place}: HTTP {status}, not an answer of the sign-in service; look for a gateway or portal in between",
            status=status,
            request_id=request_id,
        )


def refusal(place: str, result: Mapping[str, Any], status: int = 0, request_id: str = "") -> Exception:
    """Return the error that a sign-in answer without a token means: cause, number and remedy."""
    description = str(result.get("error_description") or result.get("error") or "no token in the answer")
    request_id = request_id or str(result.get("trace_id") or result.get("correlation_id") or "")
    number = _NUMBER.search(description)
    text = escape(redact(description.splitlines()[0]))[:_SHOWN] if description.strip() else "no token in the answer"
    if result.get("error") in _BUSY:
        return ServerError(f"{place}: {text}", status=status, request_id=request_id)
    remedy = _REMEDIES.get(number[1] if number else "", "check tenant, application id, credential and cloud")
    return AuthenticationError(f"{place}: {text}; {remedy}", status=status, request_id=request_id)


def shielded(place: str, call: Callable[[], Mapping[str, Any] | None]) -> Mapping[str, Any]:
    """Return MSAL's answer to ``call`` if it holds a token.

    Whatever goes wrong is raised anew from here, without the frames below: their variables hold secrets.

    Raises:
        AuthenticationError, TransportError, ThrottledError, ServerError: as the answer says.
    """
    result, error = _attempt(place, call)
    if error:
        raise error
    return result


def _attempt(place: str, call: Callable[[], Mapping[str, Any] | None]) -> tuple[Mapping[str, Any], Exception | None]:
    try:
        result = call() or {}
    except (AuthenticationError, TransportError, ThrottledError, ServerError) as error:
        return {}, type(error)(str(error), status=error.status, request_id=error.request_id)
    except PackError as error:
        return {}, type(error)(str(error))
    except Exception as error:  # noqa: BLE001  # MSAL raises ValueError, KeyError and its own for answers it cannot read
        return {}, TransportError(f"{place}: the answer cannot be read ({type(error).__name__}); try again later")
    return (result, None) if result.get("access_token") else ({}, refusal(place, result))


def _given(fields: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (fields or {}).items() if value is not None}


def tenant_guid(http: SignInHttp, authority: str, tenant: str) -> str:
    """Return the GUID of a tenant given by GUID or domain name, in lower case.

    Raises:
        AuthenticationError: there is no such tenant.
        TransportError, ThrottledError, ServerError: the sign-in service cannot be asked now.
    """
    if _GUID.fullmatch(tenant):
        return tenant.lower()
    reply = http.get(f"{authority}/{tenant}/v2.0/.well-known/openid-configuration")
    issuer = str(json.loads(reply.text).get("issuer", ""))
    if found := _GUID.search(issuer):
        return found[0].lower()
    raise AuthenticationError(f"sign-in at {urlsplit(authority).hostname}: {tenant} is not one tenant; give its GUID")
