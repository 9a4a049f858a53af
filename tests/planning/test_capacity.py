"""What happens when not everything fits."""

import pytest

from defender_indicators.planning.capacity import Room, rank
from defender_indicators.planning.changes import Wanted

NAMES = [f"host{number}.example.com" for number in range(20)]


def ranked(desk, *pairs):
    """Rows with a priority each."""
    rows = desk.wanted(*(desk.row(value) for value, _ in pairs))
    return [
        Wanted(one.position, one.indicator, rank("", priority, 0, ""))
        for one, (_, priority) in zip(rows, pairs, strict=True)
    ]


def plan_of(desk, tenant, pairs, **room):
    return desk.planner(*tenant, room=Room(**room)).sync(ranked(desk, *pairs), (), desk.goal())


def by_value(plan):
    return {change.value: (change.kind, change.status) for change in plan.changes}


def test_case_068_what_does_not_fit_is_deferred_before_anything_is_sent(desk):
    plan = desk.sync([], [desk.row(name) for name in NAMES], room=Room(limit=15))
    assert plan.counts()["add"] == 15
    deferred = [change for change in plan.changes if change.status == "deferred"]
    assert len(deferred) == 5
    assert {change.code for change in deferred} == {"capacity_reached"}


def test_rows_of_others_take_their_part_of_the_room(desk):
    tenant = [desk.listed(number, f"other{number}.example.com", by="them") for number in range(10)]
    plan = desk.sync(tenant, [desk.row(NAMES[0])], room=Room(limit=10))
    assert by_value(plan) == {NAMES[0]: ("add", "deferred")}
    assert plan.facts["capacity"] == {
        "limit": 10, "reserve": 0, "total": 10, "own": 0, "foreign": 10, "free": 0, "total_after": 10, "free_after": 0,
    }  # fmt: skip


def test_the_reserve_stays_free(desk):
    plan = desk.sync([], [desk.row(name) for name in NAMES[:5]], room=Room(limit=10, reserve=7))
    assert plan.counts()["add"] == 3
    assert plan.facts["capacity"]["free_after"] == 0


def test_the_highest_ranks_are_kept(desk):
    pairs = [("low.example.com", 1), ("high.example.com", 9), ("middle.example.com", 5)]
    assert by_value(plan_of(desk, [], pairs, limit=2)) == {
        "low.example.com": ("add", "deferred"),
        "high.example.com": ("add", "pending"),
        "middle.example.com": ("add", "pending"),
    }


def test_rows_are_ranked_by_priority_then_severity_then_confidence_then_newest():
    best = [
        rank("Low", 2, 0, ""),
        rank("High", 1, 0, ""),
        rank("Low", 1, 90, ""),
        rank("Low", 1, 10, "2026"),
        rank("Low", 1, 10, "2025"),
    ]
    assert sorted(best, reverse=True) == best
    assert rank("", 1, 0, "") < rank("Informational", 1, 0, "")


def test_what_leaves_makes_room_before_what_comes(desk):
    plan = desk.sync([desk.listed(1, NAMES[0])], [desk.row(NAMES[1])], room=Room(limit=1))
    add, delete = plan.changes
    assert (add.status, delete.status) == ("pending", "pending")
    lanes = {change.kind: change.lane for change in plan.laned()}
    assert lanes["delete"] < lanes["add"]


def test_where_there_is_room_deletions_come_last(desk):
    plan = desk.sync([desk.listed(1, NAMES[0])], [desk.row(NAMES[1])])
    lanes = {change.kind: change.lane for change in plan.laned()}
    assert lanes["delete"] > lanes["add"]


def test_nothing_is_evicted_unless_the_configuration_says_so(desk):
    tenant = [desk.listed(1, "low.example.com")]
    pairs = [("low.example.com", 1), ("high.example.com", 9)]
    assert by_value(plan_of(desk, tenant, pairs, limit=1))["high.example.com"] == ("add", "deferred")


def test_the_lowest_row_of_the_set_gives_way_to_a_better_one(desk):
    tenant = [desk.listed(1, "low.example.com")]
    plan = plan_of(desk, tenant, [("low.example.com", 1), ("high.example.com", 9)], limit=1, evict=True)
    assert [(change.value, change.kind, change.status) for change in plan.changes] == [
        ("low.example.com", "unchanged", "deferred"),
        ("high.example.com", "add", "pending"),
        ("low.example.com", "evict", "pending"),
    ]
    lanes = {change.kind: change.lane for change in plan.laned()}
    assert lanes["evict"] < lanes["add"]


def test_a_better_row_never_gives_way_to_a_lower_one(desk):
    tenant = [desk.listed(1, "high.example.com")]
    plan = plan_of(desk, tenant, [("low.example.com", 1), ("high.example.com", 9)], limit=1, evict=True)
    assert by_value(plan) == {"low.example.com": ("add", "deferred"), "high.example.com": ("unchanged", "unchanged")}


@pytest.mark.parametrize("whose", [{"by": "them"}, {"application": "defender-indicators/other"}])
def test_rows_of_others_are_never_evicted(desk, whose):
    tenant = [desk.listed(1, "other.example.com", **whose)]
    assert by_value(plan_of(desk, tenant, [("high.example.com", 9)], limit=1, evict=True)) == {
        "high.example.com": ("add", "deferred")
    }


def test_a_replacement_needs_room_for_a_moment(desk):
    plan = desk.sync([desk.listed(1, NAMES[0])], [desk.row(NAMES[0], "Warn")], room=Room(limit=1))
    assert [(change.kind, change.status) for change in plan.changes] == [("replace", "deferred"), ("clear", "deferred")]


def test_what_allows_frees_its_own_place_first(desk):
    plan = desk.sync([desk.listed(1, NAMES[0], "Allowed")], [desk.row(NAMES[0], "Block")], room=Room(limit=1))
    assert [(change.kind, change.status) for change in plan.changes] == [("replace", "pending"), ("clear", "pending")]
