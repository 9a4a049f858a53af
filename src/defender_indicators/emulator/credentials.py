"""Credentials that stand in for a password: client certificates and tokens of a federated issuer."""

from __future__ import annotations

import base64
import hashlib
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

EXCHANGE_AUDIENCE = "api://AzureADTokenExchange"


@cache
def _rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate registered with an application; ``private_key`` is empty when only its owner has it."""

    certificate: x509.Certificate
    private_key: str = ""

    @property
    def pem(self) -> str:
        """The certificate alone."""
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def combined_pem(self) -> str:
        """Private key and certificate in one file, as users keep them."""
        return self.private_key + self.pem

    @property
    def thumbprint(self) -> str:
        """SHA-1 of the certificate in hexadecimal, as the portal shows it."""
        return self.certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - Microsoft's identifier

    def expired(self) -> bool:
        """Say whether the certificate's time is over."""
        return self.certificate.not_valid_after_utc <= datetime.now(UTC)

    def answers_to(self, header: dict[str, object]) -> bool:
        """Say whether an assertion's header names this certificate."""
        der = self.certificate.public_bytes(Encoding.DER)
        names = {
            "x5t": _base64url(hashlib.sha1(der).digest()),  # noqa: S324 - Microsoft's identifier
            "x5t#S256": _base64url(hashlib.sha256(der).digest()),
        }
        x5c = header.get("x5c")
        named = [str(header[name]).rstrip("=") == value for name, value in names.items() if name in header]
        if isinstance(x5c, list) and x5c:
            named.append(base64.b64decode(str(x5c[0])) == der)
        return bool(named) and all(named)


def new_certificate(*, days: float = 365) -> ClientCertificate:
    """Return a self-signed client certificate that expires in ``days`` (negative: already has)."""
    key, now = _rsa_key(), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "defender-indicators emulator")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=max(1, 1 - days)))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return ClientCertificate(certificate, private)


def read_certificate(pem: str) -> ClientCertificate:
    """Return the public certificate of a PEM file, as one uploads it to an application.

    Raises:
        ValueError: the text holds no certificate.
    """
    return ClientCertificate(x509.load_pem_x509_certificate(pem.encode()))


@dataclass(frozen=True, slots=True)
class Issuer:
    """A federated identity credential: whoever this issuer calls ``subject`` may act as the application."""

    url: str = "https://issuer.example"
    subject: str = "system:serviceaccount:soar:defender-indicators"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def token(self, *, lifetime: float = 3600, subject: str = "", audience: str = EXCHANGE_AUDIENCE) -> str:
        """Return the token that a workload finds in its token file."""
        now = time.time()
        claims = {"iss": self.url, "sub": subject or self.subject, "aud": audience, "iat": now, "exp": now + lifetime}
        return jwt.encode(claims, self.key, "ES256")


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
