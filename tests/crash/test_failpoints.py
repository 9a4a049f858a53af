"""Killed at every step of a call, the first, second and third time it is reached."""

import pytest

PLACES = ("plan", "rows", "take over", "pick", "slot", "intent", "send", "judge", "answer", "settle", "statement")
IDENTITIES = ("value+type+action+scope", "value+type")


@pytest.mark.parametrize("faults", [(), ("chaos=0.3", "refuse_share=0.1")], ids=["quiet", "faults"])
@pytest.mark.parametrize("visit", [1, 2, 3])
def test_case_071_a_kill_at_any_step_loses_doubles_and_misreports_nothing(make_tenant, visit, faults):
    tenant = make_tenant(visit, *faults, identity=IDENTITIES[visit % 2])
    old = tenant.write("old.json", range(600), "old")
    new = tenant.write("new.json", range(300, 350), "new")
    points = [f"{place} {moment}" for place in PLACES for moment in ("before", "after")]
    for point in points:
        tenant.run("import", old, failpoint=[point, visit])
    assert tenant.kills >= len(points) - 6
    for moment in ("before", "after"):
        tenant.run("import", new, failpoint=[f"finish {moment}", 1])
    assert tenant.settle() == []
    assert tenant.problems() == {}
