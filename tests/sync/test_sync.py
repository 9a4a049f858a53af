"""A set becomes equal to its source, with as few calls as can be."""

import json

import pytest

FIELDS = ("title", "application")


def test_fifteen_thousand_rows_cost_30_calls_and_then_only_what_changed(world, rows):
    source = rows(15_000)
    first = world.sync(source)
    assert (first["outcome"], first["counts"]["accepted"]) == ("succeeded", 15_000)
    assert world.writes() == {"import": 30}

    second = world.sync(source)
    assert (second["outcome"], second["counts"]["unchanged"]) == ("succeeded", 15_000)
    calls = world.calls()
    assert calls["list"] <= 2
    assert set(calls) == {"list"}

    source = _changed(source)
    third = world.sync(source)
    assert third["outcome"] == "succeeded"
    kinds = {name: count for name, count in third["plan"]["changes"].items() if count}
    assert kinds == {"update": 100, "replace": 20, "clear": 20, "delete": 50, "unchanged": 14_830}
    # The tenant is full: what left makes room first, then the new rows come, then those that they replace go.
    assert world.order()[30:] == ["batch_delete", "import", "batch_delete"]
    assert _texts(world.rows()) == _texts(source)


def _changed(source):
    """100 with another title, 20 with another action, 50 gone."""
    found = [dict(each) for each in source]
    for each in found[:100]:
        each["title"] = "changed"
    for each in found[100:120]:
        each.update(action="Warn", generateAlert=False)
    return found[:-50]


def _texts(found):
    names = ("indicatorType", "indicatorValue", "action", "title", "description", "generateAlert")
    return sorted(tuple(str(each[name]) for name in names) for each in found)


def test_changes_cost_one_import_call_and_one_batch_delete(any_world, rows):
    source = rows(600)
    assert any_world.sync(source)["outcome"] == "succeeded"
    any_world.calls()
    source = [*_changed(source), *rows(30, first=1000)]
    report = any_world.sync(source)
    assert report["outcome"] == "succeeded", report["counts"]
    assert any_world.writes() == {"import": 1, "batch_delete": 1}
    assert any_world.order()[-2:] == ["import", "batch_delete"]
    _sweep(any_world, source)
    assert _texts(any_world.rows()) == _texts(source)


def _sweep(world, source):
    """Where the service never updates a row, the next sync deletes the old versions, and nothing else."""
    if world.emulator.settings.identity == "always_insert":
        world.calls()
        assert world.sync(source)["outcome"] == "succeeded"
        assert world.writes() == {"batch_delete": 1}


def test_a_further_sync_writes_nothing_whatever_the_identity_of_rows(any_world, rows, row):
    any_world.sync(rows(40))
    source = [row(1, "Warn"), row(2, title="other"), *rows(30, first=3), row(33, rbacGroupNames=["Servers"])]
    any_world.sync(source)
    _sweep(any_world, source)
    any_world.calls()
    report = any_world.sync(source)
    assert report["outcome"] == "succeeded"
    assert set(any_world.calls()) == {"list"}


def test_two_sets_keep_to_their_own_rows(world, rows, row):
    world.sync(rows(3), name="one")
    world.sync([row("other.example.net"), row(1)], name="two")
    world.sync(rows(2), name="one")
    assert [value for value, _ in world.truth()] == ["host1.example.com", "host2.example.com", "other.example.net"]


def test_keep_missing_deletes_nothing(world, rows):
    world.sync(rows(3))
    report = world.sync(rows(2), keep_missing=True)
    assert report["outcome"] == "succeeded"
    assert len(world.rows()) == 3


def test_a_row_that_is_not_fit_keeps_what_the_tenant_has_of_it(world, rows, row):
    world.sync(rows(30))
    report = world.sync([*rows(29), row(30, "Nonsense")])
    assert report["counts"]["rejected"] == 1
    assert len(world.rows()) == 30


def test_the_whole_is_one_document_through_the_command_line(world, tmp_path):
    (tmp_path / "feed.txt").write_text("a.example.com\nb.example.com\n", encoding="utf-8")
    ended = world.cli("sync", tmp_path / "feed.txt", "--set", "feed", "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["counts"]["accepted"] == 2
    (tmp_path / "feed.txt").write_text("a.example.com\nc.example.com\n", encoding="utf-8")
    ended = world.cli("sync", tmp_path / "feed.txt", "--set", "feed", "--dry-run")
    assert ended.code == 0
    assert "1 add, 1 delete, 1 unchanged" in ended.out
    ended = world.cli("sync", tmp_path / "feed.txt", "--set", "feed")
    assert "succeeded: 2 accepted, 1 unchanged" in ended.out
    assert [value for value, _ in world.truth()] == ["a.example.com", "c.example.com"]


@pytest.mark.parametrize("wrong", ["", "Feed", "a b", "../x"])
def test_a_wrong_name_of_a_set_is_told_in_one_line(world, tmp_path, wrong):
    (tmp_path / "feed.txt").write_text("a.example.com\n", encoding="utf-8")
    ended = world.cli("sync", tmp_path / "feed.txt", "--set", wrong)
    assert ended.code == 2
    assert len(ended.err.strip().splitlines()) == 1
    assert not world.writes()


@pytest.mark.parametrize(
    ("end", "kept"),
    [
        ("2099-12-31T00:00:00Z", "2099-12-31T00:00:00Z"),
        ("2096-02-29T12:00:00+02:00", "2096-02-29T10:00:00Z"),
        ("2001-01-01T00:00:00Z", ""),
        ("2097-02-29T00:00:00Z", ""),
        ("tomorrow", ""),
    ],
)
def test_case_070_an_end_is_right_or_its_row_is_rejected(world, row, end, kept):
    source = [row(1), row(2, expirationTime=end)]
    report = world.sync(source)
    assert report["counts"]["rejected"] == (0 if kept else 1)
    ends = [each["expirationTime"] for each in world.rows() if each["indicatorValue"] == "host2.example.com"]
    assert ends == ([kept] if kept else [])
    world.writes()
    world.sync(source)
    assert world.writes() == {}


def test_an_end_that_is_counted_from_now_is_renewed_in_time_and_not_before(world, rows):
    source = rows(40)
    world.sync(source)
    world.writes()

    def later(days):
        with world.context(hours=24 * days) as context:
            return context.plans.sync(source, set_name="feed").counts()

    assert later(40)["renew"] == 0
    assert 0 < later(55)["renew"] < 40
    assert later(70)["renew"] == 40
