"""Filters, and rows that are named."""

import pytest

from defender_indicators.planning.selection import Filter, by_ids, chosen, listed, wish

A, B = "a.example.com", "b.example.com"


@pytest.fixture
def snapshot(desk):
    return desk.snapshot(
        desk.listed(1, A, "Block", severity="High", title="Phishing kit", expirationTime=desk.stamp(3)),
        desk.listed(2, B, by="ann@example.com", createdByDisplayName="Ann", application="Portal"),
        desk.listed(3, "f" * 64, application="defender-indicators/other", expirationTime=desk.stamp(30)),
    )


@pytest.mark.parametrize(
    ("given", "ids"),
    [
        ({}, "123"),
        ({"types": ["FileSha256"]}, "3"),
        ({"actions": ["Block"]}, "1"),
        ({"owner": "own"}, "13"),
        ({"owner": "foreign"}, "2"),
        ({"owner": "ann"}, "2"),
        ({"set": "feed"}, "1"),
        ({"application": "defender-indicators/*"}, "13"),
        ({"title": "Phishing*"}, "1"),
        ({"value": "*.example.com"}, "12"),
        ({"text": "KIT"}, "1"),
        ({"expires_within": 7}, "1"),
        ({"expires_within": 60, "types": ["FileSha256"]}, "3"),
    ],
)
def test_every_filter_chooses(desk, snapshot, given, ids):
    assert "".join(row["id"] for row in wish(given).choose(snapshot, desk.now)) == ids


def test_an_empty_filter_says_so():
    assert Filter().empty
    assert not Filter(text="x").empty


def test_ids_that_no_row_has_are_given_back(snapshot):
    rows, missing = by_ids(snapshot, ["3", "9", "3"])
    assert [row["id"] for row in rows] == ["3"]
    assert missing == ["9"]


def named(**given):
    return {"ids": [], "values": [], "indicators": [], "filter": {}} | given


@pytest.mark.parametrize(
    ("inputs", "ids", "missing"),
    [
        (named(values=["A.Example.COM", "c.example.com"]), ["1"], ["c.example.com"]),
        (named(filter={"actions": ["Block"]}), ["1"], []),
        (named(indicators=[{"indicatorType": "DomainName", "indicatorValue": A}]), ["1"], []),
        (named(indicators=[{"indicatorType": "DomainName", "indicatorValue": A, "action": "Audit"}]), [], [A]),
        (named(indicators=["nonsense", None]), [], ["", ""]),
        (named(ids=["2"], values=[B]), ["2", "2"], []),
    ],
)
def test_rows_are_named_in_several_ways(desk, snapshot, inputs, ids, missing):
    rows, absent = chosen(inputs, snapshot, desk.now)
    assert [row["id"] for row in rows] == ids
    assert absent == missing


def test_nothing_chooses_nothing(desk, snapshot):
    assert chosen(named(), snapshot, desk.now) == ([], [])


def test_a_row_is_shown_in_microsofts_spelling_with_whose_it_is(snapshot):
    shown = listed(snapshot.rows[1], snapshot)
    assert (shown["indicatorValue"], shown["own"], shown["set"]) == (B, False, "")
    assert shown["createdByDisplayName"] == "Ann"
