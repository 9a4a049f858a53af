"""A bare client: what reaches the emulator is exactly what a test says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from defender_indicators.emulator import Emulator

SCOPE = "https://api.securitycenter.microsoft.com/.default"


class FakeClock:
    def __init__(self) -> None:
        self.at = datetime(2026, 1, 1, tzinfo=UTC)
        self.seconds = 1000.0

    def now(self) -> datetime:
        return self.at

    def boottime(self) -> float:
        return self.seconds

    def boot_id(self) -> str:
        return "boot"

    def pass_time(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.seconds += seconds


class Client:
    def __init__(self, emulator: Emulator, registration: Any = None) -> None:
        self.emulator, self.registration = emulator, registration or emulator.registration
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = emulator.ca_file

    def token(self, scope: str = SCOPE, **form: str) -> requests.Response:
        who = {"client_id": self.registration.client_id, "client_secret": self.registration.secret}
        data = {"grant_type": "client_credentials", "scope": scope, **who, **form}
        return self.session.post(
            f"{self.emulator.url}/{self.registration.tenant}/oauth2/v2.0/token", data=data, timeout=9
        )

    def sign_in(self, **form: str) -> Client:
        self.session.headers["Authorization"] = f"Bearer {self.token(**form).json()['access_token']}"
        return self

    def call(self, method: str, path: str = "", **arguments: Any) -> requests.Response:
        arguments.setdefault("timeout", 9)
        return self.session.request(method, f"{self.emulator.url}/api/indicators{path}", **arguments)

    def send(self, *rows: Any, **arguments: Any) -> requests.Response:
        return self.call("POST", "/import", json={"Indicators": list(rows)}, **arguments)

    def close(self) -> None:
        self.session.close()


def row(value: str = "evil.example.com", **fields: Any) -> dict[str, Any]:
    kind = fields.get("indicatorType") or ("FileSha256" if len(value) == 64 else "DomainName")
    base = {"indicatorValue": value, "indicatorType": kind, "action": "Block", "title": "t", "description": "d"}
    return {name: content for name, content in {**base, **fields}.items() if content is not ...}


@pytest.fixture(name="row")
def row_fixture() -> Callable[..., dict[str, Any]]:
    return row


@pytest.fixture
def rows() -> Callable[[int], list[dict[str, Any]]]:
    return lambda count: [row(f"{number:064x}") for number in range(count)]


@pytest.fixture
def connect():
    """Return a function that gives a signed-in client of an emulator."""
    clients: list[Client] = []

    def connect(emulator: Emulator, registration: Any = None) -> Client:
        clients.append(Client(emulator, registration))
        return clients[-1].sign_in()

    yield connect
    for client in clients:
        client.close()


@pytest.fixture
def client_of(start_emulator, connect) -> Callable[..., Client]:
    """Return a function that starts an emulator and gives a signed-in client of it."""
    return lambda **arguments: connect(start_emulator(**arguments))


@pytest.fixture
def client(emulator: Emulator, connect) -> Client:
    return connect(emulator)


@pytest.fixture
def fake_clock() -> FakeClock:
    return FakeClock()
