"""Reading from the tenant within its limits: the whole list, or one answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from defender_indicators.clock import Clock
from defender_indicators.delivery.answer import Answer, Call, Transport
from defender_indicators.delivery.calls import CallBook
from defender_indicators.delivery.classify import Kind, judged_alone
from defender_indicators.delivery.health import Health
from defender_indicators.delivery.ledger import Ledger
from defender_indicators.delivery.pages import Pages
from defender_indicators.errors import AuthorizationError, ThrottledError, TransportError

_PLACE: Final = "GET /api/indicators"
_PASSING: Final = frozenset({Kind.UNAUTHORIZED, Kind.THROTTLED, Kind.NOT_SENT, Kind.AMBIGUOUS})


class Lister:
    """Asks, waits and asks again, as any read may be repeated.

    Args:
        sleep: waits so many seconds; returns false when somebody asked to stop.
    """

    def __init__(
        self, ledger: Ledger, book: CallBook, health: Health, clock: Clock, sleep: Callable[[float], bool]
    ) -> None:
        self._ledger = ledger
        self._book = book
        self._health = health
        self._clock = clock
        self._sleep = sleep

    def rows(self, transport: Transport) -> Iterator[list[Any]]:
        """Return the tenant's rows as the service writes them, a page at a time; no row twice.

        Raises:
            ConnectorError: the list could not be read to its end; what was given until then proves nothing.
        """
        pages = Pages()
        transport.sign_in()
        while pages.path:
            answer, _ = self._call(pages.call(), transport, "list")
            problem, rows = pages.take(answer)
            if not problem:
                yield rows
            elif answer.status == 403:  # noqa: PLR2004 - Forbidden
                raise AuthorizationError(f"{_PLACE}: {problem}; grant the application Ti.ReadWrite.All", status=403)
            elif pages.failures >= self._health.timing.read_tries:
                raise TransportError(f"{_PLACE}: {problem}; nothing was proved, try again", status=answer.status)
            else:
                self._pause(self._health.backoff(pages.failures))

    def read(self, path: str, transport: Transport, endpoint: str = "list") -> Answer:
        """Return the answer to one GET, the last one where asking again did not help; the caller judges it.

        Args:
            path: as in :class:`Call`.
            transport: signs in and sends.
            endpoint: whose limits count.

        Raises:
            ConnectorError: nobody could sign in, or somebody asked to stop.
        """
        transport.sign_in()
        for attempt in range(1, self._health.timing.read_tries):
            answer, kind = self._call(Call("GET", path), transport, endpoint)
            if kind not in _PASSING:
                return answer
            self._pause(self._health.backoff(attempt))
        return self._call(Call("GET", path), transport, endpoint)[0]

    def _call(self, call: Call, transport: Transport, endpoint: str) -> tuple[Answer, Kind]:
        while True:
            with self._ledger.transaction():
                number, wait = self._book.open(endpoint, "", 0)
            if number:
                break
            self._pause(1.0 if wait is None else wait)
        answer = transport.send(call)
        verdict = judged_alone(answer)
        throttled = verdict.kind is Kind.THROTTLED
        block = self._health.throttle(verdict.retry_after, self._clock.boottime()) if throttled else None
        with self._ledger.transaction():
            self._book.close(number, endpoint, kind=verdict.kind.value, status=answer.status, block=block)
        if verdict.kind is Kind.UNAUTHORIZED:
            transport.sign_in(renew=True, claims=verdict.claims)
        return answer, verdict.kind

    def _pause(self, seconds: float) -> None:
        if not self._sleep(seconds):
            raise ThrottledError(f"{_PLACE}: stopped while waiting; nothing was proved")
