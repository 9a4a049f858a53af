"""Where access tokens come from: one small class per way to sign in, all of them MSAL underneath."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msal  # type: ignore[import-untyped]  # it ships no types

from defender_indicators.clock import Clock
from defender_indicators.configuration import Profile
from defender_indicators.credentials import (
    Certificate,
    ClientSecret,
    DeviceCode,
    ManagedIdentity,
    NoCredential,
    WorkloadIdentity,
)
from defender_indicators.errors import AuthenticationError, ConfigurationError
from defender_indicators.logs import escape
from defender_indicators.product import Endpoints
from defender_indicators.redaction import Secret
from defender_indicators.signin import SignInHttp, shielded
from defender_indicators.token_cache import FileStore, KeyringStore, Store, TokenCache
from defender_indicators.tokens import Token, TokenSource

Prompt = Callable[[str], None]
"""Shows a person the address to open and the code to type."""


def token_source(
    profile: Profile, endpoints: Endpoints, http: SignInHttp, clock: Clock, prompt: Prompt | None
) -> TokenSource:
    """Return the way to sign in that a profile's credential calls for."""
    credential = profile.credential
    if isinstance(credential, ManagedIdentity):
        return Machine(credential.client_id, endpoints.scope, http)
    if isinstance(credential, NoCredential):
        return Nobody(credential.remedy)
    place = _Place(
        client_id=profile.client_id,
        authority=f"{endpoints.authority}/{profile.tenant_id}",
        scope=endpoints.scope,
        http=http,
        cache=TokenCache(_store(profile)),
    )
    if isinstance(credential, DeviceCode):
        return Person(place, prompt)
    return Application(place, Proof(credential, profile.client_id, clock))


class _Place:
    """What every MSAL application is made of."""

    def __init__(self, client_id: str, authority: str, scope: str, http: SignInHttp, cache: TokenCache) -> None:
        self.client_id, self.scope, self.cache = client_id, scope, cache
        self.arguments: Mapping[str, Any] = {
            "client_id": client_id,
            "authority": authority,
            "instance_discovery": False,
            "http_client": http,
            "token_cache": cache.tokens,
        }


class Application:
    """An application that proves itself: with a secret, a certificate, or another issuer's token."""

    def __init__(self, place: _Place, proof: Proof) -> None:
        self._place, self._proof = place, proof
        self._app: msal.ConfidentialClientApplication | None = None

    def acquire(self, *, fresh: bool, claims: str) -> Token:
        """See `TokenSource`."""
        place = f"sign-in of {self._place.client_id}"
        token = Token.from_result(shielded(place, lambda: self._ask(fresh=fresh, claims=claims)))
        self._place.cache.keep()
        return token

    def _ask(self, *, fresh: bool, claims: str) -> Mapping[str, Any]:
        app, self._app = self._app or self._open(), None
        if fresh:
            app.remove_tokens_for_client()
        result: Mapping[str, Any] = app.acquire_token_for_client([self._place.scope], claims_challenge=claims or None)
        if "access_token" in result:
            self._app = app  # otherwise the next attempt reads the secret again: it may have been rotated
        return result

    def _open(self) -> msal.ConfidentialClientApplication:
        def assertion() -> str:
            return self._proof.assertion(app.authority.token_endpoint)

        secret = self._proof.secret()
        credential = secret.reveal() if secret else {"client_assertion": assertion}
        app = msal.ConfidentialClientApplication(client_credential=credential, **self._place.arguments)
        return app


class Proof:
    """What an application shows: a secret, or an assertion made for each request."""

    def __init__(self, credential: ClientSecret | Certificate | WorkloadIdentity, client_id: str, clock: Clock) -> None:
        self._credential, self._client_id, self._clock = credential, client_id, clock
        self._shown = Secret("")

    def secret(self) -> Secret | None:
        """Return the client secret as it is now, None for the other kinds."""
        if not isinstance(self._credential, ClientSecret):
            return None
        self._shown = self._credential.source.read()
        return self._shown

    def assertion(self, audience: str) -> str:
        """Return a signed statement for ``audience``: our own, or the one in the federated token file."""
        if isinstance(self._credential, Certificate):
            from defender_indicators.certificate import load_certificate  # noqa: PLC0415  # cryptography is slow to import

            certificate = load_certificate(self._credential)
            self._shown = Secret(certificate.assertion(self._client_id, audience, self._clock.now()))
        elif isinstance(self._credential, WorkloadIdentity):
            self._shown = Secret(_read_token(self._credential.token_file))
        return self._shown.reveal()


class Nobody:
    """No way to sign in."""

    def __init__(self, remedy: str) -> None:
        self._remedy = remedy

    def acquire(self, *, fresh: bool, claims: str) -> Token:  # noqa: ARG002  # every source takes both
        """See `TokenSource`."""
        raise ConfigurationError(self._remedy)


class Machine:
    """The managed identity of this machine."""

    def __init__(self, client_id: str, scope: str, http: SignInHttp) -> None:
        self._identity = (
            msal.UserAssignedManagedIdentity(client_id=client_id) if client_id else msal.SystemAssignedManagedIdentity()
        )
        self._resource = scope.removesuffix("/.default")
        self._http = http
        self._client: msal.ManagedIdentityClient | None = None

    def acquire(self, *, fresh: bool, claims: str) -> Token:
        """See `TokenSource`."""
        return Token.from_result(shielded("managed identity", lambda: self._ask(fresh=fresh, claims=claims)))

    def _ask(self, *, fresh: bool, claims: str) -> Mapping[str, Any]:
        if not self._client or (fresh and not claims):  # a new client has an empty cache
            self._client = msal.ManagedIdentityClient(self._identity, http_client=self._http)
        result: Mapping[str, Any] = self._client.acquire_token_for_client(
            resource=self._resource, claims_challenge=claims or None
        )
        return result


class Person:
    """A person who signs in with a code in a browser; later runs use what the cache keeps."""

    def __init__(self, place: _Place, prompt: Prompt | None) -> None:
        self._place, self._prompt = place, prompt

    def acquire(self, *, fresh: bool, claims: str) -> Token:
        """See `TokenSource`."""
        result = shielded("device code sign-in", lambda: self._ask(fresh=fresh, claims=claims or None))
        self._place.cache.keep()
        return Token.from_result(result)

    def _ask(self, *, fresh: bool, claims: str | None) -> Mapping[str, Any]:
        app, scopes = msal.PublicClientApplication(**self._place.arguments), [self._place.scope]
        for account in app.get_accounts():
            result: Mapping[str, Any] | None = app.acquire_token_silent_with_error(
                scopes, account, force_refresh=fresh, claims_challenge=claims
            )
            if result and "access_token" in result:
                return result
        if not self._prompt:
            raise AuthenticationError(
                "device code sign-in: nobody is signed in; run test-connection in a terminal first"
            )
        flow: dict[str, Any] = app.initiate_device_flow(scopes, claims_challenge=claims)
        if "user_code" not in flow:
            return flow
        self._prompt(escape(str(flow.get("message", ""))))
        signed_in: Mapping[str, Any] = app.acquire_token_by_device_flow(flow, claims_challenge=claims)
        return signed_in


def _store(profile: Profile) -> Store | None:
    name = f"{profile.cloud}-{profile.tenant_id}-{profile.client_id}".lower()
    match profile.token_cache:
        case "file":
            return FileStore(profile.home / "tokens" / f"{name}.json")
        case "keyring":
            return KeyringStore(name)
        case _:
            return None


def _read_token(path: Path) -> str:
    """Return the token that another issuer keeps in a file; its mode is the platform's business."""
    try:
        token = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        cause = type(error).__name__
        raise ConfigurationError(f"{path}: no federated token there ({cause}); check the mount") from None
    if not token:
        raise ConfigurationError(f"{path}: the federated token is empty; check the issuer")
    return token
