"""Which permission each endpoint asks for.

Source: the permissions of each endpoint's page.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from defender_indicators.emulator.reply import Call, refuse


class Needed(NamedTuple):
    """Any one of ``roles`` is enough for an application, any one of ``scopes`` for a user."""

    roles: tuple[str, ...]
    scopes: tuple[str, ...]


_INDICATORS = Needed(("Ti.ReadWrite.All", "Ti.ReadWrite"), ("Ti.ReadWrite",))
_FILES = Needed(("File.Read.All",), ("File.Read.All",))
_ALERTS = Needed(("Alert.Read.All", "Alert.ReadWrite.All"), ("Alert.Read", "Alert.ReadWrite"))
_LOOKUPS: Mapping[str, Needed] = {
    "file": _FILES,
    "file_stats": _FILES,
    "domain_stats": Needed(("URL.Read.All",), ("URL.Read.All",)),
    "ip_stats": Needed(("Ip.Read.All",), ("Ip.Read.All",)),
    "file_alerts": _ALERTS,
    "domain_alerts": _ALERTS,
    "ip_alerts": _ALERTS,
    "groups": Needed(("Score.Read.All",), ("Score.Read",)),
}


def authorise(call: Call) -> None:
    """Make sure that the caller may use the endpoint.

    Raises:
        RefusedError: 403, naming what would have been enough.
    """
    needed = _LOOKUPS.get(call.endpoint, _INDICATORS)
    if call.caller.permissions & {*needed.roles, *needed.scopes}:
        return
    if call.caller.delegated:
        refuse(403, text=f"Missing user scopes. API required scopes: {', '.join(needed.scopes)}")
    refuse(403, text=f"Missing application roles. API required roles: {', '.join(needed.roles)}")
