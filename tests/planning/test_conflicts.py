"""Rows of a tenant that contradict or repeat each other."""

import pytest

from defender_indicators.planning.conflicts import CONFLICTS, conflicts_of, described, repair_of

A = "a.example.com"
THEM = "somebody@example.com"


def kinds_of(desk, *rows):
    return [conflict.kind for conflict in conflicts_of(desk.snapshot(*rows))]


def test_a_tidy_tenant_has_no_conflicts(desk):
    assert kinds_of(desk, desk.listed(1, A), desk.listed(2, "b.example.com", "Block")) == []


@pytest.mark.parametrize("stopping", ["Block", "Warn", "BlockAndRemediate"])
def test_one_row_allows_and_another_stops(desk, stopping):
    assert kinds_of(desk, desk.listed(1, A, "Allowed", by=THEM), desk.listed(2, A, stopping)) == ["allowed_and_blocked"]


def test_an_allowing_row_of_one_group_contradicts_a_block_of_another(desk):
    rows = [desk.listed(1, A, "Allowed", rbacGroupNames=["x"]), desk.listed(2, A, "Block", rbacGroupNames=["y"])]
    assert kinds_of(desk, *rows) == ["allowed_and_blocked"]


def test_two_actions_in_one_scope(desk):
    assert kinds_of(desk, desk.listed(1, A, "Audit"), desk.listed(2, A, "Block")) == ["several_actions"]


def test_a_group_beside_all_devices(desk):
    assert kinds_of(desk, desk.listed(1, A), desk.listed(2, A, rbacGroupNames=["x"])) == ["several_scopes"]


def test_case_122_doubles_are_found_in_any_spelling_and_the_newest_of_ours_stays(desk):
    rows = [
        desk.listed(1, A, lastUpdateTime="2026-01-03T00:00:00Z"),
        desk.listed(2, A.upper(), lastUpdateTime="2026-01-04T00:00:00Z"),
        desk.listed(3, A, lastUpdateTime="2026-01-02T00:00:00Z"),
    ]
    [conflict] = conflicts_of(desk.snapshot(*rows))
    assert conflict.kind == "doubled"
    assert {row["id"] for row in conflict.surplus} == {"1", "3"}


def test_case_122_somebody_elses_double_is_never_deleted(desk):
    rows = [desk.listed(1, A, by=THEM), desk.listed(2, A), desk.listed(3, A, by=THEM)]
    [conflict] = conflicts_of(desk.snapshot(*rows))
    assert {row["id"] for row in conflict.surplus} <= {"2"}


def test_a_weaker_hash_of_a_file_is_told_but_never_deleted(desk):
    strong, weak = desk.listed(1, "a" * 64), desk.listed(2, "b" * 40)
    weak["indicatorType"] = "FileSha1"
    [conflict] = conflicts_of(desk.snapshot(strong, weak))
    assert conflict.kind == "weaker_hash"
    assert [row["id"] for row in conflict.rows] == ["2", "1"]
    assert conflict.surplus == ()


def test_files_that_only_share_a_title_are_left_alone(desk):
    assert kinds_of(desk, desk.listed(1, "a" * 64), desk.listed(2, "b" * 64)) == []


def test_a_row_is_deleted_once_however_many_conflicts_it_is_in(desk):
    rows = [desk.listed(1, A), desk.listed(2, A), desk.listed(3, A, "Block")]
    changes = repair_of(conflicts_of(desk.snapshot(*rows)))
    assert [change.id for change in changes] == ["1"] or [change.id for change in changes] == ["2"]


def test_a_conflict_is_told_with_what_a_repair_would_do(desk):
    snapshot = desk.snapshot(desk.listed(1, A), desk.listed(2, A))
    [conflict] = conflicts_of(snapshot)
    told = described(conflict, snapshot)
    assert told["meaning"] == CONFLICTS["doubled"]
    assert sorted(row["repair"] for row in told["rows"]) == ["delete", "keep"]
