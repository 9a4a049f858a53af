"""Which addresses a token or a secret may be sent to.

An address is accepted when its host is one of the product's own (``connectors/defender.yaml``), is this machine, or is
listed under ``allowed_hosts`` of the tenant's profile in the configuration file. An environment variable can choose
among these hosts and cannot add one: whoever can set ``DEFENDER_API_URL`` alone cannot have the token sent elsewhere,
and a mistyped or look-alike name is found before anything is sent.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import SplitResult, urlsplit

from defender_indicators.errors import ConfigurationError

_PORTS = {"https": 443, "http": 80}


def check_origin(url: str, allowed: Collection[str], setting: str) -> str:
    """Return ``scheme://host[:port]`` of an address that is safe to use.

    Args:
        url: as configured; at most a ``/`` may follow the host.
        allowed: host names, or ``host:port`` where the port is not the standard one.
        setting: what messages call it.

    Raises:
        ConfigurationError: not https (except on this machine), a user or password, an IP address or a name that is not
            ASCII, a dot at the end, a path, or a host that is not allowed.
    """
    parts, port = _split(url, setting)
    host = parts.hostname or ""
    fault = _shape_fault(parts, host)
    if fault:
        raise ConfigurationError(f"{setting}: {fault}; write it as https://HOST")
    origin = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}"
    explicit = "" if port in (None, _PORTS[parts.scheme]) else f":{port}"
    if not is_loopback(host) and f"{host}{explicit}" not in allowed:
        raise ConfigurationError(
            f"{setting}: {host}{explicit} is not a host of this product; check the spelling, "
            "or list it under allowed_hosts of the tenant in the configuration file"
        )
    return origin + explicit


def same_origin(url: str, origin: str) -> bool:
    """Tell whether ``url`` stays at ``origin``: same scheme, host and port, nobody's name in it."""
    try:
        one, other = urlsplit(url), urlsplit(origin)
        ports = [part.port or _PORTS.get(part.scheme) for part in (one, other)]
    except ValueError:
        return False
    named = one.username is not None or one.password is not None
    return not named and (one.scheme, one.hostname, ports[0]) == (other.scheme, other.hostname, ports[1])


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _split(url: str, setting: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigurationError(f"{setting}: not an address; write it as https://HOST") from None
    return parts, port


def _shape_fault(parts: SplitResult, host: str) -> str:
    """Return why the address is refused whatever the allowed hosts are, ``""`` if it is not."""
    faults = {
        "it does not begin with https://": parts.scheme not in _PORTS,
        "it holds a user name or password": parts.username is not None or parts.password is not None,
        "it names no host": not host,
        "http:// sends the token in the clear": parts.scheme == "http" and not is_loopback(host),
        "it names an IP address": _is_address(host) and not is_loopback(host),
        "the host ends with a dot": host.endswith("."),
        "the host is not a plain ASCII name": not host.isascii() or "xn--" in host or not host.isprintable(),
        "something follows the host": parts.path not in ("", "/") or bool(parts.query or parts.fragment),
    }
    return next((fault for fault, found in faults.items() if found), "")


def _is_address(host: str) -> bool:
    """Tell whether a resolver would read the host as an address: 1.2.3.4, ::1, 16909060, 0x7f.1."""
    last = host.rsplit(".", 1)[-1]
    return ":" in host or last.isdigit() or last.startswith("0x")
