"""Who we are and where: the configuration file, the environment, and one profile per tenant.

Nothing but the environment is needed for a single tenant. A file adds profiles; what a profile leaves out comes from
``defaults``. For the default tenant the environment wins over both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import platformdirs

from defender_indicators.credentials import (
    KINDS,
    Credential,
    DeviceCode,
    ManagedIdentity,
    NoCredential,
    credential,
    secret_source,
)
from defender_indicators.delivery.limiter import Window
from defender_indicators.errors import ConfigurationError, ManifestError
from defender_indicators.guard.settings import GuardSettings
from defender_indicators.network import Network, network_of
from defender_indicators.pack.content import content_root
from defender_indicators.product import windows
from defender_indicators.secret_sources import SecretSource

CONFIG_VARIABLE: Final = "DEFENDER_INDICATORS_CONFIG"
HOME_VARIABLE: Final = "DEFENDER_INDICATORS_HOME"
VARIABLES: Final = {
    "DEFENDER_TENANT_ID": "tenant_id",
    "DEFENDER_CLIENT_ID": "client_id",
    "DEFENDER_CLOUD": "cloud",
    "DEFENDER_API_URL": "api_url",
    "DEFENDER_SCOPE": "scope",
    "DEFENDER_AUTHORITY": "authority",
    "DEFENDER_CA_BUNDLE": "ca_bundle",
    "DEFENDER_PROXY": "proxy",
}
"""Environment variables that are settings as they are; the credentials' are ``DEFENDER_CLIENT_SECRET``,
``DEFENDER_CLIENT_SECRET_FILE`` and ``DEFENDER_CERTIFICATE_FILE``."""
_UNNAMED: Final = "default"

Settings = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Profile:
    """One tenant: who signs in, where, and how fast. Empty texts mean what the cloud says.

    ``limits`` replaces the product's windows of an endpoint; ``delivery`` holds durations in seconds by name,
    ``capacity`` the ``reserve`` and ``evict`` of ``planning.capacity.Room``, ``feeds`` (user, secret) by host.
    """

    name: str
    tenant_id: str
    client_id: str
    credential: Credential
    cloud: str = "commercial"
    api_url: str = ""
    scope: str = ""
    authority: str = ""
    allowed_hosts: tuple[str, ...] = ()
    network: Network = field(default_factory=Network)
    token_cache: Literal["memory", "file", "keyring"] = "memory"  # noqa: S105  # the name of a place
    limits: Mapping[str, tuple[Window, ...]] = field(default_factory=dict)
    delivery: Mapping[str, float] = field(default_factory=dict)
    legacy_actions: Literal["translate", "keep"] = "translate"
    guard: GuardSettings = field(default_factory=GuardSettings)
    capacity: Mapping[str, Any] = field(default_factory=dict)
    feeds: Mapping[str, tuple[str, SecretSource]] = field(default_factory=dict)
    home: Path = Path()


@dataclass(frozen=True, slots=True)
class Configuration:
    """The file and the environment, put together; ``home`` is the folder of ledger and state."""

    home: Path
    tenants: Mapping[str, Settings]
    default_tenant: str
    environ: Mapping[str, str] = field(repr=False)
    defaults: Settings = field(default_factory=dict)

    def profile(self, name: str = "") -> Profile:
        """Return the profile of a tenant; ``""`` is the default one.

        Raises:
            ConfigurationError: no such tenant, no default, an incomplete profile.
        """
        name, settings = self._settings(name)
        if name == self.default_tenant:
            settings = _merge(settings, _from_environment(self.environ))
        return _profile(name, settings, self.environ, self.home)

    def guard(self, name: str = "") -> GuardSettings:
        """Return what a tenant asks of the guard; nothing else of its profile has to be there.

        Raises:
            ConfigurationError: no such tenant, no default, a wrong setting of the guard.
        """
        return GuardSettings.from_mapping(self._settings(name)[1].get("guard", {}))

    def _settings(self, name: str) -> tuple[str, Settings]:
        name = name or self.default_tenant
        if not name:
            raise ConfigurationError(f"no default tenant; name one of {', '.join(self.tenants)}, or set default_tenant")
        if name not in self.tenants:
            raise ConfigurationError(f"{name}: no such tenant; known: {', '.join(self.tenants) or 'none'}")
        return name, _merge(self.defaults, self.tenants[name])


def load_configuration(path: Path | None, environ: Mapping[str, str]) -> Configuration:
    """Read the configuration.

    Args:
        path: the file; None takes the one of ``DEFENDER_INDICATORS_CONFIG``, or none at all.
        environ: the environment.

    Raises:
        ConfigurationError: every problem of the file, one a line, with its line and path.
    """
    named = path or (Path(environ[CONFIG_VARIABLE]) if environ.get(CONFIG_VARIABLE) else None)
    content = _read(named) if named else {}
    tenants = content.get("tenants", {})
    default = content.get("default_tenant") or (next(iter(tenants)) if len(tenants) == 1 else "")
    if not default and (not tenants or environ.get("DEFENDER_TENANT_ID")):
        default = _UNNAMED
        tenants = {**tenants, _UNNAMED: tenants.get(_UNNAMED, {})}
    home = environ.get(HOME_VARIABLE) or content.get("home") or platformdirs.user_data_dir("defender-indicators")
    return Configuration(_folder(home), tenants, default, environ, content.get("defaults", {}))


def _folder(home: str) -> Path:
    try:
        return Path(home).expanduser()
    except RuntimeError:
        raise ConfigurationError(
            f"home: {home!r} names a user who is not known here; write the folder in full"
        ) from None


def _read(path: Path) -> Settings:
    from defender_indicators.pack.strict_yaml import load  # noqa: PLC0415  # not needed where the environment says it all

    try:
        document = load(path)
    except ManifestError as error:
        raise ConfigurationError(str(error)) from None
    problems = [
        str(document.problem(finding.path, finding.cause, finding.remedy))
        for finding in _checker().findings(document.data)
    ]
    if problems:
        raise ConfigurationError("\n".join(problems))
    content: Settings = document.data
    default = content.get("default_tenant")
    if default and default not in content.get("tenants", {}):
        remedy = "write one of the names under tenants"
        raise ConfigurationError(str(document.problem(["default_tenant"], "names no tenant of this file", remedy)))
    return content


@cache
def _checker() -> Any:
    from defender_indicators.pack.checker import Checker  # noqa: PLC0415  # see _read

    schema = json.loads((content_root() / "schemas" / "configuration.schema.json").read_text("utf-8"))

    def lookup(location: str) -> Any:
        found = schema
        for step in location.partition("#")[2].split("/")[1:]:
            found = found[step.replace("~1", "/").replace("~0", "~")]
        return found

    return Checker(schema, lookup=lookup)


def _merge(base: Settings, over: Settings) -> Settings:
    """Return ``base`` overridden; a credential replaces whatever credential was there."""
    if any(kind in over for kind in KINDS):
        base = {key: value for key, value in base.items() if key not in {*KINDS, "client_secret_expires"}}
    return {**base, **over}


def _from_environment(environ: Mapping[str, str]) -> Settings:
    settings: dict[str, Any] = {key: environ[name] for name, key in VARIABLES.items() if environ.get(name)}
    places = {
        "DEFENDER_CLIENT_SECRET": ("client_secret", {"env": "DEFENDER_CLIENT_SECRET"}),
        "DEFENDER_CLIENT_SECRET_FILE": ("client_secret", {"file": environ.get("DEFENDER_CLIENT_SECRET_FILE")}),
        "DEFENDER_CERTIFICATE_FILE": ("certificate", {"file": environ.get("DEFENDER_CERTIFICATE_FILE")}),
    }
    given = [name for name in places if environ.get(name)]
    if len(given) > 1:
        raise ConfigurationError(f"environment: {' and '.join(given)} are both set; keep one of them")
    settings |= dict(places[name] for name in given)
    shapes = {key: value for key, value in settings.items() if key != "proxy"}  # which may hold a password here
    if findings := _checker().findings({"schema_version": 1, "defaults": shapes}):
        raise ConfigurationError("\n".join(f"environment: {finding}" for finding in findings))
    return settings


def _profile(name: str, settings: Settings, environ: Mapping[str, str], home: Path) -> Profile:
    proof = credential(name, settings, environ)
    managed = isinstance(proof, ManagedIdentity)
    missing = [key for key in ("tenant_id", "client_id") if not settings.get(key) and not managed]
    if missing:
        variables = [variable for variable, key in VARIABLES.items() if key in missing]
        problems = [f"{name}: {' and '.join(missing)} missing; set {' and '.join(variables)}"]
        problems += [proof.remedy] if isinstance(proof, NoCredential) else []
        raise ConfigurationError("\n".join(problems))
    token_cache = settings.get("token_cache", "memory")
    if isinstance(proof, DeviceCode) and token_cache == "memory":  # noqa: S105  # the name of a place
        raise ConfigurationError(f"{name}: device_code needs token_cache: file or keyring, else every run asks again")
    delivery = settings.get("delivery", {})
    return Profile(
        name=name,
        tenant_id=settings.get("tenant_id", ""),
        client_id=settings.get("client_id", ""),
        credential=proof,
        cloud=settings.get("cloud", "commercial"),
        api_url=settings.get("api_url", ""),
        scope=settings.get("scope", ""),
        authority=settings.get("authority", ""),
        allowed_hosts=tuple(settings.get("allowed_hosts", ())),
        network=network_of(settings, delivery, environ),
        token_cache=token_cache,
        limits={endpoint: windows(limits) for endpoint, limits in settings.get("limits", {}).items()},
        delivery=delivery,
        legacy_actions=settings.get("legacy_actions", "translate"),
        guard=GuardSettings.from_mapping(settings.get("guard", {})),
        capacity=settings.get("capacity", {}),
        feeds={
            host: (found.get("user", ""), secret_source(found["secret"], environ))
            for host, found in settings.get("feeds", {}).items()
        },
        home=home,
    )
