"""Wishes that name rows: deletions, replacements, repairs."""

import pytest

A, B = "a.example.com", "b.example.com"
THEM = "somebody@example.com"


def test_rows_of_others_are_not_deleted(desk, kinds):
    planner = desk.planner(desk.listed(1, A), desk.listed(2, B, by=THEM))
    plan = planner.delete(planner.snapshot.rows)
    assert kinds(plan) == [("delete", "pending"), ("delete", "rejected")]
    assert plan.changes[1].code == "foreign_row"
    assert THEM in plan.changes[1].reason


def test_rows_of_others_that_were_asked_for_wait_for_an_approval(desk, kinds):
    planner = desk.planner(desk.listed(2, B, by=THEM))
    assert kinds(planner.delete(planner.snapshot.rows, foreign=True)) == [("delete", "held")]


def test_a_row_is_deleted_once_however_often_it_is_named(desk):
    planner = desk.planner(desk.listed(1, A))
    assert len(planner.delete([*planner.snapshot.rows, *planner.snapshot.rows]).changes) == 1


def test_a_deletion_keeps_what_is_needed_to_bring_the_row_back(desk):
    planner = desk.planner(desk.listed(1, A, severity="High", createdByDisplayName="x"))
    [change] = planner.delete(planner.snapshot.rows).changes
    assert b'"severity":"High"' in change.row
    assert b'"id":"1"' in change.row
    assert b"createdBy" not in change.row


@pytest.mark.parametrize(("action", "kind"), [("Warn", "replace"), ("Audit", "unchanged")])
def test_a_replacement_changes_what_is_there(desk, action, kind):
    planner = desk.planner(desk.listed(1, A))
    plan = planner.replace(desk.wanted(desk.row(A, action)), (), desk.goal())
    assert plan.changes[0].kind == kind


def test_a_replacement_of_what_is_not_there_is_rejected(desk):
    plan = desk.planner().replace(desk.wanted(desk.row(A, "Warn")), (), desk.goal())
    assert (plan.changes[0].status, plan.changes[0].code) == ("rejected", "not_in_tenant")


def test_a_replacement_deletes_nothing_else(desk, kinds):
    planner = desk.planner(desk.listed(1, A), desk.listed(2, B))
    assert kinds(planner.replace(desk.wanted(desk.row(A)), (), desk.goal())) == [("unchanged", "unchanged")]


def test_a_source_that_was_cut_off_is_told_to_the_brakes(desk):
    told = []

    def brakes(own, complete):
        told.append((own, complete))
        return desk.planner().brakes()

    planner = desk.planner(desk.listed(1, A))
    object.__setattr__(planner, "brakes", brakes)
    planner.sync((), (), desk.goal(), cut_off="the connection broke")
    planner.sync((), (), desk.goal())
    assert told == [(1, False), (1, True)]


def test_few_rows_that_are_named_are_never_all_there_is(desk):
    told = []
    planner = desk.planner(desk.listed(1, A))
    object.__setattr__(planner, "brakes", lambda own, complete: told.append(own) or desk.planner().brakes())
    planner.delete(planner.snapshot.rows)
    assert told == [21]
