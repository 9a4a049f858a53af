"""Two loopback listeners, HTTPS and plain HTTP, served by uvicorn on one event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from defender_indicators.emulator.app import Protocol, api_application, identity_application
from defender_indicators.emulator.service import Service

_START_SECONDS = 10.0


class Listener:
    """Serves one service until it is stopped.

    Args:
        service: what answers.
        context: the server's certificate.
        host: a loopback address.
        port: of HTTPS; 0 takes any free one.

    Raises:
        OSError: the port is taken.
    """

    def __init__(self, service: Service, context: ssl.SSLContext, host: str, port: int) -> None:
        self._service, self._context = service, context
        self._secure = _listen(host, port)
        self._plain = _listen(host, 0)
        host = f"[{host}]" if ":" in host else host
        self.url = f"https://{host}:{self._secure.getsockname()[1]}"
        self.plain_url = f"http://{host}:{self._plain.getsockname()[1]}"
        self._up = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="emulator", daemon=True)

    def start(self) -> None:
        """Return once both listeners answer."""
        self._thread.start()
        if not self._up.wait(_START_SECONDS):
            raise RuntimeError("the emulator did not start")

    def stop(self) -> None:
        """Cut off the calls that are being served, and return once nothing listens any more."""
        if self._loop:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        secure = _config(api_application(self._service, self._stopping), ssl_context_factory=lambda *_: self._context)
        plain = _config(identity_application(self._service, self._stopping))
        servers = [_Server(config, self._stopping) for config in (secure, plain)]
        await asyncio.gather(
            *(server.serve([one]) for server, one in zip(servers, (self._secure, self._plain), strict=True)),
            self._announce(servers),
        )

    async def _announce(self, servers: list[_Server]) -> None:
        for server in servers:
            await server.up.wait()
        self._up.set()


class _Server(uvicorn.Server):
    """uvicorn's server; an event ends it, where the original looks ten times a second whether it should."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping
        self.up = asyncio.Event()

    async def main_loop(self) -> None:
        """Wait until the emulator is stopped, then let go of every connection, whatever its client is doing."""
        self.up.set()
        await self._stopping.wait()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        self.force_exit = True


def _config(application: ASGIApp, **settings: Any) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=Protocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        date_header=False,
        **settings,
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # without the protocol named, asyncio does not switch Nagle's algorithm off and every answer waits 40 ms
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    listener.listen(128)
    return listener
