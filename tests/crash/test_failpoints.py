"""Killed at every step of a call, the first, second and third time it is reached."""

import pytest

EVERY_CALL = ("pick", "slot", "intent", "send", "judge", "answer", "settle", "statement")
ONCE = ("plan", "rows", "take over", "finish")
MOMENTS = ("before", "after")
FAULTS = pytest.mark.parametrize("faults", [(), ("chaos=0.15", "refuse_share=0.1")], ids=["quiet", "faults"])
IDENTITIES = ("value+type+action+scope", "value+type")


@FAULTS
@pytest.mark.parametrize("visit", [1, 2, 3])
def test_case_071_a_kill_at_any_step_of_a_call_does_no_harm(make_tenant, visit, faults):
    tenant = make_tenant(visit, *faults, identity=IDENTITIES[visit % 2], window_seconds=0.3)
    rows = 140 + 120 * visit
    old = tenant.write("old.json", range(rows), "old")
    points = [f"{place} {moment}" for place in EVERY_CALL for moment in MOMENTS]
    for point in points:
        assert tenant.run("import", old, failpoint=[point, visit]) == -9, point
    assert tenant.run("import", tenant.write("new.json", range(rows // 2, rows + 20), "new")) in (0, 1, 5)
    assert tenant.settle() == []
    assert tenant.problems() == {}


@FAULTS
def test_case_071_a_kill_at_the_start_or_the_end_of_a_run_does_no_harm(make_tenant, faults):
    tenant = make_tenant(0, *faults, window_seconds=0.3)
    points = [f"{place} {moment}" for place in ONCE for moment in MOMENTS]
    for number, point in enumerate(points):
        rows = range(20 * number, 20 * number + 10 + number)
        name = tenant.write(f"{number}.json", rows, point)
        assert tenant.run("import", name, failpoint=[point, 1]) == -9, point
        if point in ("plan before", "rows before", "rows after"):
            assert tenant.run("import", name) in (0, 1, 5), "the plan was not written, and is not there in parts"
    assert tenant.settle() == []
    assert tenant.problems() == {}
