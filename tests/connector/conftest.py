import importlib.util
import json
import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from defender_indicators.clock import SystemClock
from defender_indicators.configuration import Profile, load_configuration
from defender_indicators.credentials import ClientSecret
from defender_indicators.emulator import Emulator, Settings
from defender_indicators.network import Network
from defender_indicators.pack.content import content_root
from defender_indicators.product import load_product
from defender_indicators.redaction import Secret
from defender_indicators.secret_sources import SecretSource
from defender_indicators.tokens import Token
from defender_indicators.transport import Http

TENANT = "5c1d7a52-4f0e-4d0b-9a55-2b7f0a6f3c11"
CLIENT = "0f3b1a4e-9c36-4be0-8f57-6d1f4e0c7a20"


def _load(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class SettableClock:
    """A clock that stands still until it is moved."""

    def __init__(self):
        self.calendar, self.up = datetime.now(UTC), 1000.0

    def now(self):
        return self.calendar

    def boottime(self):
        return self.up

    def boot_id(self):
        return "this boot"


@pytest.fixture(scope="session")
def faults():
    return _load(Path(__file__).parent / "fault_server.py", "fault_server")


@pytest.fixture(scope="session")
def defender_module():
    return _load(content_root() / "connectors" / "defender.py", "connectors_defender")


@pytest.fixture(scope="session")
def product():
    return load_product()


@pytest.fixture(scope="session")
def authority():
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority, tmp_path_factory):
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


@pytest.fixture
def clock():
    return SettableClock()


@pytest.fixture
def serve(faults, authority):
    """serve(fault) starts a TLS fault server; tls=None for a plain one, or another context."""
    running = []

    def start(fault, tls=True, **options):
        context = faults.server_context(authority) if tls is True else tls
        server = faults.FaultServer(fault, context, **options).__enter__()
        running.append(server)
        return server

    yield start
    for server in running:
        server.__exit__()


@pytest.fixture
def http(ca_file, clock):
    """http(**network) is a client that gives up after 0.6 s."""
    made = []

    def make(**network):
        settings = {"ca_bundle": ca_file, "connect_timeout": 0.3, "deadline": 0.6} | network
        made.append(Http(Network(**settings), clock))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def connect(defender_module, product, clock, ca_file):
    """connect(url) is a connector with a token already in hand; connect(profile=…) one that must sign in."""
    made = []

    def make(url="", token="", profile=None, clock=clock, prompt=None, **network):
        settings = {"ca_bundle": ca_file, "connect_timeout": 0.3, "deadline": 0.6} | network
        profile = profile or Profile(
            name="test",
            tenant_id=TENANT,
            client_id=CLIENT,
            credential=ClientSecret(SecretSource("env", "SECRET", {"SECRET": "client-secret-value"})),
            api_url=url,
            authority=url if url.startswith("https://") else "",
            network=Network(**settings),
        )
        log = logging.getLogger("defender_indicators.connector")
        made.append(defender_module.Defender(profile, product, clock=clock, log=log, prompt=prompt))
        if token:
            made[-1]._token = Token(Secret(token), 3600.0, {})
            made[-1]._renew_at = clock.boottime() + 3300
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture(scope="session")
def shared_emulator():
    with Emulator(Settings(limits=False)) as running:
        yield running


@pytest.fixture
def emulator(shared_emulator):
    shared_emulator.faults.clear()
    shared_emulator.arrivals.clear()
    shared_emulator.registration.certificates.clear()
    shared_emulator.registration.issuers.clear()
    yield shared_emulator
    shared_emulator.faults.clear()


@pytest.fixture
def sign_in_as(connect, emulator, tmp_path):
    """sign_in_as(client_secret=…, …) is a connector for the emulator with these settings of a profile."""

    def make(environ=None, prompt=None, clock=None, **settings):
        base = {name: value for name, value in emulator.environment().items() if name != "DEFENDER_CLIENT_SECRET"}
        file = tmp_path / "configuration.yaml"
        content = {"schema_version": 1, "home": str(tmp_path), "tenants": {"one": settings}}
        file.write_text(json.dumps(content))
        configuration = load_configuration(file, base | (environ or {}))
        return connect(profile=configuration.profile(), clock=clock or SystemClock(), prompt=prompt)

    return make
