"""Another action or other devices: two steps in the order that leaves no gap."""

import json

import pytest

ORDERS = [
    pytest.param((old, new, order), id=f"{old} to {new}")
    for old, new, order in (
        ("Audit", "Block", ["import", "batch_delete"]),
        ("Warn", "Block", ["import", "batch_delete"]),
        ("Block", "Audit", ["import", "batch_delete"]),
        ("Allowed", "Block", ["batch_delete", "import"]),
        ("Allowed", "Audit", ["batch_delete", "import"]),
    )
]


@pytest.fixture
def hold(world, row):
    """Return a function that lets our set have a row, even one that the guard would hold."""

    def add(action, number=1, **more):
        own = {"application": "defender-indicators/feed"} | more
        world.emulator.add_rows([row(number, action, **own)], created_by=world.emulator.client_id)
        world.writes()

    return add


@pytest.mark.parametrize("steps", ORDERS)
def test_case_123_the_order_is_safe(world, row, hold, steps):
    old, new, order = steps
    hold(old)
    start = len(world.order())
    report = world.act("replace_indicators", indicators=[row(1, new)], set="feed")
    assert report["outcome"] == "succeeded", report
    assert world.order()[start:] == order
    assert world.truth() == [("host1.example.com", new)]
    assert world.history("host1.example.com") == [old, new]


@pytest.mark.parametrize("identity", ["value+type", "always_insert"])
def test_case_123_under_every_identity_one_row_is_left(make_world, row, identity):
    world = make_world(identity=identity)
    world.sync([row(1), row(2), row(3)])
    report = world.act("replace_indicators", indicators=[row(1, "Block")], set="feed")
    assert report["outcome"] == "succeeded", report
    values = [("host1.example.com", "Block"), ("host2.example.com", "Audit"), ("host3.example.com", "Audit")]
    assert world.truth() == values


@pytest.mark.parametrize("steps", ORDERS)
def test_case_123_a_sync_replaces_in_the_same_order(world, row, hold, steps):
    old, new, order = steps
    hold(old)
    start = len(world.order())
    report = world.sync([row(1, new)])
    assert report["plan"]["changes"]["replace"] == report["plan"]["changes"]["clear"] == 1
    assert world.order()[start:] == order
    assert world.truth() == [("host1.example.com", new)]


@pytest.mark.parametrize("fault", ["refuse_all", "reject_all"])
@pytest.mark.parametrize("old", ["Audit", "Warn"])
def test_case_123_where_the_new_row_is_refused_the_old_one_stays(world, row, hold, old, fault):
    hold(old)
    world.emulator.faults.add(fault)
    report = world.act("replace_indicators", indicators=[row(1, "Block")], set="feed")
    assert report["outcome"] != "succeeded"
    assert world.truth() == [("host1.example.com", old)]
    assert "batch_delete" not in world.writes()


@pytest.mark.parametrize("fault", ["drop_after", "trunc_after", "500_after", "500_before"])
@pytest.mark.parametrize("steps", ORDERS[1:4:2])
def test_case_123_a_lost_answer_of_either_step_ends_well(world, row, hold, steps, fault):
    old, new, order = steps
    hold(old)
    world.configure(delivery={"backoff_seconds": 0.01})
    world.emulator.faults.add(f"{fault}@first:1@on:{order[0]}")
    report = world.act("replace_indicators", indicators=[row(1, new)], set="feed")
    assert report["outcome"] == "succeeded", report
    assert world.truth() == [("host1.example.com", new)]


def test_case_124_another_scope_is_a_replacement(world, row, hold):
    hold("Warn")
    report = world.act("replace_indicators", indicators=[row(1, "Warn", rbacGroupNames=["Servers"])], set="feed")
    assert report["outcome"] == "succeeded"
    [found] = world.rows()
    assert found["rbacGroupNames"] == ["Servers"]
    assert world.order()[-2:] == ["import", "batch_delete"]


def test_what_the_tenant_does_not_hold_is_rejected(world, row):
    report = world.act("replace_indicators", indicators=[row(1, "Block")])
    assert [(each["status"], each["code"]) for each in report["results"]] == [("rejected", "not_in_tenant")]
    assert world.writes() == {}


def test_a_row_of_others_is_not_replaced(world, row):
    world.emulator.add_rows([row(1, "Allowed")])
    report = world.act("replace_indicators", indicators=[row(1, "Block")])
    assert [(each["status"], each["code"]) for each in report["results"]] == [("held", "foreign_row")]
    assert world.writes() == {}


def test_the_guard_looks_at_replacements_and_both_halves_wait(world, row):
    world.sync([row("google.com")])
    world.writes()
    report = world.act("replace_indicators", indicators=[row("google.com", "Block")], set="feed")
    assert [each["status"] for each in report["results"]] == ["held", "held"]
    assert world.writes() == {}
    assert world.truth() == [("google.com", "Audit")]


def test_rows_that_were_imported_one_by_one_are_replaced_without_a_set(world, row):
    world.act("import_indicators", indicators=[row(1)])
    report = world.act("replace_indicators", indicators=[row(1, "Block")])
    assert report["outcome"] == "succeeded", report
    assert world.truth() == [("host1.example.com", "Block")]


def test_a_full_tenant_has_no_room_for_a_replacement_and_says_so(world, rows, row):
    world.configure(capacity={"reserve": 14_900})
    world.sync([row(1)])
    world.emulator.add_rows(rows(99, first=100_000))
    report = world.act("replace_indicators", indicators=[row(1, "Warn")], set="feed")
    assert {each["code"] for each in report["results"]} == {"capacity_reached"}
    assert world.history("host1.example.com") == ["Audit"]
    assert len(world.rows()) == 100


def test_the_command_line(world, row, tmp_path):
    world.sync([row(1), row(2)])
    file = tmp_path / "new.json"
    file.write_text(json.dumps([row(1, "Block"), row(9, "Block")]), encoding="utf-8")
    ended = world.cli("replace", file, "--set", "feed", "--dry-run")
    assert (ended.code, "1 replace" in ended.out, "1 clear" in ended.out) == (1, True, True)
    ended = world.cli("replace", file, "--set", "feed", "--json")
    assert ended.code == 1, ended.err
    report = json.loads(ended.out)
    assert (report["counts"]["accepted"], report["counts"]["rejected"]) == (2, 1)
    ended = world.cli("replace", tmp_path / "nowhere.json")
    assert (ended.code, len(ended.err.strip().splitlines())) == (2, 1)


# Values of one spelling or of two types


def test_case_096_six_spellings_of_a_domain_are_one_row(world, row):
    spellings = (
        "Login.Example.ORG",
        "login.example.org.",
        " login.example.org",
        "\uff4c\uff4f\uff47\uff49\uff4e.example.org",
        "login\u3002example\u3002org",
        "login.example.org",
    )
    report = world.sync([row(value) for value in spellings])
    assert (report["counts"]["accepted"], report["counts"]["duplicate"]) == (1, 5)
    assert world.truth() == [("login.example.org", "Audit")]
    world.writes()
    assert world.sync([row(value) for value in spellings[:3]])["counts"]["unchanged"] == 1
    assert world.writes() == {}


def test_case_096_spellings_that_contradict_each_other_are_rejected_and_the_tenant_keeps_its_row(world, row):
    world.sync([row("login.example.org")])
    world.writes()
    report = world.sync([row("LOGIN.example.org", "Block"), row("login.example.org.")])
    assert {each["status"] for each in report["results"]} == {"rejected"}
    assert world.writes() == {}
    assert world.truth() == [("login.example.org", "Audit")]


def test_case_124_one_value_of_two_types_never_shares_a_call(world, row):
    both = [row("login.example.org"), row("login.example.org", indicatorType="Url")]
    report = world.sync(both)
    assert report["counts"]["rejected"] + report["counts"]["accepted"] == 2
    sent = [each.rows for each in world.emulator.arrivals if each.endpoint == "import"]
    assert all(count == 1 for count in sent)
    world.writes()
    world.sync(both)
    assert world.writes() == {}


def test_case_124_spellings_of_one_hash_are_one_row(world, row):
    spelt = [row("AB" * 32, indicatorType="FileSha256"), row("ab" * 32, indicatorType="FileSha256")]
    report = world.sync(spelt)
    assert (report["counts"]["accepted"], report["counts"]["duplicate"]) == (1, 1)
    world.emulator.add_rows([row("CD" * 32, indicatorType="FileSha256")], created_by=world.emulator.client_id)
    world.writes()
    report = world.sync([*spelt, row("cd" * 32, indicatorType="FileSha256")])
    assert report["counts"]["unchanged"] + report["counts"]["accepted"] == 2


def test_case_124_two_scopes_of_one_value_are_two_rows(world, row):
    both = [row(1, "Warn", rbacGroupNames=["Servers"]), row(1, "Warn", rbacGroupNames=["Clients"])]
    report = world.sync(both)
    assert report["counts"]["accepted"] == 2
    assert world.writes() == {"import": 2}
    world.sync(both)
    assert world.writes() == {}
    report = world.sync(both[:1])
    assert [each["rbacGroupNames"] for each in world.rows()] == [["Servers"]]
