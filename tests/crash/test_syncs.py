"""Syncs, killed at every commit and every send and at any moment, whatever the service takes for one row."""

import os
import random

import pytest

IDENTITIES = ("value+type+action+scope", "value+type", "always_insert")
PLACES = (
    *("prepared", "retire", "listed", "commit", "send", "pick", "slot", "intent", "judge", "answer", "settle"),
    *("conditions", "read back", "batches", "reopen", "finish", "take over"),
)
POINTS = [f"{place} {moment}" for place in PLACES for moment in ("before", "after")]
ROUNDS = int(os.environ.get("ROUNDS") or 20)
KILLS = 8
SEEDS = range(max(2, ROUNDS // KILLS))
LOST = ("drop_before", "drop_after", "rst", "500_before", "500_after", "html", "throttle=1")
FAULTS = ("chaos=0.2", "chaos=0.05@on:list", *(f"{name}@probability:0.05@on:batch_delete" for name in LOST))


@pytest.mark.parametrize("identity", IDENTITIES)
@pytest.mark.parametrize("seed", SEEDS)
def test_case_072_case_123_a_sync_killed_anywhere_loses_reverts_and_switches_off_nothing(make_sync, seed, identity):
    faults = FAULTS if seed % 3 else ()
    settings = {"approving": seed % 2 == 1, "reconcile_after": 0.05 if seed % 4 > 1 else 1.0}
    syncing, story, _ = make_sync(seed, *faults, identity=identity, **settings)
    points = random.Random(seed).sample(POINTS, KILLS - 2)
    assert story(kills=KILLS, points=points) == []
    assert syncing.problems() == {}
    assert syncing.tenant.kills >= 2


REFUSED, LOST_CALLS = "refuse_share=0.3", "drop_before@probability:0.4"
BUGS = {
    "everything_is_deleted_first": (),
    "everything_is_imported_first": (),
    "resumptions_forget_what_comes_first": (REFUSED,),
    "absent_rows_are_accepted": (LOST_CALLS,),
}
BUGS_OF_SCHEDULES = ("unfinished_runs_are_forgotten", "older_syncs_go_on", "halves_are_left")
PLAIN = {"kills": 5, "points": ("send after", "batches after", "commit after")}
LAST_SENDS = (4, 5, 6)


@pytest.mark.parametrize("bug", BUGS)
def test_case_123_a_planted_bug_of_a_sync_is_noticed(make_sync, bug):
    for seed in range(6):
        syncing, story, _ = make_sync(seed, *BUGS[bug], bug=bug, reconcile_after=0.05)
        if story(**PLAIN) or syncing.problems():
            return
    pytest.fail(f"6 times {bug} looked sound")


def test_case_123_without_a_bug_the_same_story_of_a_sync_is_sound(make_sync):
    syncing, story, _ = make_sync(0, REFUSED, LOST_CALLS, reconcile_after=0.05)
    assert story(**PLAIN) == []
    assert syncing.problems() == {}


@pytest.mark.parametrize("bug", ["", *BUGS_OF_SCHEDULES])
def test_case_123_a_late_resumption_beside_newer_syncs_is_safe_and_a_planted_bug_is_noticed(make_sync, bug):
    syncing, _, scheduled = make_sync(0, bug=bug)
    assert bool(scheduled(kills=LAST_SENDS) or syncing.problems()) == bool(bug)
