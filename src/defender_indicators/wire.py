"""Sockets that obey a deadline, and a session that takes nothing from its surroundings.

``requests`` knows a time-out between two bytes, not one for the whole call: a server that sends a byte now and then
keeps a caller waiting for ever. An `Exchange` watches the call of one thread and shuts its socket down when time is up,
in whatever phase it is; it also remembers whether the request has begun to leave, which is what decides if the call
may be repeated.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from functools import cache
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final, Self

import certifi
from requests import Response, Session
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, Retry
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.util.ssl_ import create_urllib3_context

from defender_indicators.errors import ConfigurationError

CONNECTIONS: Final = 4
"""As many calls as delivery has in flight."""

_under_way: ContextVar[Exchange | None] = ContextVar("exchange", default=None)


class Exchange:
    """One call under way in this thread, to be ended after ``seconds``.

    ``sent``: bytes of the request may have left. ``cut``: the deadline has ended the call. ``resolve`` turns host and
    port into the addresses that may be connected to, tried in order; without it the system resolves.
    """

    def __init__(self, seconds: float, resolve: Callable[[str, int], list[str]] | None = None) -> None:
        self.resolve = resolve
        self.sent = False
        self.cut = False
        self._handle: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._outer = _under_way.set(self)
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._timer.join()  # an end already on its way must not hit the next call on this connection
        _under_way.reset(self._outer)
        if self._handle:
            self._handle.close()

    def attach(self, descriptor: int) -> None:
        """Watch this socket through a descriptor of our own: that ends the connection under any layer of TLS."""
        if self._handle:
            self._handle.close()
        self._handle = socket.socket(fileno=os.dup(descriptor))
        if self.cut:
            self._end()

    def _end(self) -> None:
        self.cut = True
        if self._handle:
            try:
                self._handle.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # the other side was faster


class _Watched(HTTPConnection):
    """Hands its socket to the exchange under way, and never prints what it sends."""

    debuglevel = 0  # the global knob of http.client would print the token

    def _new_conn(self) -> socket.socket:
        call = _under_way.get()
        sock = self._pinned(call.resolve) if call and call.resolve else super()._new_conn()
        if call:
            call.attach(sock.fileno())
        return sock

    def _pinned(self, resolve: Callable[[str, int], list[str]]) -> socket.socket:
        """Connect to an address that was judged, and to none that a second look-up might give."""
        name = self._dns_host
        *others, last = resolve(name, self.port)
        try:
            for self._dns_host in others:
                with suppress(NewConnectionError, ConnectTimeoutError):
                    return super()._new_conn()
            self._dns_host = last
            return super()._new_conn()
        finally:
            self._dns_host = name  # TLS is verified against the name

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is None:
            self.connect()
        call = _under_way.get()
        if call and self.sock:
            call.attach(self.sock.fileno())
            call.sent = True
        super().request(*args, **kwargs)


class _WatchedTls(_Watched, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTls


class _Adapter(HTTPAdapter):
    """No retries, one TLS context, watched connections, also behind a proxy."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(pool_connections=CONNECTIONS, pool_maxsize=CONNECTIONS, max_retries=Retry(0, read=False))

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **kwargs: Any) -> None:  # noqa: FBT001, FBT002  # the signature of requests
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._context, **kwargs)
        _watch(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, ssl_context=self._context, **kwargs)
        _watch(manager)
        return manager

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave it to the context, which always verifies; requests would load its bundle into it at each call."""


class _ClosedSession(Session):
    """Follows no redirect, keeps no cookie, reads no environment and no ``.netrc``."""

    def get_redirect_target(self, resp: Response) -> None:
        """Say that there is none."""


def open_session(ca_bundle: str) -> Session:
    """Return a session that verifies TLS ≥ 1.2 against ``ca_bundle`` (a PEM file; ``""``: the public authorities).

    It may be used by `CONNECTIONS` threads at once.

    Raises:
        ConfigurationError: ``ca_bundle`` cannot be read as certificates.
    """
    session = _ClosedSession()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for prefix in ("https://", "http://"):
        session.mount(prefix, _Adapter(_tls_context(ca_bundle)))
    return session


@cache
def _tls_context(ca_bundle: str) -> ssl.SSLContext:
    context = create_urllib3_context(ssl_minimum_version=ssl.TLSVersion.TLSv1_2, cert_reqs=ssl.CERT_REQUIRED)
    context.check_hostname = True
    try:
        context.load_verify_locations(ca_bundle or certifi.where())
    except OSError as error:
        reason = "no certificates in PEM form" if isinstance(error, ssl.SSLError) else error.strerror
        raise ConfigurationError(
            f"{ca_bundle}: not usable as CA bundle ({reason}); name a PEM file with --ca-bundle or DEFENDER_CA_BUNDLE"
        ) from None
    return context


def _watch(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
