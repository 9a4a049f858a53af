"""What a sync makes of a source and a tenant."""

import pytest

from defender_indicators.planning.snapshot import APPLICATION, tag

A, B, C = "a.example.com", "b.example.com", "c.example.com"


def test_what_the_tenant_lacks_is_added(desk, kinds):
    assert kinds(desk.sync([], [desk.row(A)])) == [("add", "pending")]


def test_equal_rows_are_left_alone(desk, kinds):
    plan = desk.sync([desk.listed(1, A)], [desk.row(A)])
    assert kinds(plan) == [("unchanged", "unchanged")]
    assert plan.changes[0].id == "1"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "other"),
        ("description", "other"),
        ("severity", "High"),
        ("recommendedActions", "look"),
        ("expirationTime", "2026-02-01T00:00:00Z"),
        ("mitreTechniques", ["T1566"]),
    ],
)
def test_every_field_that_differs_is_an_update(desk, kinds, field, value):
    plan = desk.sync([desk.listed(1, A)], [desk.row(A, **{field: value})])
    assert kinds(plan) == [("update", "pending")]
    assert plan.changes[0].fields == (field,)


def test_an_alert_switched_off_is_an_update(desk):
    plan = desk.sync([desk.listed(1, A, "Block", generateAlert=True)], [desk.row(A, "Block")])
    assert plan.changes[0].fields == ("generateAlert",)


def test_a_field_that_the_source_does_not_name_is_no_difference(desk, kinds):
    assert kinds(desk.sync([desk.listed(1, A, severity="High")], [desk.row(A)])) == [("unchanged", "unchanged")]


def test_a_row_of_the_set_that_left_the_source_is_deleted_by_its_id(desk, kinds):
    plan = desk.sync([desk.listed(1, A), desk.listed(2, B)], [desk.row(A)])
    assert kinds(plan) == [("unchanged", "unchanged"), ("delete", "pending")]
    assert plan.changes[1].id == "2"


def test_keep_missing_deletes_nothing(desk, kinds):
    plan = desk.sync([desk.listed(2, B)], [desk.row(A)], goal=desk.goal(keep=True))
    assert kinds(plan) == [("add", "pending")]


@pytest.mark.parametrize(
    "foreign",
    [
        {"by": "somebody@example.com"},
        {"application": tag("other")},
        {"application": APPLICATION},
        {"application": "Another tool"},
    ],
)
def test_rows_of_others_and_of_other_sets_are_never_deleted(desk, kinds, foreign):
    assert kinds(desk.sync([desk.listed(1, B, **foreign)], [desk.row(A)])) == [("add", "pending")]


def test_a_row_in_no_set_is_brought_up_to_date_but_never_deleted(desk, kinds):
    mine = desk.listed(1, A, application=APPLICATION)
    assert kinds(desk.sync([mine], [desk.row(A, title="new")])) == [("update", "pending")]
    assert kinds(desk.sync([mine], [])) == []


def test_a_value_that_the_source_names_in_a_bad_row_is_not_deleted(desk, kinds):
    assert kinds(desk.sync([desk.listed(1, A)], [], goal=desk.goal(known={A}))) == []


def test_somebody_elses_row_that_says_the_same_counts_as_unchanged(desk):
    plan = desk.sync([desk.listed(7, A, by="somebody@example.com", title="theirs")], [desk.row(A)])
    [change] = plan.changes
    assert (change.status, change.id) == ("unchanged", "7")
    assert "somebody else" in change.notes[0]


@pytest.mark.parametrize("more", [{"action": "Allowed"}, {"rbacGroupNames": ["Servers"]}])
def test_somebody_elses_row_in_the_way_is_held(desk, more):
    row = desk.listed(7, A, by="somebody@example.com") | more
    [change] = desk.sync([row], [desk.row(A)]).changes
    assert (change.status, change.code) == ("held", "foreign_row")
    assert "7" in change.reason


def test_an_analysts_row_with_another_action_is_not_replaced_by_a_feed(desk):
    [change] = desk.sync([desk.listed(7, A, "Allowed", application=APPLICATION)], [desk.row(A, "Block")]).changes
    assert (change.status, change.code) == ("held", "foreign_row")


def test_doubles_of_a_row_are_cleared(desk, kinds):
    plan = desk.sync([desk.listed(1, A), desk.listed(2, A)], [desk.row(A)])
    assert kinds(plan) == [("unchanged", "unchanged"), ("clear", "pending")]
    assert plan.changes[1].id == "2"


def test_case_123_another_action_is_imported_first_and_the_old_row_goes_after_it(desk, kinds):
    plan = desk.sync([desk.listed(1, A)], [desk.row(A, "Warn")])
    assert kinds(plan) == [("replace", "pending"), ("clear", "pending")]
    new, old = plan.changes
    assert (old.id, old.after, new.after) == ("1", new.position, -1)
    assert new.fields == ("action",)


def test_case_123_what_allows_goes_before_what_blocks_comes(desk):
    new, old = desk.sync([desk.listed(1, A, "Allowed")], [desk.row(A, "Block")]).changes
    assert (old.id, old.after, new.after) == ("1", -1, old.position)


def test_case_123_several_old_rows_of_a_value_all_make_way(desk):
    tenant = [desk.listed(1, A, "Allowed"), desk.listed(2, A, "Audit")]
    new, *old = desk.sync(tenant, [desk.row(A, "Block")]).changes
    assert [(one.id, one.after) for one in old] == [("1", -1), ("2", new.position)]
    assert new.after == old[0].position


@pytest.mark.parametrize(("new", "old"), [("Warn", "Audit"), ("Block", "Allowed"), ("Allowed", "Block")])
def test_case_123_what_a_replacement_left_that_was_cut_off_is_cleared_by_the_next_sync(desk, kinds, new, old):
    plan = desk.sync([desk.listed(1, A, old), desk.listed(2, A, new)], [desk.row(A, new)])
    assert kinds(plan) == [("unchanged", "unchanged"), ("clear", "pending")]
    assert plan.changes[1].id == "1"


def test_a_row_of_the_set_goes_where_somebody_elses_row_says_what_is_wanted(desk, kinds):
    tenant = [desk.listed(1, A, "Audit"), desk.listed(2, A, "Block", by="somebody@example.com")]
    assert kinds(desk.sync(tenant, [desk.row(A, "Block")])) == [("unchanged", "unchanged"), ("clear", "pending")]


def test_case_124_another_scope_replaces_the_row_of_the_old_scope(desk, kinds):
    plan = desk.sync([desk.listed(1, A)], [desk.row(A, rbacGroupNames=["Servers"])])
    assert kinds(plan) == [("replace", "pending"), ("clear", "pending")]
    assert plan.changes[1].after == plan.changes[0].position
    assert plan.changes[0].fields == ("scope",)


def test_case_124_two_wanted_scopes_of_a_value_live_side_by_side(desk, kinds):
    rows = [desk.row(A), desk.row(A, "Block", rbacGroupNames=["Servers"])]
    plan = desk.sync([desk.listed(1, A)], rows)
    assert kinds(plan) == [("unchanged", "unchanged"), ("add", "pending")]


def test_case_124_spellings_of_one_value_are_one_row(desk, kinds):
    tenant = [desk.listed(1, "A" * 64)]
    assert kinds(desk.sync(tenant, [desk.row("a" * 64)])) == [("unchanged", "unchanged")]


def test_an_adopted_row_is_a_row_of_its_set(desk, kinds):
    old = desk.listed(9, A, by="old tool", application="OldTool")
    assert kinds(desk.sync([old], [], adopted={"9": "feed"})) == [("delete", "pending")]
    assert kinds(desk.sync([old], [], adopted={"9": "another"})) == []


def test_positions_are_those_of_the_rows_and_the_deletions_follow(desk):
    tenant = [desk.listed(1, A), desk.listed(2, B), desk.listed(3, C, "Allowed")]
    plan = desk.sync(tenant, [desk.row(C, "Block"), desk.row("d.example.com")])
    assert [change.position for change in plan.changes] == list(range(len(plan.changes))) == [0, 1, 2, 3, 4]
