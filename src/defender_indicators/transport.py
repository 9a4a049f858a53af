"""One bounded HTTP call: no retry, no redirect, a real deadline, a bounded answer, and every failure as data.

What may be repeated is decided by one question, whether the request has begun to leave, not by the names of exceptions:
before that moment nothing can have happened at the service; after it, anything can.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Final
from urllib.parse import urlsplit

from requests import Response
from requests.utils import get_environ_proxies, select_proxy
from urllib3.exceptions import HTTPError

from defender_indicators.clock import Clock
from defender_indicators.delivery.answer import MOST_BYTES, Answer, Failure
from defender_indicators.logs import escape
from defender_indicators.network import Network, proxy_secrets
from defender_indicators.redaction import Secret, redact
from defender_indicators.wire import Exchange, open_session

CHUNK: Final = 64 * 1024
DETAIL: Final = 300
"""Characters of a failure's detail."""

HALF_A_SECOND: Final = 0.5
"""A ``Date`` header is cut to whole seconds; this is what it is short of on average."""

_TUNNEL: Final = re.compile(r"Tunnel connection failed: (\d{3})")
_REACH_HINT: Final = "check the address, DNS, the proxy and the firewall"
_CA_HINT: Final = "if a gateway inspects TLS here, give its CA with --ca-bundle or DEFENDER_CA_BUNDLE"


class Http:
    """Carries out single calls; safe for four threads. ``skew`` is the service's clock minus ours, in seconds."""

    def __init__(self, network: Network, clock: Clock) -> None:
        self.skew: float | None = None
        self._network = network
        self._clock = clock
        self._session = open_session(network.ca_bundle)
        self._proxy_secrets: dict[str, tuple[Secret, ...]] = {}

    def exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"", most: int = MOST_BYTES
    ) -> Answer:
        """Send one request and return the answer, at most ``most`` bytes, or why there is none; never raises.

        A redirect is `Failure.FATAL`; everything that happens before the request leaves is `Failure.NOT_SENT` or, when
        trying again cannot help (TLS, a proxy that refuses), `Failure.FATAL`; everything after it `Failure.LOST`.
        """
        with Exchange(self._network.deadline) as call:
            try:
                answer = self._receive(method, url, headers, body, most)
            except Exception as error:  # noqa: BLE001  # whatever the libraries raise, delivery needs to know what it means
                answer = self._failure(error, call, url)
        if call.cut and answer.failure is not Failure.NOT_SENT:
            return Answer(failure=Failure.LOST, detail=f"no complete answer within {self._network.deadline:g} s")
        return answer

    def proxies(self, url: str) -> dict[str, str]:
        """Return the proxy that calls of ``url`` take, by scheme; empty when they take none.

        Raises:
            ConfigurationError: the environment is to name it, and names something else than a proxy.
        """
        proxy: str | None = self._network.proxy
        if proxy == "env":
            proxy = select_proxy(url, get_environ_proxies(url, no_proxy=None))
            if proxy and proxy not in self._proxy_secrets:
                self._proxy_secrets[proxy] = proxy_secrets("HTTPS_PROXY or ALL_PROXY (proxy: env)", proxy)
        return {"https": proxy, "http": proxy} if proxy else {}

    def close(self) -> None:
        """Close the idle connections."""
        self._session.close()

    def _receive(self, method: str, url: str, headers: Mapping[str, str], body: bytes, most: int) -> Answer:
        network = self._network
        with self._session.request(
            method,
            url,
            data=body or None,
            headers=dict(headers),
            timeout=(network.connect_timeout, network.deadline),
            proxies=self.proxies(url),
            allow_redirects=False,
            stream=True,
        ) as response:
            received = {name.lower(): value for name, value in response.raw.headers.itermerged()}
            self._compare_clocks(received.get("date", ""))
            if response.is_redirect or 300 <= response.status_code < 400:  # noqa: PLR2004  # the class of redirects
                return _redirected(received.get("location", ""))
            return Answer(response.status_code, received, _bounded(response, most))

    def _failure(self, error: BaseException, call: Exchange, url: str) -> Answer:
        host = urlsplit(url).hostname or ""
        if call.sent:
            return _answer(Failure.LOST, f"{host}: {_cause(error)}")
        if (tls := _find(error, ssl.SSLError)) and not isinstance(tls, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return _answer(Failure.FATAL, self._explain_tls(tls, host))
        if refusal := _TUNNEL.search(str(error)):
            return _proxy_refused(int(refusal[1]))
        retryable = isinstance(error, OSError | HTTPError | HTTPException) and not isinstance(error, ValueError)
        return _answer(Failure.NOT_SENT if retryable else Failure.FATAL, f"{host}: {_cause(error)}; {_REACH_HINT}")

    def _explain_tls(self, error: BaseException, host: str) -> str:
        text = getattr(error, "verify_message", "") or getattr(error, "reason", None) or str(error)
        if "expired" in text or "not yet valid" in text:
            skew = "" if self.skew is None else f", {abs(self.skew):.0f} s off the service's"
            now = f"{self._clock.now():%Y-%m-%d %H:%M} UTC{skew}"
            return f"TLS to {host} failed: {text}; this machine's clock says {now}"
        return f"TLS to {host} failed: {text}; {_CA_HINT}"

    def _compare_clocks(self, date: str) -> None:
        try:
            ahead = parsedate_to_datetime(date) - self._clock.now()
        except (TypeError, ValueError):
            return  # no date, or none that can be compared
        self.skew = ahead.total_seconds() + HALF_A_SECOND


def _bounded(response: Response, most: int) -> bytes:
    body = bytearray()
    for chunk in response.raw.stream(CHUNK, decode_content=True):
        body += chunk
        if len(body) > most:
            raise HTTPError(f"the answer is larger than {most} bytes")
    return bytes(body)


def _redirected(location: str) -> Answer:
    host = urlsplit(location).hostname or "the same host"
    remedy = "set DEFENDER_API_URL or DEFENDER_AUTHORITY to the final address"
    return _answer(Failure.FATAL, f"unexpected redirect to {host}; {remedy}")


def _proxy_refused(status: int) -> Answer:
    if status >= 500:  # noqa: PLR2004  # the proxy's own trouble
        return _answer(Failure.NOT_SENT, f"the proxy answered {status} to CONNECT")
    remedy = "give user and password in DEFENDER_PROXY" if status == 407 else "allow the host there"  # noqa: PLR2004  # Proxy Authentication Required
    return _answer(Failure.FATAL, f"the proxy answered {status} to CONNECT; {remedy}")


def _answer(failure: Failure, detail: str) -> Answer:
    return Answer(failure=failure, detail=escape(redact(detail))[:DETAIL])


def _cause(error: BaseException) -> str:
    """Return the innermost exception in words: the outer ones repeat it with addresses of objects."""
    *_, innermost = _chain(error)
    text = getattr(innermost, "strerror", None) or str(innermost)
    return f"{type(innermost).__name__}: {text}" if text else type(innermost).__name__


def _find(error: BaseException, kind: type[BaseException]) -> BaseException | None:
    return next((each for each in _chain(error) if isinstance(each, kind)), None)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and what it wraps: requests and urllib3 put the reason into ``args`` or ``reason``."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        inner = [getattr(each, "reason", None), *each.args, each.__cause__]
        waiting += [one for one in inner if isinstance(one, BaseException)]
