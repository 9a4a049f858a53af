"""Plans as files, approvals, and undoing: exactly what was planned, or nothing."""

import json
from datetime import timedelta

import pytest

from defender_indicators.delivery import Limits, approvals
from defender_indicators.errors import InputError
from defender_indicators.planning.plan_file import read_plan_file


@pytest.fixture
def feed(tmp_path):
    """Return a function that writes the source."""
    file = tmp_path / "feed.json"

    def write(found):
        file.write_text(json.dumps({"Indicators": found}), encoding="utf-8")
        return file

    return write


@pytest.fixture
def plan_file(tmp_path):
    return tmp_path / "plan.json"


@pytest.fixture
def planned(world, feed, rows, plan_file):
    """A tenant of a set of five, and a plan that changes three rows of it."""
    world.sync(rows(5))
    ended = world.cli("plan", feed([*rows(4), *rows(1, first=9)]), "--set", "feed", "--output", plan_file)
    assert ended.code == 0, ended.err
    world.writes()
    return plan_file


def release(world, run, *, hours=0, who="somebody else", approve_hours=24.0):
    """Approve a run (by id) as somebody, so many hours ago."""
    with world.context() as context:
        ledger = context.delivery.ledger
        at = context.clock.now() - timedelta(hours=hours)
        approvals.approve(ledger, ledger.run(run).plan_hash, who, "looked at it", at, hours=approve_hours)


# apply


def test_a_plan_says_what_it_would_do_and_apply_does_exactly_that(world, planned):
    document = json.loads(planned.read_text(encoding="utf-8"))
    kinds = sorted((each["kind"], each["value"]) for each in document["changes"] if each["kind"] != "unchanged")
    assert kinds == [("add", "host9.example.com"), ("delete", "host5.example.com")]
    ended = world.cli("apply", planned, "--dry-run")
    assert (ended.code, world.writes()) == (0, {})
    ended = world.cli("apply", planned, "--json")
    assert ended.code == 0, ended.err
    report = json.loads(ended.out)
    assert report["plan"]["hash"] == document["hash"]
    assert world.writes() == {"import": 1, "batch_delete": 1}
    assert [value for value, _ in world.truth()] == [f"host{number}.example.com" for number in (1, 2, 3, 4, 9)]


def test_a_plan_is_applied_once(world, planned):
    assert world.cli("apply", planned).code == 0
    world.writes()
    ended = world.cli("apply", planned)
    assert ended.code == 2
    assert "has changed since the plan was made" in ended.err
    assert world.writes() == {}


def refused(world, file, says):
    ended = world.cli("apply", file)
    assert ended.code == 2, ended
    assert len(ended.err.strip().splitlines()) == 1
    assert ended.err.startswith("Error: ")
    assert says in ended.err
    assert world.writes() == {}
    ended = world.cli("apply", file, "--json")
    assert json.loads(ended.out)["error"]["exit_code"] == 2


def _set(document, **more):
    document.update(more)


@pytest.mark.parametrize(
    "edit",
    [
        lambda document: document["changes"].pop(),
        lambda document: document["changes"][-1].update(id="1"),
        lambda document: _set(document, expires="2099-01-01T00:00:00+00:00"),
        lambda document: _set(document, tenant="commercial/other/app"),
        lambda document: _set(document, why="because"),
        lambda document: document.pop("checksum"),
    ],
    ids=["a change less", "another id", "later end", "another tenant", "another reason", "no checksum"],
)
def test_case_112_an_edited_plan_is_refused(world, planned, edit):
    document = json.loads(planned.read_text(encoding="utf-8"))
    edit(document)
    planned.write_text(json.dumps(document), encoding="utf-8")
    refused(world, planned, "was edited after it was written")


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"a": 1}', b"\xff\xfe", b"{" * 100_000], ids=range(6))
def test_case_112_what_is_no_plan_is_refused(world, planned, content):
    planned.write_bytes(content)
    refused(world, planned, "not a plan")


def test_case_112_a_missing_plan_is_refused(world, tmp_path):
    refused(world, tmp_path / "nowhere.json", "cannot be read")


def test_case_112_an_old_plan_is_refused(world, planned):
    found = read_plan_file(planned, Limits())
    with world.context(hours=25) as context, pytest.raises(InputError, match="expired"):
        context.plans.applicable(found, str(planned))
    assert world.writes() == {}


def test_case_112_a_plan_for_another_tenant_is_refused(make_world, planned):
    other = make_world("other", tenant_id="22222222-2222-2222-2222-222222222222")
    refused(other, planned, "was made for")


@pytest.mark.parametrize("change", ["gone", "another action", "another title", "somebody else's"])
def test_case_112_a_plan_for_an_earlier_state_is_refused(world, planned, row, change):
    if change == "gone":
        world.emulator.delete("host5.example.com")
    elif change == "somebody else's":
        world.emulator.add_rows([row(9, "Allowed")])
    else:
        world.emulator.add_rows([row(5, "Block") if change == "another action" else row(5, title="looked at")])
    refused(world, planned, "has changed since the plan was made")


def test_what_the_plan_does_not_touch_may_change(world, planned, row):
    world.emulator.add_rows([row("theirs.example.net", "Block")])
    assert world.cli("apply", planned).code == 0


def test_apply_does_less_where_the_guard_knows_more(world, feed, rows, row, plan_file):
    source = feed([*rows(2, "Block"), row("shop.example.org", "Block", generateAlert=False)])
    assert world.cli("plan", source, "--set", "feed", "--output", plan_file).code == 0
    world.configure(guard={"own_domains": ["example.org"]})
    ended = world.cli("apply", plan_file, "--json")
    assert ended.code == 6
    report = json.loads(ended.out)
    assert (report["counts"]["accepted"], report["counts"]["held"]) == (2, 1)
    assert "shop.example.org" not in dict(world.truth())


def test_a_plan_is_not_written_where_it_cannot_be(world, feed, rows, tmp_path):
    ended = world.cli("plan", feed(rows(1)), "--set", "feed", "--output", tmp_path / "no" / "plan.json")
    assert ended.code == 2
    assert "cannot be written" in ended.err


# approvals


def test_what_is_held_goes_after_an_approval_and_a_resume(world, rows):
    world.sync(rows(30))
    report = world.sync(rows(1))
    assert report["outcome"] == "held"
    world.writes()
    release(world, report["run_id"])
    with world.context() as context:
        assert context.resume(report["run_id"]).exit_code == 0
    assert world.writes() == {"batch_delete": 1}
    assert [value for value, _ in world.truth()] == ["host1.example.com"]


def test_the_command_line_approves_and_resumes(world, feed, row):
    ended = world.cli("sync", feed([row("blogspot.com", "Block"), row(1)]), "--set", "feed", "--json")
    assert ended.code == 6
    run = json.loads(ended.out)["run_id"]
    ended = world.cli("approve", run, "--why", "looked at it", "--yes")
    assert ended.code == 0, ended.err
    ended = world.cli("resume", run)
    assert ended.code == 0, ended.err
    assert ("blogspot.com", "Block") in world.truth()


def test_a_hard_hold_stays(world, feed, row):
    both = [row("login.microsoftonline.com", "Block"), row("blogspot.com", "Block")]
    report = world.sync(both)
    assert report["counts"]["held"] == 2
    release(world, report["run_id"])
    with world.context() as context:
        assert context.resume(report["run_id"]).exit_code == 6
    assert world.truth() == [("blogspot.com", "Block")]


def test_a_hard_hold_alone_cannot_be_approved(world, row):
    report = world.sync([row("login.microsoftonline.com", "Block")])
    ended = world.cli("approve", report["run_id"], "--why", "please", "--yes")
    assert ended.code == 2
    assert "no approval releases what is held" in ended.err


def test_case_114_an_approval_of_another_run_releases_nothing(world, row):
    one, two = world.sync([row("blogspot.com", "Block")]), world.sync([row("google.com", "Block")], name="two")
    release(world, one["run_id"])
    with world.context() as context:
        assert context.resume(two["run_id"]).exit_code == 6
    assert world.writes() == {}


def test_case_114_an_approval_that_has_ended_releases_nothing(world, row):
    report = world.sync([row("blogspot.com", "Block")])
    release(world, report["run_id"], hours=25)
    with world.context() as context:
        assert context.resume(report["run_id"]).exit_code == 6
    assert world.writes() == {}


def test_a_plan_with_held_rows_is_approved_after_it_was_applied(world, feed, row, rows, plan_file):
    source = feed([*rows(2), row("blogspot.com", "Block")])
    ended = world.cli("plan", source, "--set", "feed", "--output", plan_file)
    assert ended.code == 6
    ended = world.cli("apply", plan_file, "--json")
    run = json.loads(ended.out)["run_id"]
    assert ended.code == 6
    assert world.cli("approve", run, "--why", "looked at it", "--yes").code == 0
    assert world.cli("resume", run).code == 0
    assert ("blogspot.com", "Block") in world.truth()


def test_case_112_what_the_tenant_became_after_the_approval_is_seen(world, row):
    world.sync([row(1), row(2)])
    report = world.sync([])
    release(world, report["run_id"])
    world.emulator.delete("host1.example.com")
    world.writes()
    with world.context() as context:
        found = context.resume(report["run_id"])
        assert found.exit_code == 0
    assert world.rows() == []


# rollback


def undo(world, run, plan_file):
    ended = world.cli("rollback", run, "--output", plan_file, "--why", "wrong file")
    assert ended.code in (0, 6), ended.err
    ended = world.cli("apply", plan_file, "--json")
    return json.loads(ended.out)


SAID = ("title", "description", "generateAlert", "severity", "expirationTime")


@pytest.mark.parametrize("identity", ["value+type", "value+type+action+scope", "always_insert"])
def test_case_115_a_rollback_of_a_sync_restores_the_truth(make_world, rows, row, plan_file, identity):
    world = make_world(identity=identity)
    world.sync(rows(30, severity="High"))
    before = world.truth(*SAID)
    changed = [*rows(25, severity="High"), row(26, title="changed"), row(27, "Warn"), row(99)]
    report = world.sync(changed)
    assert report["outcome"] == "succeeded"
    assert world.truth(*SAID) != before
    assert undo(world, report["run_id"], plan_file)["outcome"] == "succeeded"
    assert world.truth(*SAID) == before


@pytest.mark.parametrize("count", [3, 30])
def test_case_115_a_rollback_of_the_first_sync_leaves_nothing(world, rows, plan_file, count):
    report = world.sync(rows(count))
    found = undo(world, report["run_id"], plan_file)
    if count > 20:
        assert {each["code"] for each in found["results"]} == {"too_many_deletes"}
        assert world.cli("approve", found["run_id"], "--why", "it was wrong", "--yes").code == 0
        assert world.cli("resume", found["run_id"]).code == 0
    assert world.rows() == []


def test_case_115_a_rollback_leaves_rows_alone_that_the_run_did_not_make(world, rows, row, plan_file):
    world.emulator.add_rows([row("theirs.example.net")])
    world.sync(rows(3), name="other")
    report = world.sync(rows(3, first=10))
    undo(world, report["run_id"], plan_file)
    values = [value for value, _ in world.truth()]
    assert values == ["host1.example.com", "host2.example.com", "host3.example.com", "theirs.example.net"]


def test_case_115_a_rollback_of_a_rollback_is_the_run_again(world, rows, plan_file):
    world.sync(rows(5))
    report = world.sync(rows(4))
    undone = undo(world, report["run_id"], plan_file)
    assert len(world.rows()) == 5
    undo(world, undone["run_id"], plan_file)
    assert len(world.rows()) == 4


def test_a_rollback_leaves_alone_what_was_changed_since(world, rows, row, plan_file):
    world.sync(rows(6))
    report = world.sync([row(1, title="run"), row(2, title="run"), *rows(2, first=3), row(9), row(10)])
    since = [row(1, title="later"), row(2, title="run"), *rows(3, first=3), row(9, title="later"), row(10)]
    world.sync(since)
    assert undo(world, report["run_id"], plan_file)["outcome"] == "succeeded"
    found = dict(value for value in ((value, title) for value, _, title in world.truth("title")))
    assert found == {
        "host1.example.com": "later",
        "host2.example.com": "T",
        "host3.example.com": "T",
        "host4.example.com": "T",
        "host5.example.com": "T",
        "host6.example.com": "T",
        "host9.example.com": "later",
    }


def test_an_unknown_run_cannot_be_undone(world, plan_file):
    ended = world.cli("rollback", "nothing", "--output", plan_file)
    assert ended.code == 2
    assert len(ended.err.strip().splitlines()) == 1
    assert not plan_file.exists()


def test_case_115_the_kill_switch_stops_a_sync_after_the_call_and_resume_ends_it(world, rows, feed):
    def switch_on(progress):
        if progress.accepted:
            context.stop.kill_switch.turn_on("stop it")

    world.emulator.faults.add("latency=0.15")
    with world.context() as context:
        context.progress = switch_on
        plan = context.plans.sync(rows(3_500), set_name="feed")
        report = context.connector.apply(plan)
        assert report.exit_code == 5
        assert 0 < len(world.rows()) < 3_500
        run = report["run_id"]
    world.writes()
    ended = world.cli("sync", feed(rows(2)), "--set", "feed")
    assert ended.code != 0
    assert world.writes() == {}
    assert world.cli("kill-switch", "off").code == 0
    assert world.cli("resume", run).code == 0
    assert len(world.rows()) == 3_500
