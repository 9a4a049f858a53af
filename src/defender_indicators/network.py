"""How to get out of this network, as configured."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from defender_indicators.credentials import secret_source
from defender_indicators.errors import ConfigurationError
from defender_indicators.redaction import Secret

_BUNDLE_VARIABLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
_SCHEME: Final = re.compile(r"\A(?:[A-Za-z][A-Za-z0-9+.-]*:)?//")


@dataclass(frozen=True, slots=True)
class Network:
    """How to get out.

    Args:
        ca_bundle: PEM file; ``""`` means the public authorities.
        proxy: URL of a proxy, ``"env"`` for the environment's, ``""`` for none.
        connect_timeout: seconds for one address to answer.
        deadline: seconds for a whole call, first byte of DNS to last byte of the answer.

    Raises:
        ConfigurationError: ``proxy`` is something else.
    """

    ca_bundle: str = ""
    proxy: str = field(default="", repr=False)
    connect_timeout: float = 10.0
    deadline: float = 120.0
    secrets: tuple[Secret, ...] = field(init=False, default=(), repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the proxy, and make its user and password known as secrets."""
        if self.proxy not in {"", "env"}:
            object.__setattr__(self, "secrets", proxy_secrets("proxy (DEFENDER_PROXY)", self.proxy))


def proxy_secrets(setting: str, address: str) -> tuple[Secret, ...]:
    """Return what must not be shown of a proxy's address: user and password, as written and as meant.

    Args:
        setting: where the address was given, for the message.
        address: ``http://user:password@host:port``; user, password and port may be missing.

    Raises:
        ConfigurationError: not such an address; the message does not repeat it, for it may hold a password anywhere.
    """
    account = _SCHEME.sub("", address.rpartition("@")[0])
    password = account.partition(":")[2]
    secrets = tuple(Secret(text) for text in {account, unquote(account), password, unquote(password)})
    if not _is_proxy(address):
        raise ConfigurationError(
            f"{setting}: not the address of a proxy; write http://user:password@host:port, "
            "special characters of user and password percent-encoded"
        )
    return secrets


def _is_proxy(address: str) -> bool:
    from urllib3.util import parse_url  # noqa: PLC0415  # most networks have no proxy, and it takes long to import

    try:
        urlsplit(address)  # requests reads user and password with this, and host and port with the other
        parts = parse_url(address)
    except ValueError:
        return False
    nothing_else = parts.path in {None, "/"} and parts.query is None and parts.fragment is None
    return parts.scheme in {"http", "https"} and bool(parts.host) and nothing_else


def network_of(settings: Mapping[str, Any], delivery: Mapping[str, float], environ: Mapping[str, str]) -> Network:
    """Return what a profile's settings and durations say; ``env`` stands for the usual variables.

    Raises:
        ConfigurationError: the place of the proxy's secret cannot be read.
    """
    bundle, proxy = settings.get("ca_bundle", ""), settings.get("proxy", "")
    if bundle == "env":
        bundle = next((environ[name] for name in _BUNDLE_VARIABLES if environ.get(name)), "")
    if isinstance(proxy, Mapping):
        proxy = secret_source(proxy, environ).read().reveal()
    return Network(
        ca_bundle=bundle,
        proxy=proxy,
        connect_timeout=delivery.get("connect_timeout_seconds", 10.0),
        deadline=delivery.get("call_deadline_seconds", 120.0),
    )
