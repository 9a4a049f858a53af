"""The ASGI shell: reads a request, asks the service, and puts the answer, or a network fault, on the wire."""

from __future__ import annotations

import asyncio
import socket
import struct
from email.utils import formatdate
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from defender_indicators.emulator.arrivals import Arrival
from defender_indicators.emulator.reply import Call, Reply, error
from defender_indicators.emulator.service import Service

TRANSPORT = "defender_indicators.transport"
_LINGER_NOTHING = struct.pack("ii", 1, 0)
_API_ROUTES = (
    ("GET", "/indicators", "list"),
    ("POST", "/indicators", "submit"),
    ("POST", "/indicators/import", "import"),
    ("POST", "/indicators/BatchDelete", "batch_delete"),
    ("GET", "/indicators/{number}", "get"),
    ("DELETE", "/indicators/{number}", "delete"),
    ("GET", "/files/{value}", "file"),
    ("GET", "/files/{value}/stats", "file_stats"),
    ("GET", "/files/{value}/alerts", "file_alerts"),
    ("GET", "/domains/{value}/stats", "domain_stats"),
    ("GET", "/domains/{value}/alerts", "domain_alerts"),
    ("GET", "/ips/{value}/stats", "ip_stats"),
    ("GET", "/ips/{value}/alerts", "ip_alerts"),
    ("GET", "/exposureScore/ByMachineGroups", "groups"),
)
_SIGN_IN_ROUTES = (
    ("GET", "/{tenant}/v2.0/.well-known/openid-configuration", "discovery"),
    ("GET", "/{tenant}/discovery/v2.0/keys", "keys"),
    ("POST", "/{tenant}/oauth2/v2.0/token", "token"),
    ("POST", "/{tenant}/oauth2/v2.0/devicecode", "device"),
)
_IDENTITY_ROUTES = (("GET", "/metadata/identity/oauth2/token", "identity"), ("GET", "/msi/token", "identity"))


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol, which shows its connection to the application so that a fault can break it."""

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: {"transport": self.transport}}


class Endpoint:
    """One endpoint as an ASGI application."""

    def __init__(self, service: Service, name: str, stopping: asyncio.Event) -> None:
        self._service, self._name, self._stopping = service, name, stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        service, request = self._service, Request(scope, receive)
        arrived = service.clock.boottime()
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        request_id = headers.get("client-request-id", "")
        arrival = Arrival(arrived, self._name, scope["method"], scope["path"], request_id)
        service.arrivals.append(arrival)
        try:
            body = await request.body()
        except ClientDisconnect:
            return
        hits = service.faults.meet(self._name)
        call = Call(self._name, scope["path_params"], dict(request.query_params), headers, body, hits)
        pause = self._latency(hits.text("latency"))
        await self._sleep(pause / 2)
        reply = service.answer(call, arrival)
        await self._sleep(pause / 2 + reply.silence)
        if reply.ending == "whole":
            arrival.status = reply.status
        arrival.ended = service.clock.boottime()
        await self._send(reply, scope, receive, send)

    def _latency(self, text: str) -> float:
        if not text:
            return 0.0
        seconds, _, jitter = text.partition(",")
        return max(0.0, float(seconds) + float(jitter or 0) * self._service.faults.dice.uniform(-1, 1))

    async def _sleep(self, seconds: float) -> None:
        if seconds <= 0:
            return
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    async def _send(self, reply: Reply, scope: Scope, receive: Receive, send: Send) -> None:
        if reply.ending in ("close", "reset"):
            await _break(scope, receive, reset=reply.ending == "reset")
            return
        headers = [(name.encode(), value.encode("latin-1")) for name, value in reply.headers]
        headers.append((b"date", formatdate(self._service.directory.now(), usegmt=True).encode()))
        if reply.status not in (204, 304):
            headers.append((b"content-length", str(len(reply.body)).encode()))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        if reply.ending == "half":
            await send({"type": "http.response.body", "body": reply.body[: len(reply.body) // 2], "more_body": True})
            scope["extensions"][TRANSPORT]["transport"].close()
            await _disconnected(receive)
        else:
            await send({"type": "http.response.body", "body": reply.body})


async def _break(scope: Scope, receive: Receive, *, reset: bool) -> None:
    transport = scope["extensions"][TRANSPORT]["transport"]
    if reset:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOTHING)
    transport.abort()
    await _disconnected(receive)


async def _disconnected(receive: Receive) -> None:
    message: Message = {"type": ""}
    while message["type"] != "http.disconnect":
        message = await receive()


def _not_found(service: Service) -> Any:
    def handler(request: Request, _: Exception) -> Response:
        service.arrivals.append(Arrival(service.clock.boottime(), "", request.method, request.url.path, "", status=404))
        reply = error(404, text=f"No endpoint at {request.url.path[:120]}")
        return Response(reply.body, reply.status, dict(reply.headers))

    return handler


def api_application(service: Service, stopping: asyncio.Event) -> Starlette:
    """Return what listens on HTTPS: the Indicators API and the sign-in endpoints."""
    prefixes = ("/api", "/api/v1.0")
    api = [(method, prefix + path, name) for prefix in prefixes for method, path, name in _API_ROUTES]
    return _application(service, stopping, (*api, *_SIGN_IN_ROUTES))


def identity_application(service: Service, stopping: asyncio.Event) -> Starlette:
    """Return what listens on plain HTTP: the managed identity endpoint of a virtual machine or app service."""
    return _application(service, stopping, _IDENTITY_ROUTES)


def _application(service: Service, stopping: asyncio.Event, table: tuple[tuple[str, str, str], ...]) -> Starlette:
    routes = [Route(path, Endpoint(service, name, stopping), methods=[method]) for method, path, name in table]
    return Starlette(routes=routes, exception_handlers={404: _not_found(service)})
