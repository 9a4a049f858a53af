"""Rows of others: never touched, in the way or not, and in a tenant that is full of them."""

import json

import pytest

from defender_indicators.sources.coverage import Coverage
from defender_indicators.sources.observed import SourceCutOff
from defender_indicators.sources.source import Source

ANALYST = "analyst@contoso.example"
OTHER_APP = "7c1e0a52-0000-4000-8000-00000000feed"


def others(world):
    return [json.dumps(each, sort_keys=True) for each in world.rows() if each["createdBy"] != world.emulator.client_id]


@pytest.fixture
def beside(row):
    """Return a function that lets others have rows, some of them in the way of ``host1`` to ``host4``."""

    def add(world):
        odd = {"indicatorType": "WebCategory", "indicatorValue": "gambling", "action": "Block", "title": None}
        found = [row(1, "Allowed"), row(2), row(3, "Block"), row("theirs.example.net", "Warn"), odd]
        world.emulator.add_rows(found, created_by=ANALYST)
        world.emulator.add_rows([row(4, "Block", title="theirs")], created_by=OTHER_APP, application="OldTool")

    return add


def test_rows_of_others_stay_byte_for_byte(any_world, rows, row, beside):
    beside(any_world)
    before = others(any_world)
    for source in (rows(30), [row(1, "Warn"), *rows(15, first=3)], [row(40)], []):
        any_world.sync(source)
        assert others(any_world) == before


def test_a_row_in_the_way_is_told_and_the_others_go(world, rows, beside, run_of):
    beside(world)
    report = world.sync(rows(6))
    assert report["outcome"] == "held"
    held = run_of(report, "held")
    assert [value for value, _, _ in held] == [f"host{number}.example.com" for number in (1, 3, 4)]
    assert {code for _, _, code in held} == {"foreign_row"}
    assert [value for value, _, _ in run_of(report, "unchanged")] == ["host2.example.com"]
    assert report["counts"]["accepted"] == 2


def test_an_unwanted_row_of_others_is_none_of_our_business(world, rows, row, beside):
    world.sync([*rows(5, first=50), row("theirs.example.net")])
    beside(world)
    before = others(world)
    world.sync(rows(5, first=50))
    assert others(world) == before
    assert len(world.own()) == 5


@pytest.mark.parametrize("more", [{}, {"expirationTime": "2099-01-01T00:00:00Z"}], ids=["no end", "a fixed end"])
def test_a_tenant_full_of_others_defers_everything_and_never_sends_it(world, rows, more):
    world.emulator.add_rows(rows(15_000, first=100_000), created_by=ANALYST)
    for _ in range(2):
        report = world.sync(rows(40, **more))
        assert report["outcome"] == "paused"
        assert {each["status"] for each in report["results"]} == {"deferred"}
        assert {each["code"] for each in report["results"]} == {"capacity_reached"}
        room = report["plan"]["capacity"]
        assert (room["total"], room["own"], room["foreign"], room["free"]) == (15_000, 0, 15_000, 0)
        assert world.writes() == {}


def test_a_tenant_with_ten_places_takes_the_ten_best(world, rows, row):
    world.configure(capacity={"reserve": 14_890})
    world.emulator.add_rows(rows(100, first=100_000), created_by=ANALYST)
    source = [*rows(30), *(row(100 + number, severity="High") for number in range(10))]
    report = world.sync(source)
    assert report["outcome"] == "paused"
    assert world.writes() == {"import": 1}
    assert {each["severity"] for each in world.own()} == {"High"}
    again = world.sync(source)
    assert world.writes() == {}
    assert (again["counts"]["deferred"], again["counts"]["unchanged"]) == (30, 10)
    assert len(world.own()) == 10


def test_eviction_needs_a_policy_and_takes_only_rows_of_the_set(world, rows, row):
    world.configure(capacity={"reserve": 14_880})
    world.emulator.add_rows(rows(100, first=100_000), created_by=ANALYST)
    world.sync([row("single.example.org", severity="Low")], name="other")
    low = rows(19, severity="Low")
    world.sync(low)
    best = [*low, row("best.example.com", severity="High")]
    assert world.sync(best)["counts"]["deferred"] == 1
    world.configure(capacity={"reserve": 14_880, "evict": True})
    before = others(world)
    report = world.sync(best)
    assert report["plan"]["changes"]["evict"] == 1
    values = [each["indicatorValue"] for each in world.own()]
    assert len(values) == 20
    assert {"best.example.com", "single.example.org"} <= set(values)
    assert others(world) == before


def test_case_069_a_service_that_is_full_earlier_than_planned_defers_and_resumes_later(make_world, rows, run_of):
    world = make_world(capacity=20)
    report = world.sync(rows(80))
    assert report["outcome"] == "paused"
    assert (report["counts"]["accepted"], report["counts"]["deferred"]) == (20, 60)
    assert {code for _, _, code in run_of(report, "deferred")} == {"capacity_reached"}
    world.emulator.faults.add("capacity=100")
    with world.context() as context:
        assert context.resume().exit_code == 0
    assert len(world.own()) == 80


# A source that ends before its end


@pytest.fixture
def folder(tmp_path):
    """A folder of two files with ten values each, of which the second one can be broken."""
    found = tmp_path / "feed"
    found.mkdir()
    for name, first in (("a.txt", 0), ("b.txt", 10)):
        values = [f"host{number}.example.com\n" for number in range(first, first + 10)]
        (found / name).write_text("".join(values), encoding="utf-8")
    return found


def test_case_104_a_file_that_cannot_be_read_keeps_its_rows_and_the_others_are_added(world, folder):
    assert world.cli("sync", folder, "--set", "feed").code == 0
    (folder / "a.txt").write_text("new.example.com\nhost1.example.com\n", encoding="utf-8")
    (folder / "b.txt").write_bytes(b"\xff\xfe\x00broken\xff")
    world.writes()
    ended = world.cli("sync", folder, "--set", "feed", "--json")
    assert ended.code == 6, ended.err
    report = json.loads(ended.out)
    assert report["plan"]["cut_off"]
    assert {each["code"] for each in report["results"] if each["status"] == "held"} == {"incomplete_source"}
    assert report["counts"]["held"] == 19
    assert world.writes() == {"import": 1}
    assert len(world.own()) == 21
    assert "nothing is deleted" in world.cli("sync", folder, "--set", "feed").out


def test_a_source_that_is_cut_off_adds_and_deletes_nothing(world, rows):
    world.sync(rows(10))
    source = Source("feed", "json", "said", iter(()), coverage=Coverage())

    def cut():
        yield from rows(3, first=8)
        yield {"indicatorType": "DomainName", "indicatorValue": "new.example.com", "action": "Audit"} | {
            "title": "T",
            "description": "D",
            "generateAlert": True,
        }
        source.failures.append(SourceCutOff("feed: ended in line 5"))

    source.rows = cut()
    with world.context() as context:
        plan = context.plans.sync(source.rows, set_name="feed", source=source)
        report = context.connector.apply(plan)
        assert (report["outcome"], report.exit_code) == ("held", 6)
        assert report["counts"]["held"] == 7
    assert len(world.own()) == 11


def test_case_104_a_feed_that_shrank_by_95_percent_is_held(world, rows):
    world.sync(rows(400))
    world.writes()
    report = world.sync(rows(20))
    assert report["outcome"] == "held"
    assert report["counts"]["held"] == 380
    assert {each["code"] for each in report["results"] if each["status"] == "held"} == {"too_many_deletes"}
    assert world.writes() == {}
    assert len(world.own()) == 400


@pytest.mark.parametrize("count", [3, 400])
def test_case_104_an_empty_feed_deletes_nothing(world, rows, count):
    world.sync(rows(count))
    world.writes()
    report = world.sync([])
    assert report["outcome"] == "held"
    assert world.writes() == {}
    assert len(world.own()) == count


@pytest.mark.parametrize("content", ["", "[]", '{"Indicators": []}', "<html><body>Sign in</body></html>"])
def test_case_104_a_feed_without_indicators_deletes_nothing_through_the_command_line(world, rows, tmp_path, content):
    world.sync(rows(5))
    world.writes()
    file = tmp_path / "feed"
    file.write_text(content, encoding="utf-8")
    ended = world.cli("sync", file, "--set", "feed")
    assert ended.code in (2, 6)
    assert "Traceback" not in ended.err
    assert world.writes() == {}
    assert len(world.own()) == 5


def test_case_104_a_feed_ten_times_larger_is_held(world, rows):
    world.sync(rows(100, "Block"))
    world.writes()
    report = world.sync(rows(1_101, "Block"))
    assert {code for _, code in _held(report)} == {"too_many_blocks"}
    assert report["counts"]["held"] == 1_001
    assert world.writes() == {}


def test_case_104_a_truncated_document_changes_nothing(world, rows, tmp_path):
    world.sync(rows(5))
    world.writes()
    file = tmp_path / "feed.json"
    file.write_text(json.dumps({"Indicators": rows(5)})[:200], encoding="utf-8")
    ended = world.cli("sync", file, "--set", "feed")
    assert ended.code in (2, 6)
    assert world.writes() == {}
    assert len(world.own()) == 5


def _held(report):
    return [(each["value"], each["code"]) for each in report["results"] if each["status"] == "held"]
