"""Case 116: canary secrets go through every path that fails, with everything that can print switched on."""

import base64
import http.client
import json
import logging
import traceback
from functools import cache
from pathlib import Path
from urllib.parse import quote, quote_plus

import psutil
import pytest
from cryptography.hazmat.primitives import serialization

from defender_indicators.configuration import load_configuration
from defender_indicators.delivery.answer import Call
from defender_indicators.errors import PackError

LIST = Call("GET", "/api/indicators?$top=1")
IMPORT = Call("POST", "/api/indicators/import", b'{"Indicators":[]}', "batch-1")
CANARY = 'cAnary/Secret+Value="1"&~' + "x7Kq" * 5
WINDOW = 12
"""So many characters of a secret in a row are a leak, however the rest was cut off or split."""

SIGN_IN_FAULTS = [
    *("trunc_after@on:token", "html@on:token", "status=500@on:token", "status=429@on:token", "rst@on:token"),
    *("raw={}@on:token", "raw=[@on:token", "html@on:discovery", "status=404@on:discovery", "drop_after@on:token"),
]
API_FAULTS = [
    *("drop_before@on:api", "drop_after@on:api", "rst@on:api", "html@on:api", "trunc_after@on:api", "claims"),
    *("status=401@on:api", "403=Forbidden", "status=500@on:api", "throttle=1@on:api", "empty_405@on:api"),
]


def leaks(text, secret):
    """Return the parts of ``secret``, in any of its forms, that ``text`` gives away."""
    return {part for form in _forms(secret) for part in _parts(form)} & _written(text)


def token_leaks(text, token):
    """As `leaks`, for a JWT: its signature in any form, and more of its claims than a date in base64."""
    _, claims, signature = token.split(".")
    return leaks(text, signature) | {
        claims[at : at + 24] for at in range(len(claims) - 24) if claims[at : at + 24] in text
    }


@cache
def _written(text):
    return _parts(text) | _windows(text)


def _parts(text):
    """Every window of a text from which line breaks, quotes and other signs of splitting have been taken."""
    return _windows("".join(char for char in text if char not in " \t\r\n'\"\\+,"))


def _windows(text):
    return {text[start : start + WINDOW] for start in range(max(1, len(text) - WINDOW + 1))}


def _forms(secret):
    data = secret.encode()
    yield from (secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1])
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + data).decode()[4:-4]
        yield from (encoded, encoded.replace("+", "-").replace("/", "_"))


@pytest.mark.parametrize("form", list(_forms(CANARY)))
def test_the_search_finds_a_secret_in_every_form(form):
    assert leaks(f"before {form} after", CANARY)
    assert leaks(f"before {form[:20]} cut", CANARY)
    assert leaks(f"before {form[:9]}\n {form[9:]}", CANARY)
    assert not leaks("nothing of the kind", CANARY)


@pytest.fixture
def evidence(caplog, capfd, monkeypatch, tmp_path):
    """Everything that was written: logs of a careless host, standard streams, tracebacks with locals, files."""
    caplog.set_level(logging.DEBUG)
    for name in ("msal", "urllib3", "requests", "defender_indicators"):
        caplog.set_level(logging.DEBUG, name)
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    texts = []

    def attempt(call, *args, **options):
        try:
            texts.append(repr(call(*args, **options)))
        except PackError as error:
            below = error.with_traceback(error.__traceback__.tb_next)  # this frame holds all that was told before
            told = traceback.TracebackException.from_exception(below, capture_locals=True)
            texts.extend(["".join(told.format()), repr(error), str(vars(error))])

    def written(*kept):
        streams = capfd.readouterr()
        files = [path for path in tmp_path.rglob("*") if path.is_file() and path not in kept]
        return "\n".join(
            [
                *texts,
                caplog.text,
                streams.out,
                streams.err,
                *(path.read_text("utf-8", "replace") for path in files),
                " ".join(psutil.Process().cmdline()),
            ]
        )

    attempt.written = written
    return attempt


def exercise(emulator, connector, attempt, faults):
    """Sign in and call under each fault, and print everything that can be printed on the way."""
    seen = []
    for fault in ["", *faults]:
        emulator.faults.clear()
        if fault:
            emulator.faults.add(fault)
        attempt(connector.sign_in, renew=True)
        attempt(connector.send, LIST)
        attempt(connector.send, IMPORT)
        attempt(connector.check)
        attempt(lambda: (connector, connector.profile, connector._token, connector._source, vars(connector)))
        if connector._token:
            seen.append(connector._token.secret.reveal())
    return seen


@pytest.mark.timeout(60)
def test_case_116_a_client_secret_and_the_tokens_appear_nowhere(connect, emulator, evidence, caplog, tmp_path):
    emulator.registration.secret, kept = CANARY, emulator.registration.secret
    try:
        profile = load_configuration(None, emulator.environment()).profile()
        connector = connect(profile=profile)
        seen = exercise(emulator, connector, evidence, [*SIGN_IN_FAULTS, *API_FAULTS])
        emulator.registration.secret = "another"
        evidence(connector.sign_in, renew=True)
        log = logging.getLogger("msal.application")
        log.error("Authorization: Bearer %s", seen[0])
        failure = ValueError(f"client_secret={CANARY}")
        logging.getLogger("urllib3.connectionpool").error("failed with %r", CANARY, exc_info=failure)
    finally:
        emulator.registration.secret = kept
    text = evidence.written()
    assert "POST" in caplog.text
    assert "msal" in caplog.text
    assert leaks(text, CANARY) == set()
    assert len(set(seen)) > 5
    assert [token[:9] for token in seen if token_leaks(text, token)] == []


@pytest.mark.timeout(60)
def test_case_116_a_private_key_and_its_password_appear_nowhere(sign_in_as, emulator, evidence, tmp_path, monkeypatch):
    made = emulator.new_certificate()
    key = serialization.load_pem_private_key(made.private_key.encode(), None)
    encrypted = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(CANARY.encode()),
    ).decode()
    plain, locked, odd = (tmp_path / name for name in ("plain.pem", "locked.pem", "odd.pem"))
    plain.write_text(made.combined_pem)
    locked.write_text(encrypted + made.pem)
    odd.write_text(made.private_key + emulator.new_certificate().pem[:200])
    for file in (plain, locked, odd):
        file.chmod(0o600)
    environ = {"KEY": CANARY, "WRONG": CANARY[::-1]}
    exercise(emulator, sign_in_as(certificate={"file": str(plain)}), evidence, SIGN_IN_FAULTS)
    for certificate in (
        {"file": str(locked), "password": {"env": "KEY"}},
        {"file": str(locked), "password": {"env": "WRONG"}},
        {"file": str(locked)},
        {"file": str(plain), "password": {"env": "KEY"}},
        {"file": str(odd)},
    ):
        connector = sign_in_as(environ, certificate=certificate)
        evidence(connector.sign_in)
        evidence(connector.check)
    text = evidence.written(plain, locked, odd)
    assert leaks(text, CANARY) == set()
    body = [line for line in made.private_key.splitlines() if not line.startswith("-")]
    assert [line for line in body[2:-1] if leaks(text, line)] == []


@pytest.mark.timeout(60)
def test_case_116_a_federated_token_appears_nowhere(sign_in_as, emulator, evidence, tmp_path):
    file = tmp_path / "token"
    token = emulator.new_issuer().token()
    file.write_text(token)
    exercise(emulator, sign_in_as(workload_identity={"token_file": str(file)}), evidence, SIGN_IN_FAULTS)
    assert token_leaks(evidence.written(file), token) == set()


@pytest.mark.timeout(60)
def test_case_116_a_proxys_password_appears_nowhere(connect, serve, faults, emulator, evidence):
    password = "cAnary" + "7Kqx" * 5
    for status in (200, 407, 403, 502):
        proxy = serve(faults.proxy(status), None)
        environ = emulator.environment() | {"DEFENDER_PROXY": f"http://user:{password}@127.0.0.1:{proxy.port}"}
        connector = connect(profile=load_configuration(None, environ).profile())
        exercise(emulator, connector, evidence, ["html@on:token", "rst@on:api"])
        assert proxy.hits
    assert leaks(evidence.written(), password) == set()


def test_case_116_kept_tokens_are_in_a_private_file_only(sign_in_as, emulator, evidence, tmp_path):
    connector = sign_in_as({"DEFENDER_CLIENT_SECRET": emulator.client_secret}, token_cache="file")
    evidence(connector.sign_in)
    kept = list((tmp_path / "tokens").iterdir())
    token = connector._token.secret.reveal()
    assert token in Path(kept[0]).read_text()
    assert token_leaks(evidence.written(*kept), token) == set()
