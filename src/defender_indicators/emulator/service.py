"""Every call of the emulator, from its arrival to its answer, without any network in it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path

import orjson

from defender_indicators.clock import Clock
from defender_indicators.emulator import imports, listing, lookups, state_file
from defender_indicators.emulator.arrivals import Arrival
from defender_indicators.emulator.directory import Directory, SignInError, caller_of
from defender_indicators.emulator.entra import Entra, refusal
from defender_indicators.emulator.faults import API, Faults
from defender_indicators.emulator.outcomes import afterwards, beforehand
from defender_indicators.emulator.permissions import authorise
from defender_indicators.emulator.reply import Call, Headers, RefusedError, Reply, refuse
from defender_indicators.emulator.settings import Settings
from defender_indicators.emulator.store import Store, stamp
from defender_indicators.emulator.tenant import Tenant
from defender_indicators.emulator.windows import Limiter

_WRITERS = frozenset({"import", "submit", "delete", "batch_delete"})
Handler = Callable[[Tenant, Call], Reply]


class Service:
    """One emulated Defender and the sign-in in front of it."""

    def __init__(self, settings: Settings, clock: Clock, faults: Faults, state: Path | None) -> None:
        self.settings, self.clock, self.faults, self._state = settings, clock, faults, state
        self.arrivals: list[Arrival] = []
        self.directory = Directory(settings, clock, faults)
        self.entra = Entra(settings, self.directory)
        self._limiter = Limiter(settings)
        self._calls_of_token: dict[str, int] = {}
        self.tenants: dict[str, Tenant] = {}
        self._handlers: dict[str, Handler] = {
            "import": imports.import_indicators,
            "submit": imports.submit_indicator,
            "list": listing.list_indicators,
            "get": listing.get_indicator,
            "delete": listing.delete_indicator,
            "batch_delete": listing.batch_delete,
            **lookups.HANDLERS,
        }
        self._sign_in: dict[str, Callable[[Call], Reply]] = {
            "token": self.entra.token,
            "device": self.entra.device,
            "discovery": self.entra.discovery,
            "keys": self.entra.keys,
            "identity": self.entra.identity,
        }
        for name, content in state_file.read(state).items():
            self.tenant(name).load(content)

    def tenant(self, name: str) -> Tenant:
        """Return one tenant; a new one starts empty."""
        if name not in self.tenants:
            store = Store(self.settings, self.settings.capacity)
            self.tenants[name] = Tenant(self.settings, store, self.faults, self.clock, self.entra.base_url)
        return self.tenants[name]

    def listen_at(self, base_url: str) -> None:
        """Take note of the address that links and tokens have to name."""
        self.entra.base_url = base_url
        for tenant in self.tenants.values():
            tenant.base_url = base_url

    def answer(self, call: Call, arrival: Arrival) -> Reply:
        """Serve one call; never raises for anything that a caller can send."""
        arrival.body_sha256 = hashlib.sha256(call.body).hexdigest()
        arrival.faults = tuple(call.hits)
        try:
            reply = self._api(call, arrival) if call.endpoint in API else self._signed_out(call)
        except RefusedError as refused:
            reply = refused.reply
        except SignInError as problem:
            reply = refusal(problem, stamp(self.clock.now()))
        arrival.tenant, arrival.app, arrival.rows = call.caller.tenant, call.caller.app, call.rows
        return reply

    def _signed_out(self, call: Call) -> Reply:
        beforehand(call)
        return afterwards(call, self._sign_in[call.endpoint](call))

    def _api(self, call: Call, arrival: Arrival) -> Reply:
        self._authenticate(call)
        foreign = self.faults.standing("foreign_load", 0) if call.endpoint == "import" else 0
        wait = self._limiter.admit(call.caller.tenant, call.caller.app, call.endpoint, arrival.time, foreign)
        if wait:
            refuse(429, text="Too many requests", headers=_retry_after(call, wait))
        beforehand(call)
        authorise(call)
        tenant = self.tenant(call.caller.tenant)
        tenant.tidy()
        reply = self._handlers[call.endpoint](tenant, call)
        if self._state and call.endpoint in _WRITERS:
            self.save()
        return afterwards(call, reply)

    def save(self) -> None:
        """Write the state file, if there is one."""
        if self._state:
            state_file.write(self._state, {name: tenant.dump() for name, tenant in self.tenants.items()})

    def _authenticate(self, call: Call) -> None:
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        claims = self.directory.claims_of(token) if scheme.lower() == "bearer" else None
        if not claims:
            header = ("www-authenticate", 'Bearer error="invalid_token"')
            refuse(401, text="Authorization header is missing, invalid or expired", headers=(header,))
        used = self._calls_of_token[token] = self._calls_of_token.get(token, 0) + 1
        if "expire_token_after" in call.hits and used > call.hits.number("expire_token_after"):
            header = ("www-authenticate", 'Bearer error="invalid_token", error_description="The token has expired"')
            refuse(401, text="The token has expired", headers=(header,))
        if "claims" in call.hits and "xms_challenge" not in claims:
            refuse(401, text="Continuous access evaluation asks for more claims", headers=(_challenge(claims["iat"]),))
        call.caller = caller_of(claims)


def _retry_after(call: Call, wait: int) -> Headers:
    if "retry_after" not in call.hits:
        return (("retry-after", str(wait)),)
    text = call.hits.text("retry_after")
    return (("retry-after", text),) if text else ()


def _challenge(issued: int) -> tuple[str, str]:
    wanted = orjson.dumps({"access_token": {"nbf": {"essential": True, "value": str(issued)}}})
    claims = base64.b64encode(wanted).decode()
    return "www-authenticate", f'Bearer realm="", error="insufficient_claims", claims="{claims}"'
