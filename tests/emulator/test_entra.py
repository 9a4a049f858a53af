"""Sign-in, with the real MSAL wherever MSAL has a way."""

from __future__ import annotations

import time

import jwt
import msal
import pytest
import requests

from defender_indicators.emulator.credentials import new_certificate, read_certificate

SCOPES = ["https://api.securitycenter.microsoft.com/.default"]
CLIENT_ID = "0f3b1a4e-9c36-4be0-8f57-6d1f4e0c7a20"


@pytest.fixture
def http(emulator):
    with requests.Session() as session:
        session.trust_env, session.verify = False, emulator.ca_file
        yield session


def confidential(emulator, http, credential, tenant=""):
    return msal.ConfidentialClientApplication(
        emulator.client_id,
        client_credential=credential,
        authority=f"{emulator.authority}/{tenant or emulator.tenant_id}",
        instance_discovery=False,
        http_client=http,
    )


def calls_the_api(emulator, http, token):
    headers = {"Authorization": f"Bearer {token}"}
    return http.get(f"{emulator.url}/api/indicators", headers=headers, timeout=9).status_code


def unread(token):
    return jwt.decode(token, options={"verify_signature": False})


@pytest.mark.parametrize("tenant", ["", "contoso.onmicrosoft.com"])
def test_msal_signs_in_with_a_client_secret(emulator, http, tenant):
    result = confidential(emulator, http, emulator.client_secret, tenant).acquire_token_for_client(SCOPES)
    assert result["expires_in"] == 3599
    assert calls_the_api(emulator, http, result["access_token"]) == 200
    claims = unread(result["access_token"])
    assert claims["tid"] == emulator.tenant_id
    assert (claims["appid"], claims["roles"]) == (CLIENT_ID, ["Ti.ReadWrite.All"])


def test_the_published_key_verifies_the_token(emulator, http):
    result = confidential(emulator, http, emulator.client_secret).acquire_token_for_client(SCOPES)
    keys = http.get(f"{emulator.url}/{emulator.tenant_id}/discovery/v2.0/keys", timeout=9).json()["keys"]
    claims = jwt.decode(
        result["access_token"], jwt.PyJWK(keys[0]), ["ES256"], audience=SCOPES[0].removesuffix("/.default")
    )
    assert claims["appid"] == emulator.client_id


def test_msal_understands_a_wrong_secret(emulator, http):
    result = confidential(emulator, http, "wrong").acquire_token_for_client(SCOPES)
    assert result["error"] == "invalid_client"
    assert result["error_codes"] == [7000215]
    assert result["error_description"].startswith("AADSTS7000215: Invalid client secret provided")


@pytest.mark.parametrize("proof", ["thumbprint", "public_certificate"])
def test_msal_signs_in_with_a_certificate(emulator, http, proof):
    certificate = emulator.new_certificate()
    given = {"thumbprint": certificate.thumbprint, "public_certificate": certificate.pem}[proof]
    credential = {"private_key": certificate.private_key, proof: given}
    result = confidential(emulator, http, credential).acquire_token_for_client(SCOPES)
    assert calls_the_api(emulator, http, result["access_token"]) == 200


@pytest.mark.parametrize("days", [365, -1])
def test_a_certificate_nobody_registered_or_an_expired_one_is_refused(emulator, http, days):
    certificate = emulator.new_certificate(days=days) if days < 0 else new_certificate()
    credential = {"private_key": certificate.private_key, "public_certificate": certificate.pem}
    result = confidential(emulator, http, credential).acquire_token_for_client(SCOPES)
    assert (result["error"], result["error_codes"]) == ("invalid_client", [700027])


def test_a_combined_file_reads_back_as_the_same_certificate(emulator):
    certificate = emulator.new_certificate()
    assert read_certificate(certificate.combined_pem).thumbprint == certificate.thumbprint


@pytest.mark.parametrize(
    ("change", "number"),
    [
        ({"aud": "https://elsewhere.example"}, 700023),
        ({"exp": 1}, 700024),
        ({"iat": 99_999_999_999, "exp": 99_999_999_999}, 700024),
        ({}, None),
    ],
)
def test_the_claims_of_an_assertion_are_checked(emulator, http, connect, change, number):
    certificate = emulator.new_certificate()
    address = f"{emulator.url}/{emulator.tenant_id}/oauth2/v2.0/token"
    now = int(time.time())
    claims = {
        "iss": emulator.client_id,
        "sub": emulator.client_id,
        "aud": address,
        "iat": now,
        "exp": now + 60,
        **change,
    }
    thumbprint = {"x5t": jwt.utils.base64url_encode(bytes.fromhex(certificate.thumbprint)).decode()}
    answer = connect(emulator).token(**assertion(jwt.encode(claims, certificate.private_key, "RS256", thumbprint)))
    assert answer.json().get("error_codes", [None]) == [number]


def assertion(text):
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    return {"client_secret": "", "client_assertion": text, "client_assertion_type": kind}


def test_a_signature_by_another_key_is_refused(emulator, connect):
    certificate, address = emulator.new_certificate(), f"{emulator.url}/{emulator.tenant_id}/oauth2/v2.0/token"
    claims = {"iss": emulator.client_id, "aud": address, "exp": int(time.time()) + 60}
    thumbprint = {"x5t": jwt.utils.base64url_encode(bytes.fromhex(certificate.thumbprint)).decode()}
    forged = jwt.encode(claims, "a secret that is long enough for this algorithm", "HS256", thumbprint)
    assert connect(emulator).token(**assertion(forged)).json()["error_codes"] == [700027]
    assert connect(emulator).token(**assertion("rubbish")).json()["error_codes"] == [50027]


def test_msal_signs_in_with_a_federated_token(emulator, http):
    issuer = emulator.new_issuer()
    result = confidential(emulator, http, {"client_assertion": issuer.token}).acquire_token_for_client(SCOPES)
    assert calls_the_api(emulator, http, result["access_token"]) == 200


@pytest.mark.parametrize(
    ("change", "number"),
    [({"subject": "somebody"}, 700213), ({"audience": "x"}, 700212), ({"lifetime": -1}, 700024)],
)
def test_a_federated_token_for_something_else_is_refused(emulator, http, change, number):
    issuer = emulator.new_issuer()
    credential = {"client_assertion": lambda: issuer.token(**change)}
    result = confidential(emulator, http, credential).acquire_token_for_client(SCOPES)
    assert result["error_codes"] == [number]


def public(emulator, http):
    authority = f"{emulator.authority}/{emulator.tenant_id}"
    return msal.PublicClientApplication(
        emulator.client_id, authority=authority, instance_discovery=False, http_client=http
    )


def test_msal_signs_in_with_a_device_code_and_renews_silently(emulator, http):
    app = public(emulator, http)
    flow = app.initiate_device_flow(SCOPES)
    assert flow["user_code"] in flow["message"]
    result = app.acquire_token_by_device_flow(flow)
    claims = unread(result["access_token"])
    assert claims["scp"] == "Ti.ReadWrite"
    assert "roles" not in claims
    assert calls_the_api(emulator, http, result["access_token"]) == 200
    renewed = app.acquire_token_silent(SCOPES, account=app.get_accounts()[0], force_refresh=True)
    assert renewed["access_token"] != result["access_token"]


@pytest.mark.parametrize(("polls", "error"), [(1, "authorization_pending"), (-1, "authorization_declined")])
def test_a_device_code_can_wait_or_be_declined(start_emulator, connect, polls, error):
    client = connect(start_emulator(device_polls=polls))
    address = f"{client.emulator.url}/{client.emulator.tenant_id}/oauth2/v2.0/devicecode"
    flow = client.session.post(address, data={"client_id": CLIENT_ID, "scope": SCOPES[0]}, timeout=9).json()
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    asked = [client.token(grant_type=grant, device_code=flow["device_code"]).json() for _ in range(2)]
    assert asked[0]["error"] == error
    assert ("access_token" in asked[1]) == (polls == 1)
    assert client.token(grant_type=grant, device_code="unknown").json()["error"] == "expired_token"


@pytest.mark.parametrize("kind", ["virtual_machine", "app_service"])
def test_msal_signs_in_with_a_managed_identity(emulator, http, monkeypatch, kind):
    for name, value in emulator.managed_identity_environment(kind).items():
        monkeypatch.setenv(name, value)
    client = msal.ManagedIdentityClient(msal.SystemAssignedManagedIdentity(), http_client=http)
    result = client.acquire_token_for_client(resource=SCOPES[0].removesuffix("/.default"))
    assert calls_the_api(emulator, http, result["access_token"]) == 200


def test_the_identity_endpoint_wants_its_proof_and_a_known_identity(emulator, http):
    address = f"{emulator.identity_url}/metadata/identity/oauth2/token"
    assert http.get(address, timeout=9).status_code == 400
    assert http.get(address, headers={"X-IDENTITY-HEADER": "guess"}, timeout=9).status_code == 403
    answer = http.get(address, params={"client_id": "nobody"}, headers={"Metadata": "true"}, timeout=9)
    assert answer.json()["error_description"] == "Identity not found"


@pytest.mark.parametrize(
    ("form", "error", "number"),
    [
        ({"client_id": "nobody"}, "unauthorized_client", 700016),
        ({"client_secret": ""}, "invalid_client", 7000218),
        ({"grant_type": "password"}, "unsupported_grant_type", 70003),
        ({"scope": "https://api.securitycenter.microsoft.com/Ti.ReadWrite"}, "invalid_scope", 70011),
        ({"grant_type": "refresh_token", "refresh_token": "made up"}, "invalid_grant", 9002313),
    ],
)
def test_a_wrong_token_request_gets_its_aadsts_number(client, form, error, number):
    answer = client.token(**form)
    assert (answer.json()["error"], answer.json()["error_codes"]) == (error, [number])
    assert answer.status_code in (400, 401)


def test_an_unknown_tenant_is_named(emulator, http):
    address = f"{emulator.url}/fabrikam.example/v2.0/.well-known/openid-configuration"
    answer = http.get(address, timeout=9)
    assert answer.status_code == 400
    assert "AADSTS90002: Tenant 'fabrikam.example' not found" in answer.json()["error_description"]


@pytest.mark.parametrize(
    ("scope", "status"),
    [
        ("https://api.securitycenter.microsoft.com/.default", 200),
        ("https://securitycenter.onmicrosoft.com/windowsatpservice/.default", 200),
        ("https://api.security.microsoft.com/.default", 403),
        ("https://graph.microsoft.com/.default", 403),
    ],
)
def test_a_token_for_another_resource_lacks_the_roles(client, scope, status):
    client.sign_in(scope=scope)
    assert client.call("GET").status_code == status


def test_a_token_lives_as_long_as_the_setting_says(start_emulator, connect, fake_clock):
    client = connect(start_emulator(token_lifetime=299, clock=fake_clock))
    fake_clock.pass_time(298)
    assert client.call("GET").status_code == 200
    fake_clock.pass_time(1)
    assert client.call("GET").status_code == 401
    assert client.token().json()["expires_in"] == 299


@pytest.mark.parametrize("header", [None, "Bearer rubbish", "Basic dXNlcjpwYXNz"])
def test_without_a_token_of_ours_there_is_no_answer(emulator, http, header):
    headers = {"Authorization": header} if header else {}
    answer = http.get(f"{emulator.url}/api/indicators", headers=headers, timeout=9)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "Unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_of_another_emulator_is_not_ours(start_emulator, connect):
    stranger, client = connect(start_emulator()), connect(start_emulator())
    client.session.headers["Authorization"] = stranger.session.headers["Authorization"]
    assert client.call("GET").status_code == 401
