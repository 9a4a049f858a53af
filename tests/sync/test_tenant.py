"""The tenant as it is: listing, room, conflicts, and rows of an older tool."""

import json

import pytest

from defender_indicators.errors import InputError

ANALYST = "analyst@contoso.example"
OLD_TOOL = "9d7f3b52-0000-4000-8000-0000000001d0"


@pytest.fixture
def mixed(world, rows, row):
    """Two sets of ours, an analyst's row, an older tool's rows, and rows of types that nobody can import."""
    world.sync(rows(2), name="one")
    world.sync([row(3, "Warn", title="Phish"), row("203.0.113.7", indicatorType="IpAddress")], name="two")
    soon = {"expirationTime": "2099-01-01T00:00:00Z"}
    world.emulator.add_rows([row("theirs.example.net", "Block", **soon)], created_by=ANALYST)
    older = [row(number, title="Old feed") for number in (10, 11)]
    world.emulator.add_rows(older, created_by=OLD_TOOL, application="OldTool 3")
    world.emulator.add_rows([{"indicatorType": "WebCategory", "indicatorValue": "gambling", "action": "Block"}])
    world.calls()
    return world


def listed(world, **inputs):
    found = world.act("list_indicators", **inputs)
    assert found["found"] == len(found["indicators"])
    return [each["indicatorValue"] for each in found["indicators"]]


@pytest.mark.parametrize(
    ("inputs", "values"),
    [
        ({"types": ["IpAddress"]}, ["203.0.113.7"]),
        ({"actions": ["Warn", "Block"]}, ["host3.example.com", "theirs.example.net", "gambling"]),
        ({"owner": "own", "set": "one"}, ["host1.example.com", "host2.example.com"]),
        ({"owner": ANALYST[:7]}, ["theirs.example.net", "gambling"]),
        (
            {"owner": "foreign"},
            ["theirs.example.net", "host10.example.com", "host11.example.com", "gambling"],
        ),
        ({"application": "OldTool*"}, ["host10.example.com", "host11.example.com"]),
        ({"title": "Ph?sh"}, ["host3.example.com"]),
        ({"value": "*.net"}, ["theirs.example.net"]),
        ({"text": "OLD FEED"}, ["host10.example.com", "host11.example.com"]),
        (
            {"expires_within": 91},
            ["host1.example.com", "host2.example.com", "host3.example.com", "203.0.113.7"],
        ),
        ({"owner": "own", "value": "*.net"}, []),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_a_listing_shows_what_fits(mixed, inputs, values):
    assert listed(mixed, **inputs) == values
    assert mixed.writes() == {}


def test_a_listing_says_whose_a_row_is(mixed):
    found = {each["indicatorValue"]: each for each in mixed.act("list_indicators")["indicators"]}
    assert (found["host1.example.com"]["own"], found["host1.example.com"]["set"]) == (True, "one")
    assert (found["theirs.example.net"]["own"], found["theirs.example.net"]["createdBy"]) == (False, ANALYST)


def test_a_listing_goes_to_the_last_page(make_world, rows):
    world = make_world(page_size=7)
    world.emulator.add_rows(rows(40))
    assert len(listed(world)) == 40


@pytest.mark.parametrize("form", ["ndjson", "json", "values", "portal-csv", "table"])
def test_every_form_of_a_listing_holds_the_values(mixed, form):
    ended = mixed.cli("list", "--set", "one", "--output", form)
    assert ended.code == 0, ended.err
    assert "host1.example.com" in ended.out
    assert "theirs.example.net" not in ended.out


@pytest.mark.parametrize("form", ["ndjson", "json", "portal-csv"])
def test_a_listing_can_be_imported_again(mixed, tmp_path, form):
    file = tmp_path / f"listing.{form}"
    file.write_text(mixed.cli("list", "--set", "two", "--output", form).out, encoding="utf-8")
    ended = mixed.cli("import", file, "--dry-run", "--json")
    assert json.loads(ended.out)["counts"]["pending"] == 2, ended


def test_a_listing_is_one_document(mixed):
    assert json.loads(mixed.cli("list", "--json").out)["total"] == 8


# Room


def test_room_without_an_input(mixed):
    found = mixed.act("check_capacity", soon_days=91)
    assert (found["total"], found["own"], found["foreign"], found["free"]) == (8, 4, 4, 14_992)
    assert found["expiring"] == 4
    assert found["owners"][ANALYST] == 2
    assert (found["needed"], found["left_out"]) == (0, 0)
    assert mixed.writes() == {}


def test_a_reserve_is_not_free(mixed):
    mixed.configure(capacity={"reserve": 14_990})
    found = mixed.act("check_capacity")
    assert (found["reserve"], found["free"]) == (14_990, 2)


@pytest.mark.parametrize("action", ["Audit", "Block"])
def test_room_for_an_input_and_what_would_be_left_out(mixed, rows, row, action):
    mixed.configure(capacity={"reserve": 14_990})
    source = [row(1), *rows(5, action, first=50, severity="Low"), row(90, action, severity="High")]
    found = mixed.act("check_capacity", indicators=source, set="one")
    assert (found["needed"], found["left_out"]) == (6, 4)
    assert "host90.example.com" not in {each["value"] for each in found["left_out_rows"]}


def test_room_for_more_blocks_than_the_guard_lets_pass_at_once(mixed, rows):
    mixed.configure(capacity={"reserve": 14_000})
    found = mixed.act("check_capacity", indicators=rows(1_500, "Block", first=100))
    assert (found["needed"], found["left_out"]) == (1_500, 508)
    assert len(found["left_out_rows"]) == 508


def test_room_through_the_command_line(mixed, tmp_path):
    file = tmp_path / "feed.txt"
    file.write_text("new.example.org\nhost1.example.com\n", encoding="utf-8")
    ended = mixed.cli("capacity", file, "--set", "one")
    assert (ended.code, "needed: 1" in ended.out, "total: 8" in ended.out) == (0, True, True)
    assert json.loads(mixed.cli("capacity", "--json").out)["total"] == 8
    ended = mixed.cli("capacity", tmp_path / "nowhere")
    assert (ended.code, len(ended.err.strip().splitlines())) == (2, 1)


def test_case_068_a_plan_says_that_it_does_not_fit(world, rows, tmp_path):
    world.configure(capacity={"reserve": 14_890})
    world.emulator.add_rows(rows(100, first=100_000))
    file = tmp_path / "feed.json"
    file.write_text(json.dumps(rows(500)), encoding="utf-8")
    ended = world.cli("plan", file, "--set", "feed", "--output", tmp_path / "plan.json", "--json")
    report = json.loads(ended.out)
    assert (report["counts"]["pending"], report["counts"]["deferred"]) == (10, 490)
    assert report["plan"]["capacity"]["free"] == 10
    assert ended.code == 5
    assert world.writes() == {}


# Conflicts


@pytest.fixture
def torn(world, row):
    """One conflict of each kind, ours and an analyst's."""
    ours = {"application": "defender-indicators/feed"}
    sha1, sha256 = {"indicatorType": "FileSha1"}, {"indicatorType": "FileSha256"}
    world.emulator.add_rows(
        [
            row("both.example.com", "Block", **ours),
            row("actions.example.com", **ours),
            row("actions.example.com", "Warn", **ours),
            row("double.example.com", **ours),
            row("DOUBLE.example.com", **ours),
            row("scopes.example.com", "Warn", **ours),
            row("scopes.example.com", "Warn", rbacGroupNames=["Servers"], **ours),
            row("a" * 40, "Block", title="one file", **sha1, **ours),
            row("b" * 64, "Block", title="one file", **sha256, **ours),
            row("fine.example.com", **ours),
        ],
        created_by=world.emulator.client_id,
    )
    world.emulator.add_rows([row("both.example.com", "Allowed"), row("double.example.com.")], created_by=ANALYST)
    return world


KINDS = {"allowed_and_blocked": 1, "several_actions": 1, "doubled": 1, "several_scopes": 1, "weaker_hash": 1}


def test_conflicts_of_every_kind_are_found_and_nothing_is_changed(torn):
    found = torn.act("find_conflicts")
    assert found["counts"] == KINDS
    assert found["repair"] == {}
    assert torn.writes() == {}


def test_one_kind_alone(torn):
    found = torn.act("find_conflicts", kinds=["doubled"])
    assert found["counts"] == {"doubled": 1}
    assert len(found["conflicts"][0]["rows"]) == 3


def test_a_repair_deletes_surplus_rows_of_ours_only(torn):
    theirs = torn.rows(by=ANALYST)
    found = torn.act("find_conflicts", kinds=["doubled"], repair=True)
    assert found["repair"]["outcome"] == "succeeded"
    assert torn.writes() == {"batch_delete": 1}
    assert torn.rows(by=ANALYST) == theirs
    assert found["surplus"] == found["repair"]["counts"]["accepted"] >= 1
    assert torn.act("find_conflicts", repair=True, kinds=["allowed_and_blocked"])["repair"] == {}


def test_case_122_doubles_of_a_service_that_always_inserts_are_swept(make_world, rows):
    world = make_world(identity="always_insert")
    world.emulator.faults.add("drop_after@first:1@on:import")
    world.configure(delivery={"backoff_seconds": 0.01, "reconcile_after_seconds": 0.01})
    world.sync(rows(10))
    if len(world.rows()) > 10:
        found = world.act("find_conflicts", kinds=["doubled"], repair=True)
        assert found["repair"]["outcome"] == "succeeded"
    world.sync(rows(10))
    assert len(world.rows()) == 10


def test_conflicts_through_the_command_line(torn):
    ended = torn.cli("conflicts")
    assert ended.code == 0, ended.err
    assert "5 conflicts" in ended.out
    for kind in KINDS:
        assert kind in ended.out
    ended = torn.cli("conflicts", "--kind", "doubled", "--repair", "--dry-run", "--json")
    assert json.loads(ended.out)["counts"] == {"doubled": 1}
    assert torn.writes() == {}
    ended = torn.cli("conflicts", "--kind", "doubled", "--repair")
    assert "repair: succeeded" in ended.out
    ended = torn.cli("conflicts", "--kind", "nonsense")
    assert ended.code == 2


def test_a_repair_that_did_not_end_well_says_so_in_its_exit_code(torn):
    torn.emulator.faults.add("403=Forbidden@on:batch_delete")
    ended = torn.cli("conflicts", "--kind", "doubled", "--repair", "--json")
    assert ended.code != 0
    assert json.loads(ended.out)["repair"]["outcome"] != "succeeded"


# Rows of an older tool


def test_adopted_rows_are_kept_up_to_date_and_deleted_by_the_set(mixed, rows, row):
    found = mixed.act("adopt_indicators", set="old", application="OldTool*")
    assert (found["found"], found["adopted"]) == (2, 2)
    assert mixed.writes() == {}
    ids = {each["indicatorValue"]: each["id"] for each in mixed.rows()}
    report = mixed.sync([row(10, title="New title")], name="old")
    assert report["outcome"] == "succeeded", report
    assert {name: count for name, count in report["plan"]["changes"].items() if count} == {"update": 1, "delete": 1}
    after = {each["indicatorValue"]: each for each in mixed.rows()}
    assert after["host10.example.com"]["title"] == "New title"
    assert after["host10.example.com"]["id"] == ids["host10.example.com"]
    assert "host11.example.com" not in after
    assert "theirs.example.net" in after
    mixed.writes()
    assert mixed.sync([row(10, title="New title")], name="old")["counts"]["unchanged"] == 1
    assert mixed.writes() == {}


def test_before_they_are_adopted_a_set_leaves_them_alone(mixed, row):
    before = [each for each in mixed.rows() if each["createdBy"] == OLD_TOOL]
    report = mixed.sync([row(10, "Warn")], name="old")
    assert report["outcome"] == "held"
    assert [each for each in mixed.rows() if each["createdBy"] == OLD_TOOL] == before


def test_an_adopted_row_is_replaced(mixed, row):
    mixed.act("adopt_indicators", set="old", owner=OLD_TOOL)
    report = mixed.sync([row(10, "Warn"), row(11)], name="old")
    assert report["outcome"] == "succeeded", report
    assert ("host10.example.com", "Warn") in mixed.truth()
    assert ("host10.example.com", "Audit") not in mixed.truth()


def test_adopting_twice_or_in_a_dry_run_takes_nothing(mixed):
    assert mixed.act("adopt_indicators", set="old", title="Old feed", dry_run=True)["adopted"] == 0
    assert listed(mixed, set="old") == []
    assert mixed.act("adopt_indicators", set="old", title="Old feed")["adopted"] == 2
    assert mixed.act("adopt_indicators", set="old", title="Old feed")["found"] == 0
    assert listed(mixed, set="old") == ["host10.example.com", "host11.example.com"]


def test_adopting_everything_by_naming_nothing_is_refused(mixed):
    with pytest.raises(InputError, match="say which rows"):
        mixed.act("adopt_indicators", set="old")


def test_adopting_through_the_command_line(mixed):
    ended = mixed.cli("adopt", "--set", "old", "--application", "OldTool*", "--why", "the tool retires")
    assert (ended.code, "2 found, 2 adopted" in ended.out) == (0, True)
    assert json.loads(mixed.cli("adopt", "--set", "old", "--application", "OldTool*", "--json").out)["found"] == 0
    ended = mixed.cli("adopt", "--set", "Old Set", "--application", "OldTool*")
    assert (ended.code, len(ended.err.strip().splitlines())) == (2, 1)
    assert "rows adopted" in mixed.cli("audit", "show").out
    assert mixed.cli("audit", "verify").code == 0


# What stands in rows drives no terminal and no log


HOSTILE = (
    "x\n2026-01-01 00:00:00 INFO approved by nobody",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\r=HYPERLINK(1)",
    "\u202eevil",
)


@pytest.mark.parametrize("title", HOSTILE, ids=["line", "colour", "window", "return", "override"])
def test_case_120_a_title_of_the_tenant_stays_in_its_cell(world, row, title):
    world.emulator.add_rows([row("evil.example.net", title=title)], created_by=ANALYST)
    for command in (["list"], ["list", "--json"], ["delete", "evil.example.net", "--yes"]):
        ended = world.cli(*command)
        for text in (ended.out, ended.err):
            assert "\x1b" not in text
            assert "\r" not in text
            assert "\u202e" not in text
            assert not any(line.startswith("2026-01-01 00:00:00 INFO") for line in text.splitlines()), command


def test_case_120_a_creator_and_a_value_of_others_stay_in_their_cells(world, row):
    odd = row("evil.example.net\n2026 INFO fake", createdByDisplayName="a\nb\x1b[2J", action="Allowed")
    world.emulator.add_rows([odd, row("evil.example.net\n2026 INFO fake", "Block")])
    for command in (["list"], ["conflicts"], ["capacity"], ["list", "--output", "values"]):
        ended = world.cli(*command)
        assert ended.code == 0, ended
        assert "\x1b" not in ended.out
        assert not any(line.startswith("2026 INFO") for line in ended.out.splitlines()), command


def test_case_120_a_feed_cannot_write_lines_of_its_own(world, tmp_path):
    bad = {"indicatorType": "DomainName", "indicatorValue": "a\nERROR fake", "action": "Block", "title": "\x1b[31m"}
    file = tmp_path / "feed.json"
    file.write_text(json.dumps([bad, {**bad, "indicatorValue": "google.com", "description": "x"}]), encoding="utf-8")
    ended = world.cli("sync", file, "--set", "feed")
    for text in (ended.out, ended.err):
        assert "\x1b" not in text
        assert not any(line.startswith("ERROR") for line in text.splitlines())
