"""Applications, their credentials and the tokens they get: the part of Microsoft Entra that the pack meets."""

from __future__ import annotations

import secrets
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from defender_indicators.clock import Clock
from defender_indicators.emulator.credentials import ClientCertificate, Issuer
from defender_indicators.emulator.faults import Faults
from defender_indicators.emulator.settings import Settings
from defender_indicators.emulator.store import Caller

if TYPE_CHECKING:
    from jwt.types import Options

Claims = dict[str, Any]
TIMELESS: Options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}
"""Only the signature is checked: time and audience are judged here, by the emulator's own clock."""


class SignInError(Exception):
    """Entra refuses: OAuth error, AADSTS number, text, HTTP status."""

    def __init__(self, error: str, number: int, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.error, self.number, self.text, self.status = error, number, text, status


@dataclass(slots=True)
class Registration:
    """One application in one tenant."""

    tenant: str
    client_id: str
    roles: tuple[str, ...]
    name: str
    scopes: tuple[str, ...] = ("Ti.ReadWrite",)
    user: str = "analyst@contoso.onmicrosoft.com"
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(30))
    certificates: list[ClientCertificate] = field(default_factory=list)
    issuers: list[Issuer] = field(default_factory=list)


class Directory:
    """Every tenant of the emulator, and the key that signs its tokens."""

    def __init__(self, settings: Settings, clock: Clock, faults: Faults) -> None:
        self._settings, self._clock, self._faults = settings, clock, faults
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._key_id = uuid.uuid4().hex
        self._registrations: dict[tuple[str, str], Registration] = {}
        self._read: dict[str, Claims] = {}
        self.refresh_tokens: dict[str, tuple[Registration, str]] = {}
        wanted = {"tenant": settings.tenant_id, "name": settings.app_name}
        first = self.register(settings.client_id, roles=settings.roles, **wanted)
        first.secret = settings.client_secret or first.secret

    def register(
        self, client_id: str = "", *, tenant: str = "", roles: tuple[str, ...] = (), name: str = "Another application"
    ) -> Registration:
        """Register an application; without an id it gets a new one."""
        tenant = tenant or self._settings.tenant_id
        registration = Registration(tenant, client_id or str(uuid.uuid4()), roles, name)
        self._registrations[tenant, registration.client_id] = registration
        return registration

    def tenant(self, name: str) -> str:
        """Return the GUID of a tenant given by GUID or domain.

        Raises:
            SignInError: there is no such tenant.
        """
        if name.lower() == self._settings.tenant_domain.lower():
            return self._settings.tenant_id
        if not any(name.lower() == tenant.lower() for tenant, _ in self._registrations):
            text = f"Tenant '{name[:80]}' not found. Check to make sure you have the correct tenant ID."
            raise SignInError("invalid_request", 90002, text)
        return name.lower()

    def application(self, tenant: str, client_id: str) -> Registration:
        """Return one registration.

        Raises:
            SignInError: the application is not registered in the tenant.
        """
        found = self._registrations.get((tenant, client_id))
        if not found:
            text = f"Application with identifier '{client_id[:80]}' was not found in the directory '{tenant}'."
            raise SignInError("unauthorized_client", 700016, text)
        return found

    def now(self) -> float:
        """Return the directory's calendar time, ``date_skew`` included, in seconds since 1970."""
        return self._clock.now().timestamp() + self._faults.standing("date_skew", 0)

    def wall(self) -> float:
        """Return the time that assertions are judged by: they are dated by a library's own clock."""
        return time.time() + self._faults.standing("date_skew", 0)

    def jwks(self) -> Claims:
        """Return the public half of the signing key."""
        public = jwt.get_algorithm_by_name("ES256").to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [{**public, "kid": self._key_id, "use": "sig", "alg": "ES256"}]}

    def sign(self, claims: Claims) -> str:
        """Return a JWT."""
        return jwt.encode(claims, self._key, "ES256", {"kid": self._key_id})

    def issue(self, app: Registration, resource: str, *, delegated: bool, claims: str = "") -> Claims:
        """Return the token answer for one application, or for its user.

        Args:
            app: who asks.
            resource: the audience; the Ti permissions belong to Defender's audiences only.
            delegated: whether a user signed in.
            claims: the claims challenge that the token is an answer to.
        """
        now, known = int(self.now()), resource.rstrip("/") in self._settings.audiences
        token: Claims = {
            "aud": resource,
            "iss": f"https://sts.windows.net/{app.tenant}/",
            "iat": now,
            "nbf": now,
            "exp": now + self._settings.token_lifetime,
            "appid": app.client_id,
            "tid": app.tenant,
            "uti": secrets.token_urlsafe(12),
            "ver": "1.0",
        }
        if claims:
            token["xms_challenge"] = claims
        if delegated:
            token |= {"scp": " ".join(app.scopes) if known else "", "upn": app.user}
        else:
            token |= {"roles": list(app.roles) if known else [], "idtyp": "app", "app_displayname": app.name}
        lifetime = self._settings.token_lifetime
        return {
            "token_type": "Bearer",
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
            "access_token": self.sign(token),
        }

    def claims_of(self, token: str) -> Claims | None:
        """Return the claims of a token of ours that has not expired; None for any other text."""
        claims = self._read.get(token)
        if claims is None:
            try:
                claims = jwt.decode(token, self._key.public_key(), ["ES256"], options=TIMELESS)
            except jwt.PyJWTError:
                return None
            self._read[token] = claims
        return claims if claims["exp"] > self.now() else None


def caller_of(claims: Claims) -> Caller:
    """Return who a token speaks for."""
    delegated = "scp" in claims
    permissions = claims["scp"].split() if delegated else claims["roles"]
    name = claims["upn"] if delegated else claims["appid"]
    shown = str(claims.get("app_displayname", name))
    return Caller(claims["tid"], claims["appid"], name, frozenset(permissions), delegated=delegated, shown=shown)
