"""Which bodies and which rows are refused, and how."""

from __future__ import annotations

import json

import pytest

FULL = {
    "severity": "High",
    "application": "pack",
    "externalId": "di-1",
    "expirationTime": "2099-01-01T00:00:00.0Z",
    "recommendedActions": "none",
    "rbacGroupNames": ["servers"],
    "rbacGroupIds": [1],
    "generateAlert": True,
    "mitreTechniques": ["T1059"],
    "category": 1,
    "educateUrl": None,
    "lookBackPeriod": 7,
    "historicalDetection": False,
    "notificationId": 3,
    "bypassDurationHours": 1,
    "certificateInfo": {"issuer": "x", "sha256": None},
}


def failure(client, one):
    [result] = client.send(one).json()["value"]
    return result["failureReason"]


@pytest.mark.parametrize("wrong", [name for name, value in FULL.items() if value is not None])
def test_a_field_of_the_wrong_json_type_refuses_the_whole_call(client, row, wrong):
    answer = client.send(row("good.example.com"), row(**{**FULL, wrong: {"a": "b"}}))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidRequestBody")
    assert wrong in answer.json()["error"]["message"]
    assert client.emulator.rows() == []


def test_every_documented_field_is_taken_and_shown(client, row):
    assert failure(client, row(**FULL)) is None
    [stored] = client.call("GET").json()["value"]
    assert FULL.items() <= stored.items()
    assert stored["createdBy"] == client.emulator.client_id
    assert stored["createdBySource"] == "PublicApi"


@pytest.mark.parametrize(
    "change",
    [
        {"source": "x"},
        {"externalID": "x"},
        {"Title": "x"},
        {"action": "block"},
        {"action": None},
        {"indicatorType": "Sha256"},
        {"severity": "Critical"},
        {"generateAlert": "True"},
        {"rbacGroupNames": "servers"},
        {"expirationTime": "2099-01-01"},
        {"expirationTime": "2099-01-01T00:00:00"},
        {"expirationTime": "2099-02-29T00:00:00Z"},
        {"expirationTime": 4070908800},
        {"category": True},
        {"indicatorValue": 12},
    ],
)
def test_what_the_binder_cannot_read_refuses_the_whole_call(client, row, change):
    answer = client.send(row("good.example.com"), {**row(), **change})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidRequestBody")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"null",
        b'{"indicators":[]}',
        b'{"Indicators":{}}',
        b'{"Indicators":[],"x":1}',
        b'{"Indicators":[3]}',
    ],
)
def test_a_body_of_another_shape_is_refused(client, body):
    answer = client.call("POST", "/import", data=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidRequestBody")


def test_an_empty_list_is_refused(client):
    assert client.send().json()["error"]["code"] == "InvalidInput"


BAD_VALUES = {
    "FileSha256": ["ab" * 31, "zz" * 32, "ab" * 32 + "\n"],
    "FileSha1": ["ab" * 32, ""],
    "FileMd5": ["ab" * 20],
    "CertificateThumbprint": ["ab" * 16],
    "IpAddress": [
        *("10.0.0.1", "192.168.1.1", "100.64.0.1", "127.0.0.1", "224.0.0.1", "1.2.3.0/24", "1.2.3.4-9", "01.2.3.4"),
        *("2001:4860:4860::8888", "fe80:0:0:0:0:0:0:1", "evil.example.com", "1.2.3.4 "),
    ],
    "DomainName": ["com", "*.example.com", "evil.example.com:80", "https://evil.example.com", "a b.com", "1.2.3.4"],
    "Url": ["https://evil .com/", "ftp://evil.example.com", "https://", "https://evil.example.com/a b"],
    "WebCategory": ["gambling"],
    "ProcessMemorySimilarityHash": ["x"],
}
GOOD_VALUES = {
    "FileSha256": ["ab" * 32, "AB" * 32],
    "FileSha1": ["ab" * 20],
    "FileMd5": ["ab" * 16],
    "CertificateThumbprint": ["ab" * 20, "ab" * 32],
    "IpAddress": ["8.8.8.8", "2001:4860:4860:0:0:0:0:8888"],
    "DomainName": ["evil.example.com", "xn--bcher-kva.example", "a-b.co.uk"],
    "Url": ["https://evil.example.com/a?b#c", "http://8.8.8.8:8080/x", "evil.example.com/path"],
}


def pairs(table):
    return [(kind, value) for kind, values in table.items() for value in values]


@pytest.mark.parametrize(("kind", "value"), pairs(BAD_VALUES))
def test_a_bad_value_is_refused_as_a_row(client, row, kind, value):
    answer = client.send(row("good.example.com"), row(value, indicatorType=kind, action="Allowed"))
    good, bad = answer.json()["value"]
    assert (answer.status_code, good["isFailed"], bad["isFailed"], bad["id"]) == (200, False, True, None)
    assert bad["failureReason"]


@pytest.mark.parametrize(("kind", "value"), pairs(GOOD_VALUES))
def test_a_good_value_is_stored(client, row, kind, value):
    assert failure(client, row(value, indicatorType=kind, action="Allowed")) is None


@pytest.mark.parametrize(
    ("kind", "action", "taken"),
    [
        ("FileSha256", "BlockAndRemediate", True),
        ("DomainName", "BlockAndRemediate", False),
        ("IpAddress", "BlockAndRemediate", False),
        ("Url", "BlockAndRemediate", False),
        ("Url", "Warn", True),
        ("DomainName", "Alert", True),
        ("CertificateThumbprint", "BlockAndRemediate", True),
        ("CertificateThumbprint", "Block", False),
        ("CertificateThumbprint", "Warn", False),
    ],
)
def test_not_every_action_fits_every_type(client, row, kind, action, taken):
    assert (failure(client, row(GOOD_VALUES[kind][0], indicatorType=kind, action=action)) is None) is taken


@pytest.mark.parametrize(("alert", "taken"), [(True, True), (False, False), (..., False)])
def test_audit_needs_an_alert(client, row, alert, taken):
    assert (failure(client, row(action="Audit", generateAlert=alert)) is None) is taken


@pytest.mark.parametrize("name", ["title", "description", "indicatorType", "action", "indicatorValue"])
def test_a_required_field_must_be_there(client, row, name):
    assert name in failure(client, row(**{name: ...}))


def test_a_past_expiry_is_refused(start_emulator, connect, row, fake_clock):
    client = connect(start_emulator(clock=fake_clock))
    assert failure(client, row(expirationTime="2025-12-31T23:59:59Z")) == "expirationTime is in the past"
    assert failure(client, row(expirationTime="2026-01-01T00:00:01+00:00")) is None
    assert failure(client, row(expirationTime=None)) is None


def test_semantic_faults_may_refuse_the_whole_call(start_emulator, connect, row):
    emulator = start_emulator(semantic_faults="batch")
    answer = connect(emulator).send(row(), row("10.0.0.1", indicatorType="IpAddress"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidIpAddress")
    assert emulator.rows() == []


def test_md5_and_groups_are_switches(start_emulator, connect, row):
    client = connect(start_emulator(md5_supported=False, groups=("servers",), unknown_groups="refuse"))
    assert failure(client, row("ab" * 16, indicatorType="FileMd5")) == "MD5 hashes are not supported"
    assert failure(client, row(rbacGroupNames=["laptops"])) == "Unknown device group 'laptops'"
    assert failure(client, row(rbacGroupNames=["servers"])) is None


def test_microsofts_request_example_is_taken_in_its_own_year(start_emulator, connect, row, fake_clock):
    fake_clock.at = fake_clock.at.replace(year=2021)
    client = connect(start_emulator(clock=fake_clock))
    example = row("ab" * 20, indicatorType="FileSha1", action="Alert", rbacGroupNames=["group1"])
    assert failure(client, {**example, "expirationTime": "2021-12-12T00:00:00Z"}) is None


def test_an_answer_has_the_documented_shape(client, row):
    document = client.send(row()).json()
    assert document["@odata.context"].endswith(
        "/api/$metadata#Collection(microsoft.windowsDefenderATP.api.ImportIndicatorResult)"
    )
    number = document["value"][0]["id"]
    expected = {"id": number, "indicator": "evil.example.com", "isFailed": False, "failureReason": None}
    assert document["value"] == [expected]
    assert number.isdigit()


def test_one_indicator_is_submitted_by_itself(client, row):
    answer = client.call("POST", json=row())
    assert answer.status_code == 200
    assert answer.json()["indicatorValue"] == "evil.example.com"
    assert client.call("POST", json=row()).json()["id"] == answer.json()["id"]
    refused = client.call("POST", json=row("com"))
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "InvalidDomainName")
    assert client.call("POST", data=b"{").json()["error"]["code"] == "InvalidRequestBody"
    assert client.call("POST", data=json.dumps([row()])).json()["error"]["code"] == "InvalidRequestBody"
