"""What the tenant knows of one observable, through the real connector."""

from datetime import UTC, datetime

import pytest

from defender_indicators import enrichment
from defender_indicators.emulator.faults import LOOKUPS
from defender_indicators.errors import AuthenticationError, InputError
from defender_indicators.pack import run_action

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SHA1, SHA256, MD5 = "ab" * 20, "cd" * 32, "ef" * 16
LOOK = ("File.Read.All", "URL.Read.All", "Ip.Read.All", "Alert.Read.All")
BLOCK = {"indicatorType": "DomainName", "action": "Block", "title": "T", "description": "D"}
ALERT = {
    "id": "da1_1",
    "title": "Malware",
    "severity": "High",
    "status": "New",
    "alertCreationTime": "2026-02-01T00:00:00Z",
}
SHOWN = {"id": "da1_1", "title": "Malware", "severity": "High", "status": "New", "time": "2026-02-01T00:00:00Z"}
SEEN = {"devices": 3, "first_seen": "2026-01-01T00:00:00Z", "last_seen": "2026-02-01T00:00:00Z", "alerts": [ALERT]}
FILE = {
    "sha1": SHA1,
    "sha256": SHA256,
    "md5": MD5,
    "globalPrevalence": 900,
    "signer": "Example Ltd",
    "globalFirstObserved": "2020-01-01T00:00:00Z",
    "determinationType": "Malware",
    "size": 7,
}
OURS = {"days": 30, "devices": 3, "first_seen": "2026-01-01T00:00:00Z", "last_seen": "2026-02-01T00:00:00Z"}


@pytest.fixture
def tenant(start_emulator):
    """A tenant whose application may look at everything, and that has seen a file, a domain and an address."""
    emulator = start_emulator(roles=("Ti.ReadWrite.All", *LOOK))
    emulator.observe(SHA1, file=FILE, **SEEN)
    emulator.observe("login.example.com", **SEEN)
    emulator.observe("203.0.113.7", **SEEN)
    return emulator


@pytest.fixture
def enrich(pack, tenant, open_live, monkeypatch):
    """Return a function that enriches a value as an application with these roles; nobody waits."""

    def run(value, *, roles=("Ti.ReadWrite.All", *LOOK), **inputs):
        tenant.registration.roles = roles
        context = open_live(tenant)
        monkeypatch.setattr(context.stop, "sleep", lambda _: True)
        return run_action(pack, "enrich_indicator", {"value": value, **inputs}, context)

    return run


def looked_up(emulator):
    return [arrival for arrival in emulator.arrivals if arrival.endpoint in LOOKUPS]


def test_the_manifest_names_every_verdict(pack):
    outputs = pack.action("enrich_indicator").outputs["properties"]
    assert set(outputs["verdict"]["enum"]) == set(enrichment.VERDICTS)


@pytest.mark.parametrize(
    ("actions", "verdict"),
    [
        ([], "not_in_tenant"),
        (["Block"], "blocked"),
        (["Block", "BlockAndRemediate", "AlertAndBlock"], "blocked"),
        (["Warn"], "warned"),
        (["Audit", "Alert"], "audited"),
        (["Allowed"], "allowed"),
        (["Allowed", "Block"], "conflicting"),
        (["Audit", "Warn"], "conflicting"),
        (["Quarantine"], "unknown"),
        (["Quarantine", "Block"], "conflicting"),
    ],
    ids=" ".join,
)
def test_the_verdict_is_what_the_rows_do_together(enrich, tenant, actions, verdict):
    tenant.add_rows([BLOCK | {"indicatorValue": "login.example.com", "action": action} for action in actions])
    found = enrich("login.example.com")
    assert found["verdict"] == verdict
    assert [row["action"] for row in found["in_tenant"]] == actions


def test_rows_say_who_made_them_and_when_they_end(enrich, tenant):
    row = BLOCK | {"indicatorValue": "login.example.com", "expirationTime": "2099-01-01T00:00:00Z"}
    tenant.add_rows([row], created_by="soc@contoso.example")
    (found,) = enrich("login[.]example[.]com")["in_tenant"]
    assert (found["createdBy"], found["createdByDisplayName"]) == ("soc@contoso.example", "soc@contoso.example")
    assert (found["expirationTime"], found["scope"], found["title"]) == ("2099-01-01T00:00:00Z", "", "T")


@pytest.mark.parametrize("value", [SHA1, SHA256, SHA256.upper(), MD5], ids=["sha1", "sha256", "upper case", "md5"])
def test_a_file_is_known_by_each_of_its_hashes(enrich, value):
    found = enrich(value)
    more = {"global_devices": 900, "global_first_seen": "2020-01-01T00:00:00Z"}
    assert found["prevalence"] == {"of": value.lower(), **OURS, **more}
    known = {"sha1": SHA1, "sha256": SHA256, "md5": MD5, "signer": "Example Ltd", "determinationType": "Malware"}
    assert found["file"] == known
    assert (found["alerts"], found["alerts_total"], found["gaps"]) == ([SHOWN], 1, [])


def test_statistics_and_alerts_are_asked_for_by_sha1(enrich, tenant):
    enrich(SHA256)
    paths = [f"/api/files/{SHA256}", f"/api/files/{SHA1}/stats", f"/api/files/{SHA1}/alerts"]
    assert [call.path for call in looked_up(tenant)] == paths


@pytest.mark.parametrize(
    ("value", "kind", "of"),
    [
        ("login.example.com", "DomainName", "login.example.com"),
        ("203.0.113.7", "IpAddress", "203.0.113.7"),
        ("hxxps://login.example.com/a?b", "Url", "login.example.com"),
        ("http://203.0.113.7:8080/a", "Url", "203.0.113.7"),
    ],
)
def test_names_and_addresses_are_counted_and_of_a_url_the_host(enrich, value, kind, of):
    found = enrich(value)
    assert found["type"] == kind
    assert found["prevalence"] == {"of": of, **OURS}
    assert (found["alerts"], found["file"], found["gaps"]) == ([SHOWN], {}, [])


@pytest.mark.parametrize("value", ["other.example.com", "203.0.113.8", "2001:db8::7", "ee" * 20, "ftp.example.com"])
def test_what_nobody_has_met_is_on_no_device(enrich, value):
    found = enrich(value)
    assert found["verdict"] == "not_in_tenant"
    assert found["prevalence"]["devices"] == 0
    assert "first_seen" not in found["prevalence"]
    assert (found["alerts"], found["alerts_total"], found["gaps"]) == ([], 0, [])


def test_an_unknown_file_has_no_sha1_to_find_alerts_by(enrich, tenant):
    found = enrich("ee" * 32)
    assert found["prevalence"]["devices"] == 0
    assert [(gap["what"], gap["remedy"]) for gap in found["gaps"]] == [("alerts", "ask by SHA-1")]
    assert [call.endpoint for call in looked_up(tenant)] == ["file"]


def test_a_certificate_is_looked_up_in_the_tenant_only(enrich, tenant):
    rows = [{"indicatorType": kind, "indicatorValue": SHA1} for kind in ("CertificateThumbprint", "FileSha1")]
    tenant.add_rows([BLOCK | rows[0] | {"action": "Allowed"}, BLOCK | rows[1]])
    found = enrich(":".join(["ab"] * 20), type="CertificateThumbprint")
    assert (found["value"], found["verdict"]) == (SHA1, "allowed")
    assert [gap["what"] for gap in found["gaps"]] == ["prevalence", "alerts"]
    assert (found["prevalence"], looked_up(tenant)) == ({}, [])


@pytest.mark.parametrize("value", ["10.0.0.1", "127.0.0.1", "co.uk"])
def test_what_cannot_be_blocked_can_still_be_looked_up(enrich, tenant, value):
    tenant.observe(value, devices=9)
    found = enrich(value)
    assert (found["value"], found["prevalence"]["devices"]) == (value, 9)


def test_the_newest_twenty_alerts_are_shown_and_all_are_counted(enrich, tenant):
    alerts = [ALERT | {"id": str(day), "alertCreationTime": f"2026-01-{day:02}T00:00:00Z"} for day in range(1, 26)]
    odd = [{"id": 7, "title": None}, "no alert"]
    tenant.observe("busy.example.com", alerts=[*alerts, *odd])
    found = enrich("busy.example.com")
    assert [alert["id"] for alert in found["alerts"]] == [str(day) for day in range(25, 5, -1)]
    assert found["alerts_total"] == 26


@pytest.mark.parametrize(
    ("value", "missing", "what"),
    [
        (SHA1, "File.Read.All", "prevalence"),
        ("login.example.com", "URL.Read.All", "prevalence"),
        ("203.0.113.7", "Ip.Read.All", "prevalence"),
        (SHA1, "Alert.Read.All", "alerts"),
        ("login.example.com", "Alert.Read.All", "alerts"),
        ("203.0.113.7", "Alert.Read.All", "alerts"),
    ],
)
def test_a_missing_permission_is_a_gap_that_names_it(enrich, tenant, value, missing, what):
    tenant.add_rows([BLOCK | {"indicatorValue": value}])
    found = enrich(value, roles=tuple({"Ti.ReadWrite.All", *LOOK} - {missing}))
    (gap,) = found["gaps"]
    assert gap["what"] == what
    assert missing in gap["reason"]
    assert missing in gap["remedy"]
    assert found["verdict"] == "blocked"
    assert [name for name in ("prevalence", "alerts") if not found[name]] == [what]


def test_nobody_can_say_what_the_tenant_does_without_a_permission_to_list(enrich):
    found = enrich("login.example.com", roles=LOOK)
    assert (found["verdict"], found["in_tenant"], found["prevalence"]["devices"]) == ("unknown", [], 3)
    assert [gap["what"] for gap in found["gaps"]] == ["in_tenant"]
    assert "Ti.ReadWrite.All" in found["gaps"][0]["remedy"]


@pytest.mark.parametrize(("own", "verdict"), [(False, "unknown"), (True, "blocked")])
def test_who_sees_own_rows_only_cannot_say_that_there_is_none(enrich, tenant, own, verdict):
    creator = tenant.client_id if own else "soc@contoso.example"
    tenant.add_rows([BLOCK | {"indicatorValue": "login.example.com"}], created_by=creator)
    found = enrich("login.example.com", roles=("Ti.ReadWrite", *LOOK))
    assert found["verdict"] == verdict
    assert [gap["what"] for gap in found["gaps"]] == ["in_tenant"]


@pytest.mark.parametrize("fault", ["500_before", "status=400:InvalidInput", "html", "drop_after", "status=418"])
def test_statistics_that_fail_are_a_gap_and_the_verdict_stands(enrich, tenant, fault):
    tenant.add_rows([BLOCK | {"indicatorValue": "login.example.com"}])
    tenant.faults.add(f"{fault}@on:domain_stats")
    found = enrich("login.example.com")
    assert (found["verdict"], found["prevalence"], found["alerts_total"]) == ("blocked", {}, 1)
    assert [gap["what"] for gap in found["gaps"]] == ["prevalence"]


def test_what_the_service_adds_or_leaves_out_is_no_matter():
    answers = {
        "/api/indicators": {"value": [None, {"id": 1}]},
        "/stats": {"organizationPrevalence": None, "orgFirstSeen": 7, "new": {}},
        "/alerts": {"value": None},
    }

    def read(path):
        return next(answer for part, answer in answers.items() if part in path)

    found = enrichment.enrich("login.example.com", "", read, lambda: True, NOW)
    assert found["prevalence"] == {"of": "login.example.com", "days": 30}
    assert (found["verdict"], found["alerts"], found["gaps"]) == ("not_in_tenant", [], [])


def test_a_token_that_is_never_taken_is_an_error(enrich, tenant):
    tenant.faults.add("status=401@on:api")
    with pytest.raises(AuthenticationError, match="enrich_indicator: GET /api/indicators"):
        enrich("login.example.com")


@pytest.mark.parametrize(
    ("value", "kind", "reason"),
    [
        ("what is this", "", "name its type"),
        ("203.0.113.0/24", "", "single addresses"),
        ("*.example.com", "", "Wildcards"),
        (SHA256, "FileSha1", "hex digits"),
        ("login.example.com\u202e", "DomainName", "invisible"),
        (" ", "", "name its type"),
    ],
)
def test_what_could_not_be_an_indicator_is_an_input_error(enrich, tenant, value, kind, reason):
    with pytest.raises(InputError, match=f"enrich_indicator: value: .*{reason}"):
        enrich(value, type=kind)
    assert tenant.arrivals == []


def test_nothing_is_written(enrich, tenant):
    for value in (SHA1, "login.example.com", "203.0.113.7", "https://login.example.com/"):
        enrich(value)
    assert {call.method for call in tenant.arrivals if call.endpoint not in {"token", "discovery", "keys"}} == {"GET"}
    assert tenant.rows() == []
