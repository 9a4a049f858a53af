"""Deleting by id, value, filter, rows and file: ours only, and what was asked for."""

import io
import json
import sys

import pytest

from defender_indicators.errors import InputError

ANALYST = "analyst@contoso.example"


@pytest.fixture
def filled(world, rows, row):
    """A tenant of six rows of ours in two sets and one of an analyst."""
    world.sync(rows(4), name="one")
    world.sync([row(5, title="old"), row(6, "Warn")], name="two")
    world.emulator.add_rows([row("theirs.example.net", "Block")], created_by=ANALYST)
    world.writes()
    return world


def ids(world, *values):
    return [each["id"] for each in world.rows() if each["indicatorValue"] in values]


def left(world):
    return [value.split(".")[0] for value, _ in world.truth()]


@pytest.mark.parametrize(
    ("wanted", "gone"),
    [
        ({"values": ["HOST1.example.com.", "host2.example.com"]}, {"host1", "host2"}),
        ({"filter": {"set": "two"}}, {"host5", "host6"}),
        ({"filter": {"actions": ["Warn"], "owner": "own"}}, {"host6"}),
        ({"filter": {"title": "ol*"}}, {"host5"}),
        ({"filter": {"value": "host?.example.com", "set": "one"}}, {"host1", "host2", "host3", "host4"}),
        ({"indicators": [{"indicatorType": "DomainName", "indicatorValue": "host6.example.com"}]}, {"host6"}),
        ({"filter": {"expires_within": 91}}, {"host1", "host2", "host3", "host4", "host5", "host6"}),
    ],
    ids=["values", "set", "action", "title", "value and set", "row", "expiry"],
)
def test_what_is_named_goes_in_one_call(filled, wanted, gone):
    before = set(left(filled))
    report = filled.act("delete_indicators", **wanted)
    assert report["outcome"] == "succeeded", report
    assert filled.writes() == {"batch_delete": 1}
    assert before - set(left(filled)) == gone


def test_rows_go_by_their_ids(filled):
    report = filled.act("delete_indicators", ids=[*ids(filled, "host1.example.com"), "999999"])
    assert (report["counts"]["accepted"], report["counts"]["rejected"]) == (1, 1)
    assert {each["code"] for each in report["results"] if each["status"] == "rejected"} == {"not_in_tenant"}
    assert "host1" not in left(filled)


def test_another_action_or_scope_of_the_value_stays(filled, row):
    report = filled.act("delete_indicators", indicators=[row(6, "Block"), row(5, rbacGroupNames=["Servers"])])
    assert report["outcome"] == "failed"
    assert filled.writes() == {}


def test_rows_of_others_are_rejected(filled):
    report = filled.act("delete_indicators", values=["theirs.example.net"])
    assert [(each["status"], each["code"]) for each in report["results"]] == [("rejected", "foreign_row")]
    assert ANALYST in report["results"][0]["reason"]
    assert filled.writes() == {}


def test_rows_of_others_are_held_where_they_are_asked_for_and_go_with_an_approval(filled):
    ended = filled.cli("delete", "theirs.example.net", "host1.example.com", "--include-foreign", "--yes", "--json")
    assert ended.code == 6
    report = json.loads(ended.out)
    assert {each["value"]: each["status"] for each in report["results"]} == {
        "theirs.example.net": "held",
        "host1.example.com": "accepted",
    }
    assert "theirs" in left(filled)
    assert filled.cli("approve", report["run_id"], "--why", "agreed with the analyst", "--yes").code == 0
    assert filled.cli("resume", report["run_id"]).code == 0
    assert "theirs" not in left(filled)


def test_nothing_deletes_everything_by_naming_nothing(filled):
    for inputs in ({}, {"filter": {}}, {"values": []}):
        with pytest.raises(InputError, match="nothing deletes everything"):
            filled.act("delete_indicators", **inputs)
    assert filled.calls()["list"] == 0


def test_a_dry_run_shows_and_sends_nothing(filled):
    report = filled.act("delete_indicators", filter={"set": "one"}, dry_run=True)
    assert (report["run_id"], report["counts"]["pending"]) == ("dry-run", 4)
    assert filled.writes() == {}


def test_too_many_at_once_wait(world, rows):
    world.sync(rows(40))
    world.writes()
    report = world.act("delete_indicators", filter={"set": "feed"})
    assert {each["code"] for each in report["results"]} == {"too_many_deletes"}
    assert world.writes() == {}


def test_case_125_501_rows_go_in_two_calls(world, rows):
    world.configure(guard={"deletes_percent": 100})
    world.sync(rows(502))
    world.writes()
    values = [f"host{number}.example.com" for number in range(1, 502)]
    report = world.act("delete_indicators", values=values)
    assert report["outcome"] == "succeeded", report["counts"]
    assert world.writes() == {"batch_delete": 2}
    assert left(world) == ["host502"]


@pytest.mark.parametrize("partial", [False, True])
def test_case_125_a_row_that_is_gone_already_costs_nothing(make_world, rows, partial):
    world = make_world(batch_delete_partial=partial)
    world.sync(rows(5))
    with world.context() as context:
        snapshot = context.plans.snapshot
        plan = context.plans.delete(snapshot.rows[:3])
        world.emulator.delete("host2.example.com")
        report = context.connector.apply(plan)
        assert (report["outcome"], report["counts"]["accepted"]) == ("succeeded", 3)
    assert left(world) == ["host4", "host5"]


@pytest.mark.parametrize("fault", ["drop_after", "500_after", "drop_before", "status=503", "html"])
def test_case_125_a_lost_answer_is_looked_up_before_anything_is_sent_again(world, rows, fault):
    world.sync(rows(5))
    world.calls()
    world.emulator.faults.add(f"{fault}@first:1@on:batch_delete")
    world.configure(delivery={"backoff_seconds": 0.01, "throttle_default_seconds": 0.05})
    report = world.act("delete_indicators", values=["host1.example.com", "host2.example.com"])
    assert report["outcome"] == "succeeded", report
    assert left(world) == ["host3", "host4", "host5"]
    found = [each.endpoint for each in world.emulator.arrivals if each.endpoint in ("list", "batch_delete")]
    first = found.index("batch_delete")
    assert "list" in found[first : first + 2], found


def test_case_125_freed_places_that_are_late_are_waited_for(make_world, rows):
    world = make_world(capacity=60, slot_release_seconds=1.0)
    world.configure(guard={"deletes_percent": 100}, delivery={"backoff_seconds": 0.01})
    world.sync(rows(60))
    report = world.sync([*rows(30), *rows(30, first=100)])
    assert report["counts"]["refused"] == 0
    assert report["outcome"] in ("succeeded", "paused")


# The command line


def test_it_shows_the_rows_and_asks(filled, monkeypatch):
    monkeypatch.setattr("click.confirm", lambda *_, **__: False)
    ended = filled.cli("delete", "host1.example.com")
    assert ended.code == 0
    assert "host1.example.com" in ended.out
    assert filled.writes() == {}
    monkeypatch.setattr("click.confirm", lambda *_, **__: True)
    assert filled.cli("delete", "host1.example.com").code == 0
    assert filled.writes() == {"batch_delete": 1}


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_where_nobody_can_answer_it_wants_to_be_told(filled, monkeypatch, more):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    ended = filled.cli("delete", "host1.example.com", *more)
    assert ended.code == 2, ended
    assert "--yes" in ended.err
    assert filled.writes() == {}


def test_rows_of_a_file_go(filled, tmp_path):
    file = tmp_path / "gone.json"
    found = [each for each in filled.rows() if each["indicatorValue"] in ("host1.example.com", "host6.example.com")]
    kept = ("indicatorType", "indicatorValue", "action", "title", "description")
    file.write_text(json.dumps([{name: each[name] for name in kept} for each in found]), encoding="utf-8")
    ended = filled.cli("delete", "--from", file, "--yes")
    assert ended.code == 0, ended
    assert left(filled) == ["host2", "host3", "host4", "host5", "theirs"]


def test_values_of_a_plain_list_go(filled, tmp_path):
    file = tmp_path / "gone.txt"
    file.write_text("host1.example.com\nhost6.example.com\n", encoding="utf-8")
    ended = filled.cli("delete", "--from", file, "--yes")
    assert ended.code == 0, ended
    assert left(filled) == ["host2", "host3", "host4", "host5", "theirs"]


def test_a_listing_written_to_a_file_deletes_what_it_lists(filled, tmp_path):
    listed = filled.cli("list", "--set", "two", "--output", "ndjson")
    file = tmp_path / "two.ndjson"
    file.write_text(listed.out, encoding="utf-8")
    assert filled.cli("delete", "--from", file, "--yes").code == 0
    assert left(filled) == ["host1", "host2", "host3", "host4", "theirs"]


@pytest.mark.parametrize(
    "arguments",
    [["--yes"], ["--id", "x", "--yes"], ["--from", "nowhere.txt", "--yes"], ["--type", "Nonsense", "--yes"]],
    ids=["nothing", "no id", "no file", "no type"],
)
def test_wrong_wishes_are_told_in_a_line(filled, arguments):
    ended = filled.cli("delete", *arguments)
    assert ended.code == 2, ended
    assert "Traceback" not in ended.err
    assert len(ended.err.strip().splitlines()) <= 2
    assert filled.writes() == {}
