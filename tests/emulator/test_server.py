"""Starting, stopping, remembering."""

from __future__ import annotations

import hashlib
import os
import socket
import stat
import subprocess
import sys
import time

import pytest
import requests

from defender_indicators.emulator import Emulator, Settings, serve
from defender_indicators.errors import ConfigurationError


def test_it_starts_and_stops_quickly():
    before = time.monotonic()
    with Emulator():
        started = time.monotonic() - before
    assert started < 2
    assert time.monotonic() - before < 4


def test_its_certificate_is_known_to_nobody_else(start_emulator):
    first, second = start_emulator(), start_emulator()
    with requests.Session() as session:
        session.trust_env = False
        with pytest.raises(requests.exceptions.SSLError):
            session.get(f"{first.url}/x", verify=second.ca_file, timeout=9)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", "::", ""])
def test_it_refuses_to_be_reachable_from_elsewhere(host):
    with pytest.raises(ConfigurationError, match="loopback"):
        Settings(host=host)


def test_a_window_must_have_a_length():
    with pytest.raises(ConfigurationError, match="window"):
        Settings(window_seconds=0)


def test_small_calls_are_not_held_back(client):
    before = time.monotonic()
    for _ in range(30):
        client.call("GET", params={"$top": "1"})
    assert time.monotonic() - before < 1  # 40 ms each, 1.2 s in all, without TCP_NODELAY


def test_every_path_also_exists_under_v1_0(client, row):
    address = f"{client.emulator.url}/api/v1.0/indicators"
    answer = client.session.post(f"{address}/import", json={"Indicators": [row()]}, timeout=9)
    number = answer.json()["value"][0]["id"]
    assert client.session.get(f"{address}/{number}", timeout=9).json()["id"] == number
    assert client.session.delete(f"{address}/{number}", timeout=9).status_code == 204


def test_an_unknown_path_is_a_404_and_a_wrong_method_a_405(client):
    answer = client.session.get(f"{client.emulator.url}/api/machines", timeout=9)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NotFound")
    assert client.emulator.arrivals[-1].status == 404
    assert client.call("PUT").status_code == 405


def test_it_remembers_what_arrived(client, rows):
    body = b'{"Indicators":[]}'
    client.call("POST", "/import", data=body, headers={"client-request-id": "abc"})
    client.send(*rows(3))
    empty, full = client.emulator.arrivals[-2:]
    assert (empty.endpoint, empty.method, empty.status, empty.request_id) == ("import", "POST", 400, "abc")
    assert empty.body_sha256 == hashlib.sha256(body).hexdigest()
    assert (full.rows, full.status, full.app) == (3, 200, client.emulator.client_id)
    assert (full.tenant, full.path) == (client.emulator.tenant_id, "/api/indicators/import")
    assert 0 <= full.ended - full.time < 5
    assert client.emulator.most_calls_in_any_window("import") == 2
    assert [arrival.endpoint for arrival in client.emulator.arrivals[:1]] == ["token"]


def test_a_state_file_survives_a_restart(tmp_path, start_emulator, connect, row):
    file = tmp_path / "state.json"
    first = start_emulator(state=file)
    client = connect(first)
    number = client.send(row(), row("b.example.com", expirationTime="2099-01-01T00:00:00Z")).json()["value"][0]["id"]
    kept = first.rows()
    first.stop()
    second = start_emulator(state=file)
    assert second.rows() == kept
    assert len(second.history("evil.example.com")) == 1
    results = connect(second).send(row(), row("c.example.com")).json()["value"]
    assert results[0]["id"] == number
    assert results[1]["id"] not in (number, kept[1]["id"])
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"schema_version":99,"tenants":{}}'])
def test_a_file_that_is_no_state_is_refused(tmp_path, content):
    file = tmp_path / "state.json"
    file.write_text(content)
    with pytest.raises(ConfigurationError, match=r"state\.json: not a state file"):
        Emulator(state=file)
    assert file.read_text() == content


def test_the_environment_is_all_a_client_needs(emulator):
    assert emulator.environment() == {
        "DEFENDER_TENANT_ID": emulator.tenant_id,
        "DEFENDER_CLIENT_ID": emulator.client_id,
        "DEFENDER_CLIENT_SECRET": emulator.client_secret,
        "DEFENDER_API_URL": emulator.url,
        "DEFENDER_AUTHORITY": emulator.url,
        "DEFENDER_CA_BUNDLE": emulator.ca_file,
    }


SCRIPT = """
import sys
from pathlib import Path
from defender_indicators.emulator import Settings, serve
home = Path(sys.argv[1])
serve(Settings(), state=home / "state.json", directory=home / "ca", env_file=home / "environment")
"""


def served(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    deadline = time.monotonic() + 20
    while not (tmp_path / "environment").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return process


def test_serve_tells_a_shell_how_to_use_it_and_ends_on_sigterm(tmp_path):
    secrets = []
    for _ in range(2):
        process = served(tmp_path)
        lines = (tmp_path / "environment").read_text()
        values = dict(line.removeprefix("export ").split("=", 1) for line in lines.splitlines())
        secrets.append(values["DEFENDER_CLIENT_SECRET"])
        process.terminate()
        printed, _ = process.communicate(timeout=20)
        assert process.returncode == 0
        assert lines in printed
        assert values["DEFENDER_CA_BUNDLE"] == str(tmp_path / "ca" / "ca.pem")
        assert stat.S_IMODE((tmp_path / "environment").stat().st_mode) == 0o600
        (tmp_path / "environment").unlink()
    assert secrets[0] == secrets[1]


def test_serve_says_when_the_port_is_taken():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"emulator port {port}: .* choose another"):
            serve(Settings(port=port))


def test_serve_wants_a_certificate_where_one_is_named(tmp_path):
    file = tmp_path / "certificate.pem"
    for content in (None, "nonsense"):
        if content:
            file.write_text(content)
        with pytest.raises(ConfigurationError, match="holds no certificate"):
            serve(certificate=file)
