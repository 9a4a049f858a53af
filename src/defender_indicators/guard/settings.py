"""What an installation asks of the guard; everything has a default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from defender_indicators.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """The section ``guard`` of a configuration.

    Args:
        own_domains: yours; never blocked, and look-alikes of them are held.
        never_block_domains: others that must not be blocked, with everything below and above them.
        never_block_networks: addresses and networks in CIDR notation: egress, proxies, resolvers, remote management.
        never_block_hashes: files and certificates that must not be blocked, in lower-case hex.
        warninglists_add: lists (folders of ``pymispwarninglists``) beside the default ones.
        warninglists_remove: default lists that are not used.
        new_blocks: how many new blocks a run may bring that somebody started.
        new_blocks_unattended: how many in a run that nobody watches.
        deletes_percent: how much of what we have in the tenant a run may delete, and a sync may newly block.
        approval_hours: how long an approval holds.
        approver_differs: whether who approves must be another than who planned.
    """

    own_domains: tuple[str, ...] = ()
    never_block_domains: tuple[str, ...] = ()
    never_block_networks: tuple[str, ...] = ()
    never_block_hashes: tuple[str, ...] = ()
    warninglists_add: tuple[str, ...] = ()
    warninglists_remove: tuple[str, ...] = ()
    new_blocks: int = 1000
    new_blocks_unattended: int = 100
    deletes_percent: float = 10.0
    approval_hours: float = 24.0
    approver_differs: bool = False

    @classmethod
    def from_mapping(cls, section: Mapping[str, Any]) -> Self:
        """Return the settings of a section that has been checked against the configuration's schema.

        Raises:
            ConfigurationError: a name or network that is none.
        """
        never, lists = section.get("never_block", {}), section.get("warninglists", {})
        plain = {
            name: section[name]
            for name in ("new_blocks", "new_blocks_unattended", "deletes_percent", "approval_hours", "approver_differs")
            if name in section
        }
        return cls(
            own_domains=_domains(section.get("own_domains", ()), "guard.own_domains"),
            never_block_domains=_domains(never.get("domains", ()), "guard.never_block.domains"),
            never_block_networks=tuple(_network(text) for text in never.get("networks", ())),
            never_block_hashes=tuple(text.lower() for text in never.get("hashes", ())),
            warninglists_add=tuple(lists.get("add", ())),
            warninglists_remove=tuple(lists.get("remove", ())),
            **plain,
        )


def _domains(names: Iterable[str], place: str) -> tuple[str, ...]:
    from defender_indicators.indicators.codes import Refused  # noqa: PLC0415  # only where domains are configured
    from defender_indicators.indicators.domains import domain  # noqa: PLC0415  # only where domains are configured

    found = []
    for name in names:
        try:
            canonical = domain(name, [])
        except Refused as refused:
            raise ConfigurationError(f"{place}: {refused.reason.removeprefix('indicatorValue: ')}") from None
        if "." not in canonical or not all(canonical.split(".")):
            raise ConfigurationError(f"{place}: {name!r} is no domain; write a full name as in contoso.com")
        found.append(canonical)
    return tuple(found)


def _network(text: str) -> str:
    from ipaddress import ip_network  # noqa: PLC0415  # only where networks are configured

    try:
        return str(ip_network(text))
    except ValueError as error:
        raise ConfigurationError(
            f"guard.never_block.networks: {error}; write an address, or a network as in 198.51.100.0/24"
        ) from None
