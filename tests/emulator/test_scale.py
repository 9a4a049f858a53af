"""Deleting, and rows of others, in the numbers of a full tenant."""

from __future__ import annotations

import time

import pytest
import requests

NETWORK_ERRORS = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


def delete(client, numbers):
    return client.call("POST", "/BatchDelete", json={"IndicatorIds": numbers})


def stored(client):
    return [one["id"] for one in client.emulator.rows()]


def test_15000_foreign_rows_are_there_within_a_second(start_emulator, rows):
    emulator = start_emulator()
    given = rows(15_000)
    before = time.process_time()
    emulator.add_rows(given, created_by="0b1c2d3e-0000-4000-8000-000000000001", application="Older tool")
    assert time.process_time() - before < 1
    assert len(emulator.rows()) == 15_000
    assert emulator.rows()[-1]["application"] == "Older tool"


def test_a_full_tenant_is_listed_in_two_pages_and_emptied_in_thirty_calls(client_of, rows):
    client = client_of()
    client.emulator.add_rows(rows(15_000))
    pages = [client.call("GET", params={"$top": "10000", "$skip": skip}).json() for skip in ("0", "10000")]
    numbers = [one["id"] for page in pages for one in page["value"]]
    assert len(set(numbers)) == 15_000
    calls = [delete(client, numbers[first : first + 500]).status_code for first in range(0, 15_000, 500)]
    assert calls == [204] * 30
    assert client.emulator.rows() == []


@pytest.mark.parametrize(
    "fields",
    [
        {"indicatorType": "WebCategory", "indicatorValue": "Gambling"},
        {"createdBySource": "TVM", "createdBy": None, "createdByDisplayName": None},
        {"indicatorValue": None, "action": None, "title": None, "rbacGroupNames": None, "expirationTime": None},
        {"rbacGroupNames": [None, "Servers"], "severity": "Extreme", "lastUpdateTime": "2020-01-01T00:00:00Z"},
        {"indicatorType": "ProcessMemorySimilarityHash", "somethingNew": {"x": 1}},
    ],
    ids=["web_category", "tvm", "nulls", "odd_fields", "unknown_field"],
)
def test_rows_of_any_kind_can_be_seeded_and_listed(client, row, fields):
    client.emulator.add_rows([row(**{**fields, "indicatorType": fields.get("indicatorType", "Url")})])
    (found,) = client.call("GET").json()["value"]
    assert {name: found[name] for name in fields} == fields


def test_rows_show_who_made_them_and_with_what(client, row):
    client.send(row("own.example.com", application="Feed A", createdBy="somebody else", createdBySource="TVM"))
    client.emulator.add_rows([row("portal.example.com"), row("tool.example.com", application="Mine")])
    own, portal, tool = client.call("GET").json()["value"]
    registration = client.registration
    assert (own["createdBy"], own["createdByDisplayName"]) == (registration.client_id, registration.name)
    assert (own["createdBySource"], own["application"]) == ("PublicApi", "Feed A")
    assert (portal["createdBy"], portal["createdBySource"]) == ("analyst@contoso.example", "Portal")
    assert tool["application"] == "Mine"
    assert own["lastUpdateTime"] == own["creationTimeDateTimeUtc"]


def test_an_update_changes_neither_application_nor_creator(start_emulator, connect, row, fake_clock):
    emulator = start_emulator(clock=fake_clock)
    client, other = connect(emulator), connect(emulator, emulator.register())
    client.send(row(application="Feed A"))
    fake_clock.pass_time(60)
    other.send(row(application="Feed B", title="new"))
    (found,) = emulator.rows()
    assert (found["title"], found["application"], found["createdBy"]) == ("new", "Feed A", emulator.client_id)
    assert found["lastUpdatedBy"] == other.registration.client_id
    assert found["lastUpdateTime"] > found["creationTimeDateTimeUtc"]


def test_an_application_without_all_sees_and_deletes_its_own_rows_only(start_emulator, connect, rows):
    emulator = start_emulator(roles=("Ti.ReadWrite",))
    client = connect(emulator)
    client.send(*rows(2))
    emulator.add_rows([rows(3)[2]])
    assert [one["id"] for one in client.call("GET").json()["value"]] == ["1", "2"]
    assert delete(client, ["1", "3"]).status_code == 404
    assert delete(client, ["1", "2"]).status_code == 204
    assert stored(client) == ["3"]


def test_rows_seeded_for_an_application_are_its_own(start_emulator, connect, row):
    emulator = start_emulator(roles=("Ti.ReadWrite",))
    emulator.add_rows([row()], created_by=emulator.client_id)
    assert len(connect(emulator).call("GET").json()["value"]) == 1


@pytest.mark.parametrize(("fault", "left"), [("drop_before", 3), ("rst", 3), ("drop_after", 0)])
def test_an_answer_to_a_batch_delete_can_be_lost_before_and_after(client_of, rows, fault, left):
    client = client_of(faults=[f"{fault}@on:batch_delete@first:1"])
    client.send(*rows(3))
    with pytest.raises(NETWORK_ERRORS):
        delete(client, ["1", "2", "3"])
    assert len(stored(client)) == left


@pytest.mark.parametrize(
    ("fault", "status", "left"),
    [
        ("500_before", 500, 4),
        ("500_after", 500, 0),
        ("status=404:ResourceNotFound", 404, 4),
        ("throttle=2", 429, 4),
        ("short_notapplied=1", 204, 3),
    ],
)
def test_a_batch_delete_can_fail_in_every_way(client_of, rows, fault, status, left):
    client = client_of(faults=[f"{fault}@on:batch_delete@first:1"])
    client.send(*rows(4))
    assert delete(client, ["1", "2", "3", "4"]).status_code == status
    assert len(stored(client)) == left


def test_a_batch_delete_can_be_half_done_when_the_answer_is_lost(client_of, rows):
    client = client_of(faults=["short_notapplied@on:batch_delete", "drop_after@on:batch_delete"])
    client.send(*rows(4))
    with pytest.raises(NETWORK_ERRORS):
        delete(client, ["1", "2", "3", "4"])
    assert stored(client) == ["3", "4"]


@pytest.mark.parametrize("fault", ["drop_after", "trunc_after", "html", "500_after", "status=503", "raw={}"])
def test_a_page_of_a_listing_can_fail(client_of, rows, fault):
    client = client_of(faults=[f"{fault}@on:list@after:1"], page_size=2)
    client.send(*rows(4))
    assert len(client.call("GET").json()["value"]) == 2
    try:
        answer = client.call("GET", params={"$skip": "2"})
    except NETWORK_ERRORS:
        return
    assert answer.status_code != 200 or not answer.text.startswith('{"@odata')


@pytest.mark.parametrize(("policy", "failed"), [("accept", False), ("refuse", True)])
def test_what_becomes_of_an_unknown_device_group_is_a_switch(client_of, row, policy, failed):
    client = client_of(groups=("Servers",), unknown_groups=policy)
    known, unknown = client.send(
        row(rbacGroupNames=["Servers"]), row("b.example.com", rbacGroupNames=["Sevrers"])
    ).json()["value"]
    assert (known["isFailed"], unknown["isFailed"]) == (False, failed)
