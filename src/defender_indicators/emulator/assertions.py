"""Proof that a caller is the application it says: a secret, a signed assertion, a federated token."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

import jwt

from defender_indicators.emulator.credentials import EXCHANGE_AUDIENCE
from defender_indicators.emulator.directory import TIMELESS, Directory, Registration, SignInError

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def authenticate(directory: Directory, app: Registration, form: Mapping[str, str], audiences: list[str]) -> None:
    """Make sure that a token request comes from its application.

    Args:
        directory: the clock and the tenants.
        app: who the request says it is.
        form: the request.
        audiences: the spellings of the token endpoint that an assertion may be meant for.

    Raises:
        SignInError: the credential is missing or wrong.
    """
    assertion = form.get("client_assertion", "")
    if assertion and form.get("client_assertion_type") == _ASSERTION_TYPE:
        _check_assertion(directory, app, assertion, audiences)
        return
    secret = form.get("client_secret", "")
    if not secret:
        text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
        raise SignInError("invalid_client", 7000218, text, 401)
    if not secrets.compare_digest(secret.encode(), app.secret.encode()):
        text = f"Invalid client secret provided for app '{app.client_id}'."
        raise SignInError("invalid_client", 7000215, text, 401)


def _check_assertion(directory: Directory, app: Registration, assertion: str, audiences: list[str]) -> None:
    try:
        header = jwt.get_unverified_header(assertion)
        claims = jwt.decode(
            assertion, options={"verify_signature": False}
        )  # the signature is checked once the key is known
    except jwt.PyJWTError:
        raise SignInError("invalid_request", 50027, "JWT token is invalid or malformed.") from None
    if claims.get("iss") == app.client_id:
        _check_certificate(app, assertion, header)
        wanted, number = audiences, 700023
    else:
        _check_federated(app, assertion, claims)
        wanted, number = [EXCHANGE_AUDIENCE], 700212
    if claims.get("aud") not in wanted:
        raise SignInError("invalid_client", number, "Client assertion audience claim does not match.", 401)
    now = directory.wall()
    if not claims.get("nbf", claims.get("iat", now)) - 300 <= now < claims.get("exp", 0):
        raise SignInError("invalid_client", 700024, "Client assertion is not within its valid time range.", 401)


def _check_certificate(app: Registration, assertion: str, header: dict[str, object]) -> None:
    certificate = next((one for one in app.certificates if one.answers_to(header)), None)
    if certificate is None:
        text = "The certificate with this identifier is not registered on application."
        raise SignInError("invalid_client", 700027, text, 401)
    key = certificate.certificate.public_key()
    try:
        jwt.decode(assertion, key, ["RS256", "PS256"], options=TIMELESS)  # type: ignore[arg-type]  # an RSA key
    except jwt.PyJWTError:
        text = "The certificate used to sign the client assertion does not fit the signature."
        raise SignInError("invalid_client", 700027, text, 401) from None
    if certificate.expired():
        raise SignInError("invalid_client", 700027, "The certificate used to sign the assertion has expired.", 401)


def _check_federated(app: Registration, assertion: str, claims: dict[str, object]) -> None:
    for issuer in app.issuers:
        if (issuer.url, issuer.subject) == (claims.get("iss"), claims.get("sub")):
            try:
                jwt.decode(assertion, issuer.key.public_key(), ["ES256"], options=TIMELESS)
            except jwt.PyJWTError:
                break
            return
    text = "No matching federated identity record found for presented assertion."
    raise SignInError("invalid_client", 700213, text, 401)
