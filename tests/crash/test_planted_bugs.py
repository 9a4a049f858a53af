"""The harness is worth something only if it notices what it looks for: every planted bug fails an oracle."""

import importlib.util
from pathlib import Path

import pytest

FAULTS = (
    *("refuse_share=0.2", "shuffle", "short_notapplied@probability:0.2"),
    *("drop_before@probability:0.1", "drop_after@probability:0.1"),
)
ATTEMPTS = 6
ROWS = 400
OF_THEIR_OWN = ("lock_is_ignored", "slots_die_with_the_process")
OF_CHANGES = ("conditions_are_ignored", "deletions_in_doubt_are_done", "deletions_know_no_lane")
OF_SYNCS = (
    "everything_is_deleted_first",
    "everything_is_imported_first",
    "resumptions_forget_what_comes_first",
    "unfinished_runs_are_forgotten",
    "absent_rows_are_accepted",
    "older_syncs_go_on",
    "halves_are_left",
)
_spec = importlib.util.spec_from_file_location("planted", Path(__file__).with_name("planted.py"))
planted = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(planted)


def story(tenant):
    """Two crashes of one import with calls in flight, one of a newer import, then everything is resumed."""
    old = tenant.write("old.json", range(ROWS), "old")
    new = tenant.write("new.json", range(ROWS // 2, ROWS + 20), "new")
    for sends in (18, 16):
        tenant.run("import", old, failpoint=["send after", sends])
    tenant.run("import", new, failpoint=["send after", 3])
    tenant.run("import", new)
    return tenant.settle()


@pytest.mark.parametrize("bug", [name for name in planted.BUGS if name not in OF_THEIR_OWN + OF_CHANGES + OF_SYNCS])
def test_case_072_a_planted_bug_is_noticed(make_tenant, bug):
    for seed in range(ATTEMPTS):
        tenant = make_tenant(seed, *FAULTS, bug=bug, window_seconds=0.3)
        if story(tenant) or tenant.problems():
            return
    pytest.fail(f"{ATTEMPTS} times {bug} looked sound")


def test_case_072_without_a_bug_the_same_story_is_sound(make_tenant):
    tenant = make_tenant(0, *FAULTS, window_seconds=0.3)
    assert story(tenant) == []
    assert tenant.problems() == {}


@pytest.mark.parametrize("bug", ["", "slots_die_with_the_process"])
def test_case_060_slots_that_die_with_their_process_are_noticed(make_tenant, bug):
    tenant = make_tenant(0, bug=bug, window_seconds=1.0 if not bug else 4.0)
    old = tenant.write("old.json", range(500), "old")
    for sends in (18, 16):
        tenant.run("import", old, failpoint=["send after", sends])
    assert ("window" in tenant.problems()) == bool(bug)


def four_at_once(tenant):
    names = [f"import{number}" for number in range(4)]
    for number, name in enumerate(names):
        rows = range(number * 100, number * 100 + 60 + number)
        tenant.start("import", tenant.write(f"{name}.json", rows, name), name=name)
    return [tenant.wait(name) for name in names]


def test_case_061_case_088_four_processes_take_turns_and_send_nothing_twice(make_tenant):
    tenant = make_tenant(0)
    assert four_at_once(tenant) == [0, 0, 0, 0]
    assert tenant.redelivered() == []
    assert tenant.problems() == {}


def test_case_088_a_lock_that_is_ignored_is_noticed(make_tenant):
    for seed in range(ATTEMPTS):
        tenant = make_tenant(seed, "latency=0.05", bug="lock_is_ignored")
        codes = four_at_once(tenant)
        if codes != [0, 0, 0, 0] or tenant.redelivered() or tenant.problems():
            return
    pytest.fail(f"{ATTEMPTS} times nobody noticed that four processes sent at once")
