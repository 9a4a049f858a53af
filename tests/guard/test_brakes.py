import pytest

from defender_indicators.guard import CODES, GuardSettings, brakes

SETTINGS = GuardSettings()


@pytest.mark.parametrize(("count", "unattended"), [(0, False), (1000, False), (100, True)])
def test_as_many_new_blocks_as_allowed_pass(count, unattended):
    assert brakes.new_blocks(count, SETTINGS, unattended=unattended) is None


def test_limits_are_configurable():
    settings = GuardSettings(new_blocks=5, new_blocks_unattended=2, deletes_percent=50)
    assert brakes.new_blocks(6, settings).reason == "6 new blocks, more than 5 (guard.new_blocks)"
    assert "guard.new_blocks_unattended" in brakes.new_blocks(3, settings, unattended=True).reason
    assert brakes.deletes(50, 100, settings) is None
    assert brakes.deletes(51, 100, settings).code == "too_many_deletes"


@pytest.mark.parametrize(
    ("count", "active", "held"),
    [
        (500, 999, False),
        (100, 1000, False),
        (101, 1000, True),
        (1001, 0, True),
        (1001, 999, True),
        (1001, 20_000, True),
    ],
)
def test_a_sync_blocks_a_share_of_what_is_there_once_there_is_enough(count, active, held):
    assert bool(brakes.sync_blocks(count, active, SETTINGS)) is held


@pytest.mark.parametrize(
    ("count", "active", "held"),
    [
        (0, 0, False),
        (20, 21, False),
        (21, 22, True),
        (21, 200, True),
        (100, 1000, False),
        (101, 1000, True),
        (1, 1, True),
    ],
)
def test_deletions_pass_up_to_twenty_or_a_tenth_but_never_all(count, active, held):
    assert bool(brakes.deletes(count, active, SETTINGS)) is held


def test_an_incomplete_source_that_misses_nothing_is_no_matter():
    assert brakes.deletes(0, 100, SETTINGS, complete=False) is None


def test_brakes_can_be_released_and_have_a_code():
    holds = [
        brakes.new_blocks(9999, SETTINGS),
        brakes.deletes(99, 100, SETTINGS),
        brakes.deletes(1, 9, SETTINGS, complete=False),
    ]
    assert all(hold.code in CODES and not hold.hard for hold in holds)
