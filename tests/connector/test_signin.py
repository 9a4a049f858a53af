import base64
import json
import logging
import stat
import threading
import time
from datetime import UTC, datetime, timedelta

import msal
import pytest
from cryptography.hazmat.primitives import serialization

from defender_indicators.certificate import load_certificate
from defender_indicators.configuration import load_configuration
from defender_indicators.credentials import Certificate
from defender_indicators.delivery.answer import Call, Failure
from defender_indicators.emulator import Emulator, Settings
from defender_indicators.errors import (
    AuthenticationError,
    ConfigurationError,
    ServerError,
    ThrottledError,
    TransportError,
)
from defender_indicators.secret_sources import SecretSource
from defender_indicators.signin import SignInHttp, refusal, tenant_guid
from defender_indicators.tokens import Token

LIST = Call("GET", "/api/indicators?$top=1")
TRUSTED = "DEFENDER_CA_BUNDLE"


def tokens(emulator):
    return sum(arrival.endpoint == "token" for arrival in emulator.arrivals)


@pytest.fixture
def by_secret(sign_in_as, emulator):
    def make(environ=None, **options):
        return sign_in_as({"DEFENDER_CLIENT_SECRET": emulator.client_secret} | (environ or {}), **options)

    return make


@pytest.fixture
def certificate_file(emulator, tmp_path):
    path = tmp_path / "client.pem"
    path.write_text(emulator.new_certificate().combined_pem)
    path.chmod(0o600)
    return path


def test_a_client_secret_signs_in(by_secret, emulator):
    connector = by_secret()
    connector.sign_in()
    assert connector.roles() == {"Ti.ReadWrite.All"}
    assert connector.send(LIST).status == 200
    assert tokens(emulator) == 1


def test_a_certificate_signs_in_with_its_sha256_thumbprint(sign_in_as, certificate_file):
    connector = sign_in_as(certificate={"file": str(certificate_file)})
    assert connector.send(LIST).status == 200


def test_a_chain_in_the_file_is_sent_along(certificate_file, emulator):
    certificate_file.write_text(certificate_file.read_text() + emulator.new_certificate().pem)
    loaded = load_certificate(Certificate(certificate_file))
    header = json.loads(_unpack(loaded.assertion("app", "https://endpoint", datetime.now(UTC)).split(".")[0]))
    assert (header["alg"], len(header["x5c"]), "x5t" in header) == ("PS256", 2, False)


def _unpack(part):
    return base64.urlsafe_b64decode(part + "==")


def test_a_further_tenant_with_the_same_certificate_does_not_load_the_key_again(certificate_file, mocker):
    credential = Certificate(certificate_file)
    load_certificate(credential)
    parse = mocker.spy(serialization, "load_pem_private_key")
    started = time.thread_time()
    serialization.load_pem_private_key(certificate_file.read_bytes(), None)
    loading, costs = time.thread_time() - started, []
    for _ in range(10):
        started = time.thread_time()
        load_certificate(credential).assertion("app", "https://endpoint", datetime.now(UTC))
        costs.append(time.thread_time() - started)
    assert parse.call_count == 1
    assert min(costs) < loading / 5


def test_a_federated_token_file_is_read_at_every_sign_in(sign_in_as, emulator, tmp_path):
    file = tmp_path / "token"
    issuer = emulator.new_issuer()
    file.write_text(issuer.token())
    connector = sign_in_as({"AZURE_FEDERATED_TOKEN_FILE": str(file)})
    assert connector.send(LIST).status == 200
    file.write_text(issuer.token(subject="somebody else"))
    with pytest.raises(AuthenticationError):
        connector.sign_in(renew=True)
    file.write_text(issuer.token())
    connector.sign_in(renew=True)
    file.unlink()
    with pytest.raises(ConfigurationError, match="no federated token there"):
        connector.sign_in(renew=True)
    assert sign_in_as({"AZURE_FEDERATED_TOKEN_FILE": str(file)}).send(LIST).failure is Failure.FATAL


@pytest.mark.parametrize("kind", ["virtual_machine", "app_service"])
def test_a_managed_identity_signs_in_and_names_itself(sign_in_as, emulator, monkeypatch, kind):
    for name, value in emulator.managed_identity_environment(kind).items():
        monkeypatch.setenv(name, value)
    connector = sign_in_as(managed_identity={})
    assert connector.send(LIST).status == 200
    assert connector.identity() == ("commercial", emulator.tenant_id, emulator.client_id)
    connector.sign_in(renew=True)
    assert connector.check()["ok"]
    other = sign_in_as(managed_identity={"client_id": "11111111-2222-3333-4444-555555555555"})
    with pytest.raises(AuthenticationError):
        other.sign_in()


def test_a_person_signs_in_once_and_later_runs_use_the_kept_token(sign_in_as, emulator, tmp_path, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda _: None)  # MSAL waits a second between two polls
    shown = []
    settings = {"device_code": {}, "token_cache": "file"}
    first = sign_in_as(prompt=shown.append, **settings)
    assert first.send(LIST).status == 200
    assert "enter the code" in shown[0]
    assert first.roles() == {"Ti.ReadWrite"}
    later = sign_in_as(**settings)
    assert later.send(LIST).status == 200
    later.sign_in(renew=True)
    assert len(shown) == 1
    file = next((tmp_path / "tokens").iterdir())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text("not json")
    nobody = sign_in_as(**settings)
    with pytest.raises(AuthenticationError, match="nobody is signed in; run test-connection"):
        nobody.sign_in()


def test_a_kept_token_spares_the_next_run_a_sign_in(by_secret, emulator):
    by_secret(token_cache="file").sign_in()
    by_secret(token_cache="file").sign_in()
    assert tokens(emulator) == 1


def test_a_domain_name_is_resolved_to_the_tenants_guid(by_secret, emulator):
    connector = by_secret({"DEFENDER_TENANT_ID": emulator.settings.tenant_domain})
    assert connector.identity() == ("commercial", emulator.tenant_id, emulator.client_id)
    assert connector.identity().tenant == emulator.tenant_id
    assert [arrival.endpoint for arrival in emulator.arrivals] == ["discovery"]


def test_an_unknown_tenant_says_what_to_check(by_secret):
    connector = by_secret({"DEFENDER_TENANT_ID": "nobody.example"})
    for call in (connector.sign_in, connector.identity):
        with pytest.raises(AuthenticationError, match=r"AADSTS90002.*check DEFENDER_TENANT_ID and DEFENDER_CLOUD"):
            call()


def test_a_wrong_secret_says_what_to_check_and_is_read_again(emulator, tmp_path, sign_in_as):
    file = tmp_path / "secret"
    file.write_text("wrong-secret-value")
    file.chmod(0o600)
    connector = sign_in_as({"DEFENDER_CLIENT_SECRET_FILE": str(file)})
    with pytest.raises(AuthenticationError, match=r"AADSTS7000215.*the secret's value, not its id") as caught:
        connector.sign_in()
    assert caught.value.request_id
    assert connector.send(LIST).failure is Failure.FATAL
    file.write_text(emulator.client_secret)
    connector.sign_in()
    assert connector.send(LIST).status == 200


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("status=429@on:token", ThrottledError),
        ("status=503@on:token", ServerError),
        ("status=500@on:discovery", ServerError),
        ("html@on:token", TransportError),
        ("html@on:discovery", TransportError),
        ("trunc_after@on:token", TransportError),
        ("drop_before@on:token", TransportError),
        ("rst@on:discovery", TransportError),
        ("raw={}@on:token", AuthenticationError),
        ("raw=[]@on:token", TransportError),
        ('raw={"access_token":@on:token', TransportError),
    ],
)
def test_a_sign_in_service_in_trouble_is_told_from_wrong_credentials(by_secret, emulator, fault, error):
    connector = by_secret()
    emulator.faults.add(fault)
    with pytest.raises(error) as caught:
        connector.sign_in()
    assert "127.0.0.1" in str(caught.value) or "sign-in" in str(caught.value)
    assert connector.send(LIST).failure is (Failure.NOT_SENT if error.retryable else Failure.FATAL)
    emulator.faults.clear()
    connector.sign_in()
    assert connector.send(LIST).status == 200


def test_the_sign_in_host_must_be_trusted_too(by_secret):
    connector = by_secret({TRUSTED: ""})
    with pytest.raises(AuthenticationError, match=r"127\.0\.0\.1.*--ca-bundle or DEFENDER_CA_BUNDLE"):
        connector.sign_in()


def test_case_046_a_renewed_sign_in_drops_the_token_that_was_refused(by_secret, emulator):
    connector = by_secret()
    emulator.faults.add("expire_token_after=3")
    answers = [connector.send(LIST).status for _ in range(4)]
    assert answers == [200, 200, 200, 401]
    connector.sign_in()
    assert connector.send(LIST).status == 401
    connector.sign_in(renew=True)
    assert connector.send(LIST).status == 200
    assert tokens(emulator) == 2


def test_case_047_a_claims_challenge_is_passed_on_once(by_secret, emulator):
    connector = by_secret()
    emulator.faults.add("claims")
    challenged = connector.send(LIST)
    assert challenged.status == 401
    assert "claims=" in challenged.headers["www-authenticate"]
    connector.sign_in(renew=True, claims='{"access_token":{"nbf":{"essential":true,"value":"1"}}}')
    assert connector.send(LIST).status == 200
    assert tokens(emulator) == 2


def test_case_065_a_wrong_clock_is_warned_about_once(by_secret, emulator, caplog):
    emulator.faults.add("date_skew=600")
    connector = by_secret()
    connector.sign_in()
    connector.send(LIST)
    warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "600 s behind the service's; set the clock" in warnings[0]
    assert connector.check()["clock_skew_seconds"] == pytest.approx(-600, abs=2)


def test_case_065_a_refused_assertion_is_explained_by_the_clock(sign_in_as, certificate_file, emulator):
    emulator.faults.add("date_skew=6000")
    connector = sign_in_as(certificate={"file": str(certificate_file)})
    with pytest.raises(AuthenticationError, match=r"AADSTS700024.*set this machine's clock"):
        connector.sign_in()


@pytest.fixture
def short_lived(connect):
    with Emulator(Settings(token_lifetime=299, limits=False)) as running:
        yield (
            running,
            lambda clock: connect(profile=load_configuration(None, running.environment()).profile(), clock=clock),
        )


def test_case_066_short_lived_tokens_cause_no_storm_and_a_warning(short_lived, clock, caplog):
    emulator, make = short_lived
    connector = make(clock)
    for _ in range(5):
        connector.sign_in()
        connector.send(LIST)
    assert tokens(emulator) == 1
    assert sum("tokens live 299 s only" in record.message for record in caplog.records) == 1
    clock.up += 150
    connector.sign_in()
    assert tokens(emulator) == 2


def test_case_067_a_token_is_renewed_before_its_end_by_the_clock_that_never_jumps(by_secret, emulator, clock):
    connector = by_secret(clock=clock)
    connector.sign_in()
    clock.calendar -= timedelta(hours=3)
    connector.sign_in()
    assert tokens(emulator) == 1
    clock.up += 56 * 60
    connector.sign_in()
    assert tokens(emulator) == 2
    assert connector.send(LIST).status == 200


def test_four_threads_may_sign_in_at_once(by_secret, emulator):
    connector = by_secret()
    threads = [threading.Thread(target=connector.sign_in) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tokens(emulator) == 1


def test_unforeseen_trouble_in_msal_is_a_retryable_error_without_its_text(by_secret, mocker):
    connector = by_secret()
    mocker.patch.object(
        msal.ConfidentialClientApplication, "acquire_token_for_client", side_effect=RuntimeError("s3cret inside")
    )
    with pytest.raises(TransportError, match="RuntimeError") as caught:
        connector.sign_in()
    assert "s3cret" not in str(caught.value)
    assert caught.value.__context__ is None


def test_an_answer_without_a_description_is_still_explained():
    assert "no token in the answer; check tenant" in str(refusal("sign-in", {}))
    assert isinstance(refusal("sign-in", {"error": "temporarily_unavailable"}), ServerError)


@pytest.mark.parametrize(("days", "text"), [(10, "expires on"), (-3, "expired on"), (200, "")])
def test_a_certificate_about_to_end_is_warned_about(sign_in_as, emulator, tmp_path, days, text):
    path = tmp_path / "soon.pem"
    path.write_text(emulator.new_certificate(days=days).combined_pem)
    path.chmod(0o600)
    connector = sign_in_as(certificate={"file": str(path)})
    warnings = connector.check()["warnings"]
    assert len(warnings) == bool(text)
    assert all(text in warning and "soon.pem" in warning for warning in warnings)


def test_a_client_secret_about_to_end_is_warned_about(sign_in_as, emulator, tmp_path, caplog):
    file = tmp_path / "secret"
    file.write_text(emulator.client_secret)
    file.chmod(0o600)
    soon = f"{datetime.now(UTC) + timedelta(days=9):%Y-%m-%d}"
    connector = sign_in_as(client_secret={"file": str(file)}, client_secret_expires=soon)
    connector.sign_in()
    assert f"the client secret expires on {soon}" in caplog.text


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ("{key}", "holds no certificate"),
        ("{key}{other}", "the private key does not belong to the certificate"),
        ("{elliptic}{cert}", "not an RSA key"),
        ("nothing", "the private key cannot be read"),
        ("{key}{cert}", "has no password; remove certificate.password"),
    ],
)
def test_a_certificate_file_that_cannot_work_says_why(emulator, authority, tmp_path, content, cause):
    made, other = emulator.new_certificate(), authority.issue_cert("client.example")
    path = tmp_path / "client.pem"
    path.write_text(
        content.format(
            key=made.private_key,
            cert=made.pem,
            other=other.cert_chain_pems[0].bytes().decode(),
            elliptic=other.private_key_pem.bytes().decode(),
        )
    )
    path.chmod(0o600)
    password = SecretSource("env", "P", {"P": "a password"}) if "password" in cause else None
    with pytest.raises(ConfigurationError, match=cause) as caught:
        load_certificate(Certificate(path, password))
    assert str(caught.value).startswith(str(path))


def test_an_empty_federated_token_is_a_configuration_error(sign_in_as, tmp_path):
    (tmp_path / "token").write_text("\n")
    with pytest.raises(ConfigurationError, match="the federated token is empty"):
        sign_in_as(workload_identity={"token_file": str(tmp_path / "token")}).sign_in()


def test_a_token_that_is_not_a_jwt_shows_no_roles():
    assert Token.from_result({"access_token": "opaque", "expires_in": 60}).roles == frozenset()


def test_an_authority_that_is_no_single_tenant_cannot_be_named(serve, faults, http):
    server = serve(faults.answer(b'{"issuer":"https://sts.example/{tenantid}/"}'))
    with pytest.raises(AuthenticationError, match="common is not one tenant; give its GUID"):
        tenant_guid(SignInHttp(http()), server.url, "common")
