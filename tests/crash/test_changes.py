"""Replacements and deletions, killed at every step of a call, whatever the service takes for one row."""

import os

import pytest

IDENTITIES = ("value+type+action+scope", "value+type", "always_insert")
MOMENTS = ("before", "after")
PLACES = (
    "pick",
    "slot",
    "intent",
    "send",
    "judge",
    "answer",
    "settle",
    "statement",
    "batches",
    "conditions",
    "read back",
)
FAULTS = pytest.mark.parametrize("faults", [(), ("chaos=0.15",)], ids=["quiet", "faults"])
SEEDS = range(max(1, int(os.environ.get("ROUNDS") or 20) // 100))


@FAULTS
@pytest.mark.parametrize("identity", IDENTITIES)
@pytest.mark.parametrize("seed", SEEDS)
def test_case_123_case_125_a_kill_at_any_step_of_a_change_loses_no_value(make_changes, identity, faults, seed):
    changing = make_changes(seed, *faults, identity=identity, window_seconds=0.3, reconcile_after=1.0)
    for number, point in enumerate(f"{place} {moment}" for place in PLACES for moment in MOMENTS):
        if changing.run(failpoint=[point, 1 + (number + seed) % 3]) == 0:
            break  # it came to its end before it came there
        assert changing.unreported() == [], point
    for _ in range(10):
        if changing.run() == 0:
            break
    assert changing.tenant.kills >= 5
    assert changing.problems() == {}


@pytest.mark.parametrize("bug", ["conditions_are_ignored", "deletions_in_doubt_are_done", "deletions_know_no_lane"])
def test_case_123_a_planted_bug_is_noticed(make_changes, bug):
    for seed in range(6):
        faults = ("drop_before@probability:0.3", "drop_after@probability:0.1", "refuse_share=0.2")
        changing = make_changes(seed, *faults, identity=IDENTITIES[1 - seed % 2], bug=bug, window_seconds=0.3)
        for _ in range(4):
            if changing.run() == 0 or changing.unreported():
                break
        if changing.unreported() or changing.problems():
            return
    pytest.fail(f"6 times {bug} looked sound")
