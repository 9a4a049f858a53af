"""What a connector's manifest says about its product: clouds, hosts, permissions, limits. Data, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from defender_indicators.delivery.limiter import Window
from defender_indicators.errors import ConfigurationError
from defender_indicators.origin import check_origin
from defender_indicators.pack.content import content_root

if TYPE_CHECKING:
    from defender_indicators.configuration import Profile


class Cloud(NamedTuple):
    """One of Microsoft's clouds. ``hosts`` are all its API hosts, the one of ``api_url`` first."""

    title: str
    authority: str
    api_url: str
    scope: str
    hosts: tuple[str, ...]


class Identity(NamedTuple):
    """Who we are to the service: what its limits count by, and what names a ledger. Ids in lower case."""

    cloud: str
    tenant: str
    app: str


class Endpoints(NamedTuple):
    """Where one tenant is reached: sign-in authority (without the tenant), API origin, OAuth scope."""

    authority: str
    api_url: str
    scope: str


@dataclass(frozen=True, slots=True)
class Product:
    """A parsed connector manifest.

    Args:
        title: the product's name.
        clouds: by name.
        limits: calls allowed, by endpoint (``import``, ``single``, ``list``, ``read``, ``delete``, ``batch_delete``).
        batch_rows: indicators in one import call.
        batch_bytes: bytes of one import body.
        capacity: active indicators in one tenant.
        roles: application roles, any of which is enough; the first is the recommended one.
        scopes: delegated permissions, any of which is enough.
    """

    title: str
    clouds: Mapping[str, Cloud]
    limits: Mapping[str, tuple[Window, ...]]
    batch_rows: int
    batch_bytes: int
    capacity: int
    roles: tuple[str, ...]
    scopes: tuple[str, ...]

    @classmethod
    def from_manifest(cls, manifest: Mapping[str, Any]) -> Self:
        """Return the product of a manifest that has been checked against ``schemas/connector.schema.json``."""
        batch = manifest["batch"]
        return cls(
            title=manifest["title"],
            clouds={name: _cloud(cloud) for name, cloud in manifest["clouds"].items()},
            limits={name: windows(each) for name, each in manifest["limits"].items()},
            batch_rows=batch["rows"],
            batch_bytes=batch["bytes"],
            capacity=manifest["capacity"],
            roles=tuple(manifest["permissions"]["application"]),
            scopes=tuple(manifest["permissions"]["delegated"]),
        )

    @property
    def every_host(self) -> tuple[str, ...]:
        """Hosts of the API and of sign-in in every cloud: what this pack cannot work without."""
        hosts = [host for cloud in self.clouds.values() for host in (*cloud.hosts, cloud.authority)]
        return tuple(dict.fromkeys(host.removeprefix("https://") for host in hosts))

    def endpoints(self, profile: Profile) -> Endpoints:
        """Return where a tenant is reached: its own settings, else its cloud's.

        Raises:
            ConfigurationError: an unknown cloud, or an address that must not be used.
        """
        cloud = self.clouds.get(profile.cloud)
        if not cloud:
            raise ConfigurationError(f"{profile.name}: cloud: unknown; use one of {', '.join(sorted(self.clouds))}")
        authorities = {each.authority.removeprefix("https://") for each in self.clouds.values()}
        hosts = {host for each in self.clouds.values() for host in each.hosts}
        more = set(profile.allowed_hosts)
        setting = f"{profile.name}: authority"
        authority = check_origin(profile.authority or cloud.authority, authorities | more, setting)
        if not authority.startswith("https://"):
            raise ConfigurationError(f"{setting}: sign-in needs TLS, on this machine too; write it as https://HOST")
        return Endpoints(
            authority,
            check_origin(profile.api_url or cloud.api_url, hosts | more, f"{profile.name}: api_url"),
            profile.scope or cloud.scope,
        )


def windows(limits: list[dict[str, Any]]) -> tuple[Window, ...]:
    """Return ``[{calls, seconds}, …]`` of a manifest or a configuration as windows."""
    return tuple(Window(limit["calls"], limit["seconds"]) for limit in limits)


def load_product(name: str = "defender") -> Product:
    """Return the product of a shipped connector.

    Raises:
        ManifestError: the manifest cannot be read.
    """
    from defender_indicators.pack.strict_yaml import load  # noqa: PLC0415  # YAML is slow to import and not always needed

    path = content_root() / "connectors" / f"{name}.yaml"
    return Product.from_manifest(load(path, f"connectors/{name}.yaml").data)


def _cloud(cloud: Mapping[str, Any]) -> Cloud:
    return Cloud(cloud["title"], cloud["authority"], cloud["api_url"], cloud["scope"], tuple(cloud["hosts"]))
