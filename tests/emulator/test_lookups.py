"""Files, domains, addresses and device groups, as the tenant knows them."""

from __future__ import annotations

import pytest

SHA1, SHA256 = "a" * 40, "b" * 64
ALL = (
    *("Ti.ReadWrite.All", "File.Read.All", "URL.Read.All", "Ip.Read.All", "Alert.Read.All", "Score.Read.All"),
    "Alert.ReadWrite.All",
)
ALERT = {"id": "da1_2", "title": "Malware", "severity": "High", "status": "New"}
PATHS = {
    "file": f"files/{SHA1}",
    "file_stats": f"files/{SHA1}/stats",
    "file_alerts": f"files/{SHA1}/alerts",
    "domain_stats": "domains/a.example.com/stats",
    "domain_alerts": "domains/a.example.com/alerts",
    "ip_stats": "ips/203.0.113.7/stats",
    "ip_alerts": "ips/203.0.113.7/alerts",
    "groups": "exposureScore/ByMachineGroups",
}
PERMISSIONS = {
    "file": ["File.Read.All"],
    "file_stats": ["File.Read.All"],
    "file_alerts": ["Alert.Read.All", "Alert.ReadWrite.All"],
    "domain_stats": ["URL.Read.All"],
    "domain_alerts": ["Alert.Read.All", "Alert.ReadWrite.All"],
    "ip_stats": ["Ip.Read.All"],
    "ip_alerts": ["Alert.Read.All", "Alert.ReadWrite.All"],
    "groups": ["Score.Read.All"],
}


@pytest.fixture
def observed(start_emulator, connect):
    emulator = start_emulator(roles=ALL, groups=("Servers", "Office"))
    seen = {"devices": 3, "first_seen": "2026-01-01T00:00:00Z", "last_seen": "2026-02-01T00:00:00Z", "alerts": [ALERT]}
    emulator.observe(SHA1, file={"sha1": SHA1, "sha256": SHA256, "globalPrevalence": 90}, **seen)
    emulator.observe("a.example.com", **seen)
    emulator.observe("203.0.113.7", **seen)
    return connect(emulator)


def get(client, path, version="/api"):
    return client.session.get(f"{client.emulator.url}{version}/{path}", timeout=9)


def test_a_file_is_found_by_each_of_its_hashes_in_any_case(observed):
    found = [get(observed, f"files/{spelt}").json() for spelt in (SHA1, SHA1.upper(), SHA256)]
    assert [one["sha256"] for one in found] == [SHA256] * 3
    assert found[0]["determinationValue"] is None


def test_statistics_of_a_file_say_how_widespread_it_is(observed):
    body = get(observed, PATHS["file_stats"]).json()
    assert (body["sha1"], body["organizationPrevalence"], body["globallyPrevalence"]) == (SHA1, 3, 90)
    assert (body["orgFirstSeen"], body["orgLastSeen"]) == ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")


@pytest.mark.parametrize(("name", "key"), [("domain_stats", "host"), ("ip_stats", "ipAddress")])
def test_statistics_of_a_name_or_address_count_the_devices(observed, name, key):
    body = get(observed, PATHS[name], "/api/v1.0").json()
    assert (body[key], body["organizationPrevalence"]) == (PATHS[name].split("/")[1], 3)


def test_what_nobody_has_seen_is_a_404_for_files_and_nothing_for_the_rest(observed):
    assert get(observed, f"files/{'c' * 40}").status_code == 404
    assert get(observed, f"files/{'c' * 40}/stats").status_code == 404
    assert get(observed, f"files/{'c' * 40}/alerts").json()["value"] == []
    for path in ("domains/b.example.com", "ips/203.0.113.8"):
        assert get(observed, f"{path}/stats").json()["organizationPrevalence"] == 0
        assert get(observed, f"{path}/stats").json()["orgFirstSeen"] is None
        assert get(observed, f"{path}/alerts").json()["value"] == []


@pytest.mark.parametrize("name", [name for name in PATHS if name.endswith("alerts")])
def test_related_alerts_are_listed(observed, name):
    assert get(observed, PATHS[name]).json()["value"] == [ALERT]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (f"files/{SHA256}/alerts", "InvalidHashValue"),
        ("ips/203.0.113/stats", "InvalidIpAddress"),
        ("ips/a.example.com/alerts", "InvalidIpAddress"),
        ("domains/a.example.com/stats?lookBackHours=721", "InvalidInput"),
        (f"files/{SHA1}/stats?lookBackHours=week", "InvalidInput"),
    ],
)
def test_what_the_pages_rule_out_is_a_400(observed, path, code):
    answer = get(observed, path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


def test_device_groups_are_named_with_their_scores(observed):
    assert [row["rbacGroupName"] for row in get(observed, PATHS["groups"]).json()["value"]] == ["Servers", "Office"]


@pytest.mark.parametrize("name", PATHS)
def test_each_endpoint_asks_for_its_own_permission(start_emulator, connect, name):
    emulator = start_emulator(groups=("Servers",))
    emulator.observe(SHA1, file={"sha1": SHA1})
    needed = PERMISSIONS[name]
    others = tuple(set(ALL) - set(needed))
    refused = get(connect(emulator, emulator.register(roles=others)), PATHS[name])
    wanted = f"Missing application roles. API required roles: {', '.join(needed)}"
    assert (refused.status_code, refused.json()["error"]["message"]) == (403, wanted)
    for role in needed:
        assert get(connect(emulator, emulator.register(roles=(role,))), PATHS[name]).status_code == 200


def test_a_permission_to_look_is_none_to_list_indicators(start_emulator, connect):
    emulator = start_emulator(roles=ALL[1:])
    assert connect(emulator).call("GET").status_code == 403


@pytest.mark.parametrize("name", PATHS)
def test_a_fault_can_be_put_on_each_endpoint(observed, name):
    observed.emulator.faults.add(f"500_before@on:{name}")
    assert get(observed, PATHS[name]).status_code == 500
    assert {get(observed, path).status_code for other, path in PATHS.items() if other != name} == {200}


def test_a_restarted_emulator_knows_what_was_seen(tmp_path, start_emulator, connect, row):
    state = tmp_path / "state.json"
    emulator = start_emulator(state=state, roles=ALL)
    emulator.observe("a.example.com", devices=4)
    connect(emulator).send(row())
    emulator.stop()
    again = connect(start_emulator(state=state, roles=ALL))
    assert get(again, PATHS["domain_stats"]).json()["organizationPrevalence"] == 4
