"""What the guard holds of a plan."""

import pytest

A, B = "a.example.com", "b.example.com"


def held(plan):
    return {(change.kind, change.value): change.code for change in plan.changes if change.status == "held"}


def listing(desk, action, *, hard=False):
    return lambda one: desk.hold(hard=hard) if one.action == action else None


def test_a_new_row_that_the_guard_knows_is_held(desk):
    plan = desk.sync([], [desk.row(A, "Block"), desk.row(B)], judge=listing(desk, "Block"))
    assert held(plan) == {("add", A): "warninglist"}


@pytest.mark.parametrize(("hard", "status"), [(False, "pending"), (True, "held")])
def test_a_row_that_is_there_already_is_stopped_by_hard_rules_only(desk, hard, status):
    plan = desk.sync(
        [desk.listed(1, A, "Block")], [desk.row(A, "Block", title="n")], judge=listing(desk, "Block", hard=hard)
    )
    assert plan.changes[0].status == status


def test_both_halves_of_a_replacement_are_held_together(desk):
    plan = desk.sync([desk.listed(1, A)], [desk.row(A, "Block")], judge=listing(desk, "Block"))
    assert held(plan) == {("replace", A): "warninglist", ("clear", A): "warninglist"}


def test_what_allows_is_not_deleted_for_a_block_that_is_held(desk):
    plan = desk.sync([desk.listed(1, A, "Allowed")], [desk.row(A, "Block")], judge=listing(desk, "Block"))
    assert held(plan) == {("replace", A): "warninglist", ("clear", A): "warninglist"}


def test_case_111_too_many_new_blocks_are_held_together(desk):
    rows = [desk.row(A, "Block"), desk.row(B, "Block"), desk.row("c.example.com")]
    plan = desk.sync([], rows, blocks=lambda count: desk.hold("too_many_blocks") if count > 1 else None)
    assert held(plan) == {("add", A): "too_many_blocks", ("add", B): "too_many_blocks"}


def test_blocks_that_are_held_already_do_not_count(desk):
    seen = []
    judge = listing(desk, "Block")
    desk.sync([], [desk.row(A, "Block"), desk.row(B)], judge=judge, blocks=seen.append)
    assert seen == [0]


def test_case_104_too_many_deletions_are_held_and_additions_go_on(desk):
    plan = desk.sync([desk.listed(1, A)], [desk.row(B)], deletes=lambda count: desk.hold("too_many_deletes"))
    assert held(plan) == {("delete", A): "too_many_deletes"}
    assert plan.counts()["add"] == 1


def test_a_hard_hold_is_never_released(desk):
    plan = desk.sync([], [desk.row(A, "Block")], judge=listing(desk, "Block", hard=True))
    assert plan.changes[0].line().payload is None


def test_a_soft_hold_can_be_released(desk):
    plan = desk.sync([], [desk.row(A, "Block")], judge=listing(desk, "Block"))
    assert plan.changes[0].line().payload == plan.changes[0].row


def test_a_plan_is_judged_again_by_what_the_guard_knows_now(desk):
    plan = desk.sync([], [desk.row(A, "Block")])
    again = desk.planner(judge=listing(desk, "Block")).again(plan)
    assert held(again) == {("add", A): "warninglist"}
    assert again.hash != plan.hash
