"""How an application proves who it is: the five ways, as data. Secrets are named here, not held."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

from defender_indicators.errors import ConfigurationError
from defender_indicators.secret_sources import SecretSource

FEDERATED_TOKEN_FILE: Final = "AZURE_FEDERATED_TOKEN_FILE"  # noqa: S105  # a variable's name; Azure's own convention
KINDS: Final = ("client_secret", "certificate", "managed_identity", "workload_identity", "device_code")


class ClientSecret(NamedTuple):
    """A shared secret; ``expires`` as the portal shows it, None when nobody wrote it down."""

    source: SecretSource
    expires: date | None = None


class Certificate(NamedTuple):
    """A PEM file with private key and certificate, its chain behind it if there is one."""

    file: Path
    password: SecretSource | None = None


class ManagedIdentity(NamedTuple):
    """The identity that Azure gives this machine; ``client_id`` is ``""`` for the system-assigned one."""

    client_id: str = ""


class WorkloadIdentity(NamedTuple):
    """A token of another issuer (a Kubernetes cluster, a CI system), renewed by it in this file."""

    token_file: Path


class DeviceCode(NamedTuple):
    """A person signs in with a browser elsewhere."""


class NoCredential(NamedTuple):
    """None is configured; ``remedy`` says so. Enough for what is done on this machine alone."""

    remedy: str


Credential = ClientSecret | Certificate | ManagedIdentity | WorkloadIdentity | DeviceCode | NoCredential


def credential(name: str, settings: Mapping[str, Any], environ: Mapping[str, str]) -> Credential:
    """Return the one credential of a profile called ``name``; `NoCredential` when there is none.

    Raises:
        ConfigurationError: there is more than one.
    """
    given = [kind for kind in KINDS if kind in settings]
    if len(given) > 1:
        raise ConfigurationError(f"{name}: {' and '.join(given)} are both given; keep one of them")
    if not given:
        return _unconfigured(name, environ.get(FEDERATED_TOKEN_FILE, ""))
    value = settings[given[0]]
    match given[0]:
        case "client_secret":
            expires = settings.get("client_secret_expires")
            return ClientSecret(secret_source(value, environ), date.fromisoformat(expires) if expires else None)
        case "certificate":
            password = value.get("password")
            return Certificate(_path(value["file"]), secret_source(password, environ) if password else None)
        case "managed_identity":
            return ManagedIdentity(value.get("client_id", ""))
        case "workload_identity":
            file = value.get("token_file") or environ.get(FEDERATED_TOKEN_FILE)
            missing = f"{name}: workload_identity: no token file; set token_file or {FEDERATED_TOKEN_FILE}"
            return WorkloadIdentity(_path(file)) if file else NoCredential(missing)
        case _:
            return DeviceCode()


def _unconfigured(name: str, token_file: str) -> WorkloadIdentity | NoCredential:
    if token_file:
        return WorkloadIdentity(Path(token_file))
    return NoCredential(
        f"{name}: no credential; set DEFENDER_CLIENT_SECRET, DEFENDER_CLIENT_SECRET_FILE or "
        f"DEFENDER_CERTIFICATE_FILE, or write one of {', '.join(KINDS)} into the configuration file"
    )


def secret_source(place: Mapping[str, str], environ: Mapping[str, str]) -> SecretSource:
    """Return the place that ``{env|file|keyring: …}`` names."""
    kind, where = next(iter(place.items()))
    match kind:
        case "env":
            return SecretSource("env", where, environ)
        case "file":
            return SecretSource("file", where)
        case _:
            return SecretSource("keyring", where)


def _path(text: str) -> Path:
    return Path(text).expanduser()
