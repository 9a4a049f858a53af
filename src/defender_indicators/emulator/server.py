"""The emulator as a context manager: two loopback listeners in a thread of their own."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import trustme

from defender_indicators.clock import Clock, SystemClock
from defender_indicators.emulator.arrivals import Arrival, most_calls_in_any_window
from defender_indicators.emulator.credentials import ClientCertificate, Issuer, new_certificate
from defender_indicators.emulator.directory import Registration
from defender_indicators.emulator.faults import Faults
from defender_indicators.emulator.listener import Listener
from defender_indicators.emulator.service import Service
from defender_indicators.emulator.settings import Settings
from defender_indicators.emulator.truth import Truth
from defender_indicators.private import private_folder


class Emulator(Truth):
    """A Defender on loopback, running while the ``with`` block does.

    Args:
        settings: how the tenant behaves.
        faults: switches that are on from the start, see :mod:`defender_indicators.emulator.faults`.
        state: a file that keeps the indicators across restarts; None forgets them.
        directory: where the CA file is put; None uses a temporary one.
        clock: the service's time, for expiry, rate limits and tokens.

    Raises:
        ConfigurationError: the state file is not one.
        InputError: a fault is unknown.
        OSError: the port is taken.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        faults: Iterable[str] = (),
        state: Path | None = None,
        directory: Path | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.clock = clock or SystemClock()
        self.faults = Faults(self.settings.seed)
        for spec in faults:
            self.faults.add(spec)
        self.service = Service(self.settings, self.clock, self.faults, state)
        self._directory = directory
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._listener: Listener | None = None
        self.url = self.identity_url = self.ca_file = ""

    def start(self) -> Self:
        """Start listening."""
        authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost", "127.0.0.1", "::1").configure_cert(context)
        self._listener = Listener(self.service, context, self.settings.host, self.settings.port)
        self.url, self.identity_url = self._listener.url, self._listener.plain_url
        self.ca_file = str(self._home() / "ca.pem")
        authority.cert_pem.write_to_path(self.ca_file)
        self.service.listen_at(self.url)
        self._listener.start()
        return self

    def _home(self) -> Path:
        if self._directory:
            private_folder(self._directory)
            return self._directory
        self._temporary = tempfile.TemporaryDirectory(prefix="defender-emulator-")
        return Path(self._temporary.name)

    def stop(self) -> None:
        """Stop listening; calls that are being served are cut off."""
        listener, self._listener = self._listener, None
        if listener:
            listener.stop()
        if self._temporary:
            self._temporary.cleanup()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def arrivals(self) -> list[Arrival]:
        """Every call so far, in order of arrival."""
        return self.service.arrivals

    def most_calls_in_any_window(self, endpoint: str = "import", seconds: float = 0.0) -> int:
        """Return the largest number of arrivals at ``endpoint`` that any window holds.

        Args:
            endpoint: as in :attr:`Arrival.endpoint`.
            seconds: the window; 0 takes the emulator's own.
        """
        chosen = [arrival for arrival in list(self.arrivals) if arrival.endpoint == endpoint]
        return most_calls_in_any_window(chosen, seconds or self.settings.window_seconds)

    @property
    def registration(self) -> Registration:
        """The application that the emulator starts with."""
        return self.service.directory.application(self.settings.tenant_id, self.settings.client_id)

    @property
    def authority(self) -> str:
        """The sign-in host; a tenant's authority is ``{authority}/{tenant}``."""
        return self.url

    @property
    def tenant_id(self) -> str:
        """The tenant's GUID."""
        return self.settings.tenant_id

    @property
    def client_id(self) -> str:
        """The id of the application that the emulator starts with."""
        return self.settings.client_id

    @property
    def client_secret(self) -> str:
        """That application's secret."""
        return self.registration.secret

    def register(self, *, tenant: str = "", roles: tuple[str, ...] = ("Ti.ReadWrite.All",)) -> Registration:
        """Register one more application, in this tenant or in another one."""
        return self.service.directory.register(tenant=tenant, roles=roles)

    def new_certificate(self, *, days: float = 365) -> ClientCertificate:
        """Return a certificate that the application may sign in with from now on."""
        made = new_certificate(days=days)
        self.registration.certificates.append(made)
        return made

    def new_issuer(self) -> Issuer:
        """Return a federated issuer whose tokens the application may sign in with from now on."""
        made = Issuer()
        self.registration.issuers.append(made)
        return made

    def environment(self) -> dict[str, str]:
        """Return the variables with which the command line uses this emulator."""
        return {
            "DEFENDER_TENANT_ID": self.tenant_id,
            "DEFENDER_CLIENT_ID": self.client_id,
            "DEFENDER_CLIENT_SECRET": self.client_secret,
            "DEFENDER_API_URL": self.url,
            "DEFENDER_AUTHORITY": self.authority,
            "DEFENDER_CA_BUNDLE": self.ca_file,
        }

    def managed_identity_environment(self, kind: str = "virtual_machine") -> dict[str, str]:
        """Return the variables that make a machine's identity come from here; ``kind`` may be ``app_service``."""
        if kind == "app_service":
            endpoint = f"{self.identity_url}/msi/token"
            return {"IDENTITY_ENDPOINT": endpoint, "IDENTITY_HEADER": self.service.entra.identity_header}
        return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": self.identity_url}
