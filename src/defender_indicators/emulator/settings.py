"""How one emulated tenant behaves, including every point that Microsoft's documentation leaves open."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Literal, get_args

from defender_indicators.errors import ConfigurationError

IdentityModel = Literal["value", "value+type", "value+type+action+scope", "always_insert"]

AUDIENCES = frozenset(
    {
        "https://api.securitycenter.microsoft.com",
        "https://securitycenter.onmicrosoft.com/windowsatpservice",
        "https://api-gcc.securitycenter.microsoft.us",
        "https://api-gov.securitycenter.microsoft.us",
    }
)
"""Resources whose tokens carry the Ti roles; a token for another resource is issued without them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One emulated tenant. Seconds everywhere; the defaults are what the documentation says, or suggests.

    Open points (no public source settles them): ``identity``, ``semantic_faults``, ``capacity_answer``, ``window``,
    ``rejected_calls_count``, ``updates``, ``next_link``, ``page_size``, ``batch_delete_partial``, ``delete_status``,
    ``slot_release_seconds``, ``md5_supported``, ``unknown_groups``.

    Source: import-ti-indicators.md, post-ti-indicator.md, get-ti-indicators-collection.md, common-errors.md.
    """

    host: str = "127.0.0.1"
    port: int = 0
    tenant_id: str = "5c1d7a52-4f0e-4d0b-9a55-2b7f0a6f3c11"
    tenant_domain: str = "contoso.onmicrosoft.com"
    client_id: str = "0f3b1a4e-9c36-4be0-8f57-6d1f4e0c7a20"
    app_name: str = "Indicator feed"
    """What ``createdByDisplayName`` shows of the application that the emulator starts with."""
    client_secret: str = ""
    """Empty: a new random one at every start."""
    roles: tuple[str, ...] = ("Ti.ReadWrite.All",)
    token_lifetime: int = 3599
    device_polls: int = 0
    """How often a device-code poll is told to wait before the user has "signed in"; negative: the user declines."""
    audiences: frozenset[str] = AUDIENCES

    limits: bool = True
    window_seconds: float = 60.0
    """What the service calls a minute; an hour scales with it."""
    window: Literal["sliding", "fixed", "token_bucket"] = "sliding"
    rejected_calls_count: bool = False
    batch_size: int = 500
    capacity: int = 15_000
    capacity_answer: Literal["row", "batch"] = "row"
    slot_release_seconds: float = 0.0
    """How long a deleted row still counts against the capacity."""

    identity: IdentityModel = "value+type+action+scope"
    updates: Literal["replace", "merge"] = "replace"
    semantic_faults: Literal["row", "batch"] = "row"
    md5_supported: bool = True
    groups: tuple[str, ...] = ()
    """Device groups of the tenant."""
    unknown_groups: Literal["accept", "refuse"] = "accept"
    """What becomes of a row that names a device group which does not exist."""

    page_size: int = 10_000
    next_link: Literal["without_top", "always", "never"] = "without_top"
    delete_status: Literal[204, 200] = 204
    batch_delete_partial: bool = False
    """Whether a BatchDelete that answers 404 has deleted the ids that exist."""

    seed: int = 0
    """Of everything random: jitter, ``@probability``, ``chaos``, ``shuffle``, ``poison=N``."""

    def __post_init__(self) -> None:
        """Refuse to be reachable from elsewhere, and settings that nobody implements."""
        if not _is_loopback(self.host):
            raise ConfigurationError(
                f"emulator host {self.host!r}: the emulator accepts anybody's sign-in and only ever binds loopback; "
                "use 127.0.0.1 or ::1"
            )
        if self.identity not in get_args(IdentityModel):
            raise ConfigurationError(
                f"emulator identity {self.identity!r}: unknown; use one of {', '.join(get_args(IdentityModel))}"
            )
        if self.window_seconds <= 0:
            raise ConfigurationError(f"emulator window {self.window_seconds!r}: must be more than 0 seconds")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
