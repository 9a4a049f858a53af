"""Listing, filtering, paging, reading and deleting."""

from __future__ import annotations

import pytest


@pytest.fixture
def filled(client, row):
    client.send(
        row("a.example.com", severity="High", title="it's bad"),
        row("b.example.com", severity="Low", action="Allowed", expirationTime="2099-01-01T00:00:00Z"),
        row("8.8.8.8", indicatorType="IpAddress", severity="High", action="Audit", generateAlert=True),
    )
    return client


def listed(client, **query):
    answer = client.call("GET", params={f"${name}": text for name, text in query.items()})
    assert answer.status_code == 200, answer.text
    return [one["indicatorValue"] for one in answer.json()["value"]]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("indicatorValue eq 'a.example.com'", "a"),
        ("severity eq 'High'", "a8"),
        ("severity eq 'High' and indicatorType eq 'IpAddress'", "8"),
        ("severity ne 'High'", "b"),
        ("title eq 'it''s bad'", "a"),
        ("generateAlert eq true", "8"),
        ("indicatorValue in ['a.example.com','8.8.8.8']", "a8"),
        ("indicatorValue in ('b.example.com')", "b"),
        ("expirationTime gt 2098-01-01T00:00:00Z", "b"),
        ("creationTimeDateTimeUtc lt 2001-01-01T00:00:00Z", ""),
        ("indicatorValue eq 'A.example.com'", ""),
    ],
)
def test_a_filter_finds_what_it_says(filled, text, found):
    assert "".join(value[0] for value in listed(filled, filter=text)) == found


@pytest.mark.parametrize(
    "query",
    [
        {"$filter": "externalId eq 'x'"},
        {"$filter": "severity"},
        {"$filter": ""},
        {"$filter": "severity eq 'High' and"},
        {"$filter": "severity eq 'High' or severity eq 'Low'"},
        {"$top": "10001"},
        {"$top": "many"},
        {"$skip": "-1"},
        {"$orderby": "id"},
    ],
)
def test_a_query_it_does_not_understand_is_an_odata_error(filled, query):
    answer = filled.call("GET", params=query)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "ODataError")


def test_top_and_skip_cut_a_page(filled):
    assert listed(filled, top="1") == ["a.example.com"]
    assert listed(filled, top="2", skip="1") == ["b.example.com", "8.8.8.8"]
    assert listed(filled, skip="3") == []


@pytest.mark.parametrize(
    ("next_link", "query", "linked"),
    [
        ("without_top", {}, True),
        ("without_top", {"$top": "2"}, False),
        ("always", {"$top": "2"}, True),
        ("never", {}, False),
        ("always", {"$top": "9"}, False),
    ],
)
def test_when_a_page_names_the_next_is_a_switch(client_of, rows, next_link, query, linked):
    client = client_of(next_link=next_link, page_size=2)
    client.send(*rows(5))
    assert ("@odata.nextLink" in client.call("GET", params=query).json()) is linked


def test_following_the_links_lists_everything_once(start_emulator, connect, rows, row):
    client = connect(start_emulator(page_size=2))
    client.send(*rows(5), row(severity="High"))
    found, address = [], f"{client.emulator.url}/api/indicators?$filter=severity eq 'Informational'"
    while address:
        page = client.session.get(address, timeout=9).json()
        found += [one["indicatorValue"] for one in page["value"]]
        address = page.get("@odata.nextLink")
    assert found == [one["indicatorValue"] for one in rows(5)]


def test_one_indicator_can_be_read_and_deleted(filled):
    number = filled.call("GET").json()["value"][0]["id"]
    assert filled.call("GET", f"/{number}").json()["indicatorValue"] == "a.example.com"
    answer = filled.call("DELETE", f"/{number}")
    assert (answer.status_code, answer.content) == (204, b"")
    for method in ("GET", "DELETE"):
        answer = filled.call(method, f"/{number}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "ResourceNotFound")


def test_delete_may_answer_200(start_emulator, connect, row):
    client = connect(start_emulator(delete_status=200))
    number = client.send(row()).json()["value"][0]["id"]
    answer = client.call("DELETE", f"/{number}")
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(("partial", "left"), [(False, 3), (True, 2)])
def test_batch_delete_with_a_stale_id_is_a_404(start_emulator, connect, rows, partial, left):
    emulator = start_emulator(batch_delete_partial=partial)
    client = connect(emulator)
    numbers = [one["id"] for one in client.send(*rows(3)).json()["value"]]
    stale = client.call("POST", "/BatchDelete", json={"IndicatorIds": [numbers[0], "999"]})
    assert (stale.status_code, len(emulator.rows())) == (404, left)
    answer = client.call("POST", "/BatchDelete", json={"IndicatorIds": numbers[1:]})
    assert (answer.status_code, len(emulator.rows())) == (204, left - 2)


@pytest.mark.parametrize("ids", [[], [1], ["x"], ["1"] * 501])
def test_batch_delete_refuses_what_is_not_a_list_of_ids(client, ids):
    assert client.call("POST", "/BatchDelete", json={"IndicatorIds": ids}).status_code == 400
    assert client.call("POST", "/BatchDelete", json={"ids": ["1"]}).status_code == 400


def test_a_user_may_not_delete(client, row):
    number = client.send(row()).json()["value"][0]["id"]
    directory = client.emulator.service.directory
    resource = "https://api.securitycenter.microsoft.com"
    token = directory.issue(client.registration, resource, delegated=True)["access_token"]
    client.session.headers["Authorization"] = f"Bearer {token}"
    assert client.call("GET", f"/{number}").status_code == 200
    assert client.call("DELETE", f"/{number}").status_code == 403
    assert client.call("POST", "/BatchDelete", json={"IndicatorIds": [number]}).status_code == 403
    client.send(row("user.example.com"))
    assert client.emulator.rows()[1]["createdBy"] == "analyst@contoso.onmicrosoft.com"
