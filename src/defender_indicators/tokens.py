"""An access token and what is written in it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Protocol

from defender_indicators.redaction import Secret

RESERVE: Final = 300.0
"""Seconds before a token's end at which it is renewed; at most half of its life."""


class Token(NamedTuple):
    """An access token: ``lifetime`` in seconds from when it was got, ``claims`` as written in it, not verified."""

    secret: Secret
    lifetime: float
    claims: Mapping[str, Any]

    @classmethod
    def from_result(cls, result: Mapping[str, Any]) -> Token:
        """Return the token of MSAL's answer."""
        secret = Secret(str(result["access_token"]))
        return cls(secret, float(result.get("expires_in") or 0), _claims(secret))

    @property
    def usable(self) -> float:
        """Seconds for which the token is used."""
        return max(self.lifetime - RESERVE, self.lifetime / 2)

    @property
    def roles(self) -> frozenset[str]:
        """Application roles, or the scopes a person has consented to. Only to be shown: the service decides."""
        roles, scopes = self.claims.get("roles"), self.claims.get("scp")
        return frozenset(map(str, roles) if isinstance(roles, list) else str(scopes or "").split())


class TokenSource(Protocol):
    """One way to sign in."""

    def acquire(self, *, fresh: bool, claims: str) -> Token:
        """Return a token; with ``fresh`` not one from a cache. ``claims`` is the service's challenge, or ``""``.

        Raises:
            AuthenticationError, ConfigurationError: trying again cannot help.
            TransportError, ThrottledError, ServerError: it may.
        """


def _claims(token: Secret) -> Mapping[str, Any]:
    """Return what a JWT says; {} for a token that is not a JWT."""
    try:
        part = token.reveal().split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}
