"""Ways in which a plan must not be talked into a disaster."""

from contextlib import closing

import pytest

from defender_indicators.delivery import Ledger, Limits
from defender_indicators.errors import InputError
from defender_indicators.indicators import Canonicaliser, Policy
from defender_indicators.planning.capacity import Room, rank
from defender_indicators.planning.changes import Wanted
from defender_indicators.planning.conflicts import conflicts_of
from defender_indicators.planning.guarding import Brakes
from defender_indicators.planning.plan_file import PlanFile, read_plan
from defender_indicators.planning.planner import Planner
from defender_indicators.planning.rollback import Done, inverse

A, B = "a.example.com", "b.example.com"
GROUP = {"rbacGroupNames": ["Servers"]}
BEGAN = "2026-01-01T00:00:00+00:00"


def test_a_scope_that_left_the_source_is_a_deletion_that_brakes_and_keeps_count(desk, kinds):
    tenant = [desk.listed(1, A), desk.listed(2, A, **GROUP)]
    seen = []
    plan = desk.sync(tenant, [desk.row(A)], deletes=seen.append)
    assert kinds(plan) == [("unchanged", "unchanged"), ("delete", "pending")]
    assert seen == [1]
    kept = desk.sync(tenant, [desk.row(A)], goal=desk.goal(keep=True))
    assert kinds(kept) == [("unchanged", "unchanged")]


def test_what_a_cut_off_replacement_has_left_is_cleared(desk, kinds):
    plan = desk.sync([desk.listed(1, A), desk.listed(2, A, "Block")], [desk.row(A, "Block")])
    assert kinds(plan) == [("unchanged", "unchanged"), ("clear", "pending")]
    assert plan.changes[1].id == "1"


def test_a_held_replacement_keeps_its_order_for_when_it_is_released(desk):
    plan = desk.sync([desk.listed(1, A)], [desk.row(A, "Block")], judge=lambda _: desk.hold())
    lanes = {change.kind: change.lane for change in plan.laned()}
    assert lanes["replace"] < lanes["clear"]


def test_two_held_scopes_of_a_value_come_before_what_they_replace(desk):
    tenant = [desk.listed(1, A), desk.listed(2, A, **GROUP)]
    rows = [desk.row(A, "Block"), desk.row(A, "Block", **GROUP)]
    plan = desk.sync(tenant, rows, judge=lambda _: desk.hold())
    lanes = {kind: [change.lane for change in plan.laned() if change.kind == kind] for kind in ("replace", "clear")}
    assert max(lanes["replace"]) < min(lanes["clear"])
    assert len(set(lanes["replace"])) == 2


def test_several_rows_that_allow_are_left_to_a_person(desk):
    tenant = [desk.listed(1, A, "Allowed", rbacGroupNames=["x"]), desk.listed(2, A, "Allowed", rbacGroupNames=["y"])]
    [change] = desk.sync(tenant, [desk.row(A, "Block")]).changes
    assert (change.status, change.code, change.hard) == ("held", "several_allowed", True)


def test_rows_that_stop_blocking_brake_like_deletions(desk):
    names = [f"h{number}.example.com" for number in range(30)]
    tenant = [desk.listed(number, name, "Block") for number, name in enumerate(names)]
    plan = desk.sync(tenant, [desk.row(name) for name in names], deletes=lambda _: desk.hold("too_many_deletes"))
    assert {change.status for change in plan.changes} == {"held"}
    few = desk.sync(tenant[:20], [desk.row(name) for name in names[:20]], deletes=lambda n: (n and desk.hold()) or None)
    assert {change.status for change in few.changes} == {"pending"}


def test_legacy_blocks_count_as_blocks(desk):
    seen = []
    row = desk.row("a" * 64, "AlertAndBlock")

    judged = Canonicaliser(Policy(now=desk.now, legacy_actions="keep"))(row)
    desk.planner(blocks=seen.append).sync([Wanted(0, judged)], (), desk.goal())
    assert seen == [1]


def test_nothing_is_evicted_when_the_brake_would_hold_as_many_deletions(desk):
    tenant = [desk.listed(number, f"low{number}.example.com") for number in range(5)]
    rows = desk.wanted(
        *(desk.row(f"low{n}.example.com") for n in range(5)), *(desk.row(f"high{n}.example.com") for n in range(5))
    )
    ranked = [Wanted(one.position, one.indicator, rank("", one.position, 0, "")) for one in rows]
    brakes = Brakes(lambda _: None, lambda count: desk.hold() if count > 2 else None)
    planner = Planner(desk.snapshot(*tenant), lambda _: None, lambda *_: brakes, Room(limit=5, evict=True), Limits())
    plan = planner.sync(ranked, (), desk.goal())
    assert plan.counts()["evict"] == 0
    assert plan.counts()["deferred"] == 5


def done(desk, operation, identifier, value, action):
    row = desk.row(value, action)
    return Done(operation, {**row, "id": identifier} if operation == "delete" else row, identifier)


@pytest.mark.parametrize(("old", "new"), [("Allowed", "Block"), ("Block", "Audit"), ("Block", "Allowed")])
def test_a_replacement_is_undone_in_an_order_that_leaves_no_gap_and_no_contradiction(desk, old, new):
    acts = [done(desk, "import", "6", A, new), done(desk, "delete", "5", A, old)]
    listed = desk.listed(6, A, new, creationTimeDateTimeUtc="2026-01-01T00:00:05Z")
    delete, add = inverse(acts, [], desk.snapshot(listed), BEGAN)
    assert (delete.kind, add.kind) == ("delete", "add")
    if new == "Allowed":
        assert (delete.after, add.after) == (-1, delete.position)
    else:
        assert (delete.after, add.after) == (add.position, -1)


def test_when_what_comes_back_is_held_what_is_there_stays(desk):
    acts = [done(desk, "import", "6", A, "Block"), done(desk, "delete", "5", A, "Allowed")]
    listed = desk.listed(6, A, "Block", creationTimeDateTimeUtc="2026-01-01T00:00:05Z")
    planner = desk.planner(listed, judge=lambda one: desk.hold("allowed_action") if one.action == "Allowed" else None)
    plan = planner.repair("rollback", inverse(acts, [], planner.snapshot, BEGAN))
    assert {change.status for change in plan.changes} == {"held"}


def test_of_doubles_the_one_that_lasts_stays_and_theirs_proves_nothing(desk):
    ours = [desk.listed(1, A), desk.listed(2, A, expirationTime=desk.stamp(1))]
    [conflict] = conflicts_of(desk.snapshot(*ours, desk.listed(3, A, by="them", lastUpdateTime="2030-01-01T00:00:00Z")))
    assert [row["id"] for row in conflict.surplus] == ["2"]
    [alone] = conflicts_of(desk.snapshot(desk.listed(1, A), desk.listed(3, A, by="them")))
    assert list(alone.surplus) == []


def forged(desk, plan, change):
    """The file of a plan in which somebody has written one more change, with a checksum and hash that fit."""
    more = plan.changes[0]._replace(position=len(plan.changes), **change)
    edited = type(plan)(**{**plan.__dict__, "changes": [*plan.changes, more]})
    return PlanFile.of(edited, "tenant", desk.now, 24).to_bytes()


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "rejected", "status": "pending"},
        {"kind": "update", "id": "99"},
        {"kind": "update", "id": "1", "value": "other.example.com"},
        {"kind": "delete", "id": "2", "value": B},
        {"kind": "delete", "id": ""},
        {"kind": "unchanged", "status": "pending"},
        {"kind": "nonsense"},
    ],
    ids=lambda change: "-".join(map(str, change.values())),
)
def test_case_112_a_change_that_was_never_planned_is_refused(desk, change):
    tenant = [desk.listed(1, A, title="old"), desk.listed(2, B, by="them")]
    plan = desk.sync(tenant, [desk.row(A)])
    found = read_plan(forged(desk, plan, change), "plan.json", Limits())
    assert found.hash != plan.hash
    with pytest.raises(InputError, match="no such change was planned"):
        desk.planner(*tenant).again(found.plan)


def test_case_112_an_author_who_was_edited_has_another_hash(desk):
    plan = desk.sync([], [desk.row(A)])
    assert type(plan)(**{**plan.__dict__, "author": "somebody else"}).hash != plan.hash


def test_every_run_of_a_plan_can_be_written(desk):
    plan = desk.sync([desk.listed(1, A)], [desk.row(A, "Block")], judge=lambda _: desk.hold())
    with closing(Ledger(None)) as ledger:
        plan.write(ledger, "run-1", BEGAN)
        assert ledger.counts("run-1") == {"held": 2}
