"""What makes two rows one indicator, and what becomes of the old one."""

from __future__ import annotations

import pytest

from defender_indicators.emulator import Settings
from defender_indicators.errors import ConfigurationError

MODELS = ["value", "value+type", "value+type+action+scope", "always_insert"]


@pytest.mark.parametrize(
    ("change", "stored"),
    [
        ({}, [1, 1, 1, 2]),
        ({"title": "another"}, [1, 1, 1, 2]),
        ({"action": "Allowed"}, [1, 1, 2, 2]),
        ({"rbacGroupNames": ["servers"]}, [1, 1, 2, 2]),
        ({"indicatorType": "Url"}, [1, 2, 2, 2]),
        ({"indicatorValue": "other.example.com"}, [2, 2, 2, 2]),
        ({"indicatorValue": "EVIL.example.com"}, [2, 2, 2, 2]),
    ],
)
@pytest.mark.parametrize("number", range(4))
def test_each_model_has_its_own_idea_of_the_same_indicator(client_of, row, change, stored, number):
    client = client_of(identity=MODELS[number])
    first = client.send(row()).json()["value"][0]["id"]
    second = client.send({**row(), **change}).json()["value"][0]["id"]
    assert len(client.emulator.rows()) == stored[number]
    assert (first == second) == (stored[number] == 1)


def test_the_order_of_the_groups_does_not_matter(client, row):
    client.send(row(rbacGroupNames=["a", "b"]))
    client.send(row(rbacGroupNames=["b", "a"]))
    assert len(client.emulator.rows()) == 1


def test_an_unknown_model_is_refused():
    with pytest.raises(ConfigurationError, match="emulator identity 'guess'"):
        Settings(identity="guess")


@pytest.mark.parametrize(("updates", "severity"), [("replace", "Informational"), ("merge", "High")])
def test_what_an_update_does_not_name_is_a_switch(start_emulator, connect, row, updates, severity):
    emulator = start_emulator(updates=updates)
    client = connect(emulator)
    client.send(row(severity="High", application="first"))
    client.send(row(application="second"))
    assert [(one["severity"], one["application"]) for one in emulator.rows()] == [(severity, "first")]


def test_the_history_of_a_value_shows_a_revert(client, row):
    for title in ("old", "new", "new"):
        client.send(row(title=title))
    assert client.emulator.reverted() == []
    client.send(row(title="old"))
    assert [one["title"] for one in client.emulator.history("evil.example.com")] == ["old", "new", "new", "old"]
    assert client.emulator.reverted() == ["evil.example.com"]


def test_duplicates_are_reported_in_groups(start_emulator, connect, row):
    emulator = start_emulator(identity="always_insert")
    connect(emulator).send(row(), row(), row(action="Allowed"))
    assert [len(group) for group in emulator.duplicates()] == [2]
    assert [len(group) for group in emulator.duplicates(by=("indicatorValue",))] == [3]


def test_rows_of_the_portal_can_be_put_in(start_emulator, connect, row):
    emulator = start_emulator(capacity=2)
    emulator.add_rows([row("a.example.com"), row("b.example.com")])
    client = connect(emulator, emulator.register(roles=("Ti.ReadWrite",)))
    assert client.send(row()).json()["value"][0]["isFailed"] is True
    assert client.call("GET").json()["value"] == []
    assert {one["createdBy"] for one in emulator.rows()} == {"analyst@contoso.example"}


def test_a_row_deleted_behind_our_back_is_gone(client, row):
    client.send(row(), row(action="Allowed"))
    assert client.emulator.delete("evil.example.com") == 2
    assert client.emulator.rows() == []
    assert client.call("GET").json()["value"] == []


def test_expired_rows_vanish_and_free_their_place(start_emulator, connect, rows, row, fake_clock):
    emulator = start_emulator(capacity=2, clock=fake_clock)
    client = connect(emulator)
    client.send(row("a.example.com", expirationTime="2026-01-01T00:10:00Z"), row("b.example.com"))
    fake_clock.pass_time(599)
    assert len(emulator.rows()) == 2
    fake_clock.pass_time(1)
    assert [one["indicatorValue"] for one in emulator.rows()] == ["b.example.com"]
    assert client.send(row("c.example.com")).json()["value"][0]["isFailed"] is False


def test_an_application_sees_and_touches_only_its_own_rows(start_emulator, connect, row):
    emulator = start_emulator()
    everything, own = connect(emulator), connect(emulator, emulator.register(roles=("Ti.ReadWrite",)))
    number = everything.send(row()).json()["value"][0]["id"]
    own.send(row("mine.example.com"))
    assert [one["indicatorValue"] for one in own.call("GET").json()["value"]] == ["mine.example.com"]
    assert len(everything.call("GET").json()["value"]) == 2
    assert own.call("GET", f"/{number}").status_code == 404
    assert own.call("DELETE", f"/{number}").status_code == 404
    assert own.send(row()).json()["value"][0]["failureReason"] == "The indicator belongs to another application"


def test_without_a_role_the_403_names_what_is_missing(start_emulator, connect, row):
    client = connect(start_emulator(roles=("Alert.Read.All",)))
    answer = client.send(row())
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "Forbidden")
    wanted = "Missing application roles. API required roles: Ti.ReadWrite.All, Ti.ReadWrite"
    assert answer.json()["error"]["message"] == wanted


def test_tenants_do_not_see_each_other(start_emulator, connect, row):
    emulator = start_emulator()
    other = emulator.register(tenant="11111111-1111-1111-1111-111111111111")
    connect(emulator, other).send(row())
    assert emulator.rows() == []
    assert len(emulator.rows(other.tenant)) == 1
