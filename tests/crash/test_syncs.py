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
KILLS = 12
SEEDS = range(max(2, ROUNDS // KILLS))
FAULTS = ("chaos=0.2@on:import,batch_delete", "chaos=0.05@on:list")


@pytest.mark.parametrize("identity", IDENTITIES)
@pytest.mark.parametrize("seed", SEEDS)
def test_case_072_case_123_a_sync_killed_anywhere_loses_reverts_and_switches_off_nothing(make_sync, seed, identity):
    faults = FAULTS if seed % 3 else ()
    syncing, tell = make_sync(seed, *faults, identity=identity, approving=seed % 2 == 1)
    points = random.Random(seed).sample(POINTS, KILLS - 3)
    assert tell(syncing, kills=KILLS, points=points) == []
    assert syncing.problems() == {}
    assert syncing.tenant.kills >= 4
