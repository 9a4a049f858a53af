"""What ``get`` and ``enrich`` print."""

import json

import pytest

SHA1 = "ab" * 20
ROW = {"indicatorType": "DomainName", "indicatorValue": "login.example.com", "title": "T", "description": "D"}
ALL = ("Ti.ReadWrite.All", "File.Read.All", "URL.Read.All", "Ip.Read.All", "Alert.Read.All")


def lines(ended):
    assert ended.code == 0, ended
    return ended.out.splitlines()


@pytest.fixture
def known(tenant):
    tenant.add_rows([ROW | {"action": "Block"}, ROW | {"action": "Allowed", "rbacGroupNames": ["Servers"]}])
    return tenant


def test_get_shows_every_row_of_a_value(known, spawn):
    head, columns, first, second = lines(spawn("get", "LOGIN[.]example[.]com"))
    assert head == "2 rows"
    assert columns.split()[:5] == ["id", "type", "value", "action", "scope"]
    assert first.split()[:4] == ["1", "DomainName", "login.example.com", "Block"]
    assert second.split()[:5] == ["2", "DomainName", "login.example.com", "Allowed", '["Servers"]']


def test_get_shows_the_row_with_an_id(known, spawn):
    head, _, row = lines(spawn("get", "--id", "2"))
    assert (head, row.split()[0]) == ("1 row", "2")


def test_get_says_when_there_is_none(tenant, spawn):
    assert lines(spawn("get", "other.example.com")) == ["not in the tenant"]


def test_get_prints_one_document(known, spawn):
    found = json.loads(spawn("get", "login.example.com", "--json").out)
    assert found["found"] == 2
    assert {row["createdBy"] for row in found["indicators"]} == {"analyst@contoso.example"}


def test_get_wants_a_value_or_an_id(tenant, spawn):
    ended = spawn("get")
    assert (ended.code, ended.err) == (2, "Error: get_indicator: give either an id or a value\n")


def test_enrich_shows_the_verdict_first_and_what_is_not_known_last(known, spawn):
    known.registration.roles = ("Ti.ReadWrite.All", "URL.Read.All")
    known.observe("login.example.com", devices=3, first_seen="2026-01-01T00:00:00Z")
    found = lines(spawn("enrich", "login.example.com"))
    assert found[0] == "login.example.com (DomainName): conflicting"
    assert found[4] == "prevalence: of login.example.com, days 30, devices 3, first seen 2026-01-01T00:00:00Z"
    assert found[5:7] == ["alerts: 0", "not known:"]
    assert found[-1].startswith("alerts")
    assert "Alert.Read.All" in found[-1]


def test_enrich_shows_what_defender_holds_a_file_for_and_counts_alerts(tenant, spawn):
    tenant.registration.roles = ALL
    alerts = [{"id": f"a{n}", "title": "Seen", "alertCreationTime": f"2026-01-{n:02}"} for n in range(1, 23)]
    tenant.observe(SHA1, file={"sha1": SHA1, "determinationType": "Malware"}, alerts=alerts)
    found = lines(spawn("enrich", SHA1))
    assert found[:4] == [
        f"{SHA1} (FileSha1): not in tenant",
        f"prevalence: of {SHA1}, days 30, devices 0",
        f"file: sha1 {SHA1}, determinationType Malware",
        "alerts: 22, the newest 20",
    ]
    assert found[5].split() == ["2026-01-22", "a22", "Seen"]
    assert len(found) == 25


def test_enrich_takes_a_type_and_prints_one_document(tenant, spawn):
    found = json.loads(spawn("enrich", SHA1, "--type", "CertificateThumbprint", "--json").out)
    assert (found["type"], found["verdict"]) == ("CertificateThumbprint", "not_in_tenant")


def test_what_the_service_says_cannot_drive_a_terminal(tenant, spawn):
    tenant.add_rows([ROW | {"action": "Block", "title": "\x1b[2Jgone"}])
    for command in ("get", "enrich"):
        assert "\x1b" not in spawn(command, "login.example.com").out
