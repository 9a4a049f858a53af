"""A plan on paper: read back as it was written, or refused."""

from datetime import timedelta

import orjson
import pytest

from defender_indicators.delivery import Limits
from defender_indicators.errors import InputError
from defender_indicators.planning import plan_file
from defender_indicators.planning.plan_file import PlanFile, read_plan, read_plan_file, require_applicable
from defender_indicators.planning.planner import state_of

A, B = "a.example.com", "b.example.com"
TENANT = "commercial/tenant/app"


@pytest.fixture
def plan(desk):
    """A plan with a change of every sort."""
    tenant = [desk.listed(1, A, "Allowed"), desk.listed(2, B), desk.listed(3, "same.example.com")]
    rows = [desk.row(A, "Block"), desk.row("new.example.com", severity="High"), desk.row("same.example.com")]
    return desk.sync(tenant, rows, judge=lambda one: desk.hold() if one.value == "new.example.com" else None)


@pytest.fixture
def written(desk, plan):
    return PlanFile.of(plan, TENANT, desk.now, 24).to_bytes()


def changed(written, **more):
    return orjson.dumps({**orjson.loads(written), **more})


def test_a_plan_is_read_back_as_it_was(plan, written):
    found = read_plan(written, "plan.json", Limits())
    assert found.plan.changes == plan.changes
    assert found.plan.hash == plan.hash == found.hash
    assert found.tenant == TENANT


def test_the_file_says_what_would_be_done(written):
    document = orjson.loads(written)
    assert document["counts"]["replace"] == document["counts"]["clear"] == document["counts"]["delete"] == 1
    assert [change["kind"] for change in document["changes"]] == ["replace", "add", "unchanged", "clear", "delete"]
    assert document["facts"]["capacity"]["total"] == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("why", "other"),
        ("tenant", "commercial/other/app"),
        ("expires", "2999-01-01T00:00:00+00:00"),
        ("kind", "import"),
    ],
)
def test_case_112_an_edited_plan_is_refused(written, name, value):
    with pytest.raises(InputError, match="was edited"):
        read_plan(changed(written, **{name: value}), "plan.json", Limits())


def test_case_112_a_plan_with_a_new_checksum_and_other_changes_has_no_approval(written):
    """Whoever rewrites the checksum too has made another plan, to which no approval is bound."""
    document = orjson.loads(written)
    document["changes"][1]["row"]["indicatorValue"] = "evil.example.com"
    document.pop("checksum")
    forged = orjson.dumps({**document, "checksum": plan_file._checksum(document)})
    with pytest.raises(InputError, match="do not match its hash"):
        read_plan(forged, "plan.json", Limits())


def test_case_112_a_plan_for_another_tenant_is_refused(desk, written):
    found = read_plan(written, "plan.json", Limits())
    with pytest.raises(InputError, match=r"plan.json: was made for commercial/tenant/app"):
        require_applicable(found, "gcc/tenant/app", desk.now, "plan.json")


@pytest.mark.parametrize(("hours", "refused"), [(23.9, False), (24.1, True)])
def test_case_112_a_plan_older_than_a_day_is_refused(desk, written, hours, refused):
    found = read_plan(written, "plan.json", Limits())
    later = desk.now + timedelta(hours=hours)
    if refused:
        with pytest.raises(InputError, match="expired at 2026-01-02"):
            require_applicable(found, TENANT, later, "plan.json")
    else:
        require_applicable(found, TENANT, later, "plan.json")


def test_case_112_a_tenant_that_changed_has_another_state(desk, plan):
    same = desk.snapshot(desk.listed(1, A, "Allowed"), desk.listed(2, B), desk.listed(9, "elsewhere.example.com"))
    assert state_of(plan.changes, same) == plan.expected
    for other in (desk.snapshot(desk.listed(1, A, "Allowed")), desk.snapshot(desk.listed(1, A), desk.listed(2, B))):
        assert state_of(plan.changes, other) != plan.expected


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"not json", b'{"schema_version": "1.0"}', b"\xff"])
def test_what_is_no_plan_is_refused_in_one_line(content):
    with pytest.raises(InputError, match=r"^plan.json: not a plan"):
        read_plan(content, "plan.json", Limits())


def test_another_version_is_named(written):
    with pytest.raises(InputError, match=r"plan format '2\.0'"):
        read_plan(changed(written, schema_version="2.0"), "plan.json", Limits())


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_plan_file(tmp_path / "absent.json", Limits())
