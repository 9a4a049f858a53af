"""A certificate as a credential: read once, then one signature per token.

MSAL would check the whole RSA key again for every tenant (50 ms); here the key is loaded once per file and version.
"""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from defender_indicators.credentials import Certificate
from defender_indicators.errors import ConfigurationError
from defender_indicators.redaction import Secret
from defender_indicators.secret_sources import read_private

LIFETIME: Final = 600
"""Seconds for which an assertion may be used."""
_SHAPE: Final = "put the private key and its certificate, in PEM form, into this one file"


@dataclass(frozen=True, slots=True)
class SigningCertificate:
    """A private key with its certificate; ``chain`` holds every certificate of the file, the key's own first."""

    chain: tuple[x509.Certificate, ...]
    key: rsa.RSAPrivateKey
    pem: Secret

    @property
    def expires(self) -> datetime:
        """The moment after which the service no longer accepts it, in UTC."""
        return self.chain[0].not_valid_after_utc

    def assertion(self, client_id: str, audience: str, now: datetime) -> str:
        """Return a signed JWT (PS256) that proves to ``audience``, a token endpoint, that we are ``client_id``."""
        issued = int(now.timestamp())
        header: dict[str, Any] = {
            "alg": "PS256",
            "typ": "JWT",
            "x5t#S256": _base64url(self.chain[0].fingerprint(hashes.SHA256())),
        }
        if len(self.chain) > 1:
            ders = (each.public_bytes(serialization.Encoding.DER) for each in self.chain)
            header["x5c"] = [base64.b64encode(der).decode("ascii") for der in ders]
        claims = {
            "aud": audience,
            "iss": client_id,
            "sub": client_id,
            "jti": str(uuid.uuid4()),
            "nbf": issued,
            "exp": issued + LIFETIME,
        }
        signed = f"{_json(header)}.{_json(claims)}"
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size)
        return f"{signed}.{_base64url(self.key.sign(signed.encode('ascii'), pss, hashes.SHA256()))}"


_loaded: dict[bytes, SigningCertificate] = {}


def load_certificate(credential: Certificate) -> SigningCertificate:
    """Return the certificate of a credential; parsed again only when the file has changed.

    Raises:
        ConfigurationError: unreadable, readable by everybody, no RSA key, wrong password, key and certificate that do
            not belong together.
    """
    path = credential.file
    pem = Secret(read_private(path).decode("ascii", "replace"))
    password = credential.password.read() if credential.password else Secret("")
    digest = hashlib.sha256(f"{path}\0{password.reveal()}\0{pem.reveal()}".encode()).digest()
    if digest not in _loaded:
        _loaded[digest] = _parse(path, pem, password)
    return _loaded[digest]


def _parse(path: Path, pem: Secret, password: Secret) -> SigningCertificate:
    key = _private_key(path, pem, password)
    try:
        found = x509.load_pem_x509_certificates(pem.reveal().encode())
    except ValueError:
        raise ConfigurationError(f"{path}: holds no certificate; {_SHAPE}") from None
    own = [each for each in found if each.public_key() == key.public_key()]
    if not own:
        raise ConfigurationError(f"{path}: the private key does not belong to the certificate; {_SHAPE}")
    chain = (own[0], *(each for each in found if each is not own[0]))
    return SigningCertificate(chain, key, pem)


def _private_key(path: Path, pem: Secret, password: Secret) -> rsa.RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(pem.reveal().encode(), password.reveal().encode() or None)
    except TypeError:
        cause = "has no password" if password else "is encrypted"
        remedy = "remove" if password else "give"
        raise ConfigurationError(f"{path}: the private key {cause}; {remedy} certificate.password") from None
    except ValueError:
        cause = "the private key cannot be read, or the password is wrong"
        raise ConfigurationError(f"{path}: {cause}; {_SHAPE}") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ConfigurationError(f"{path}: not an RSA key; Microsoft's sign-in accepts RSA only")
    return key


def _json(content: Mapping[str, Any]) -> str:
    return _base64url(json.dumps(content, separators=(",", ":")).encode("ascii"))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
