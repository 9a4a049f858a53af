import json
from pathlib import Path

import pytest


@pytest.fixture
def home(environment):
    """The state folder of the commands."""
    return Path(environment["DEFENDER_INDICATORS_HOME"])


@pytest.fixture
def held(tenant, spawn, tmp_path):
    """The id of a run with one row that waits for an approval."""
    row = {"indicatorType": "DomainName", "indicatorValue": "partner.example.com", "action": "Allowed"}
    file = tmp_path / "allowed.json"
    file.write_text(json.dumps([row | {"title": "t", "description": "d"}]), encoding="utf-8")
    done = spawn("import", str(file), "--json")
    assert done.code == 6, done
    return json.loads(done.out)["run_id"]


def told(spawn, *arguments):
    ended = spawn("audit", "show", "--json", *arguments)
    assert ended.code == 0, ended
    return [event["what"] for event in json.loads(ended.out)["events"]]


def test_what_is_held_is_released_by_an_approval_and_sent_by_resume(held, spawn, tenant):
    assert not tenant.rows()
    assert spawn("resume", held).code == 6
    approved = spawn("approve", held, "--why", "a partner's domain", "--yes", "--json")
    assert approved.code == 0, approved
    document = json.loads(approved.out)
    assert document["run_id"] == held
    assert document["released"] == [{"code": "allowed_action", "list": "", "rows": 1}]
    assert spawn("resume", held).code == 0
    assert [row["action"] for row in tenant.rows()] == ["Allowed"]
    assert told(spawn)[-5:] == ["run ended", "approval given", "approval used", "call answered", "run ended"]
    assert spawn("approve", held, "--why", "again", "--yes").code == 2


def test_an_approval_shows_what_it_releases_and_asks(held, spawn, tenant):
    ended = spawn("approve", held, "--why", "x", stdin="n\n")
    assert ended.code == 1, ended
    assert "allowed_action" in ended.out
    assert f"Release these 1 rows of run {held}?" in ended.err
    for arguments, stdin in ((["--json"], ""), ([], "")):
        ended = spawn("approve", held, "--why", "x", *arguments, stdin=stdin)
        assert ended.code == 2, ended
        assert "add --yes" in ended.err + ended.out
    assert spawn("resume", held).code == 6
    assert spawn("approve", held, "--why", "x", stdin="y\n").code == 0
    assert spawn("resume", held).code == 0


def test_case_113_the_planner_does_not_approve_where_the_configuration_asks_for_another(held, spawn, tmp_path):
    settings = tmp_path / "settings.yaml"
    settings.write_text("schema_version: 1\ndefaults: {guard: {approver_differs: true}}\n", encoding="utf-8")
    ended = spawn("approve", held, "--why", "mine", "--yes", "--config", str(settings))
    assert ended.code == 2, ended
    assert "somebody else has to" in ended.err


def test_a_hard_hold_cannot_be_approved(tenant, spawn):
    done = spawn("block", "login.microsoftonline.com", "--json")
    assert done.code == 6, done
    ended = spawn("approve", json.loads(done.out)["run_id"], "--why", "x", "--yes")
    assert ended.code == 2, ended
    assert "no approval releases what is held (never_block 1)" in ended.err


def test_the_audit_log_is_shown_verified_and_exported(held, spawn, tmp_path):
    assert spawn("audit", "show").out.splitlines()[1].split()[0] == "1"
    verified = spawn("audit", "verify", "--json")
    head = json.loads(verified.out)["head"]
    assert (verified.code, json.loads(verified.out)["problems"]) == (0, [])
    assert spawn("audit", "verify", "--head", head).out == f"2 events, unbroken; head {head}\n"
    assert told(spawn, "--run", held) == ["run created", "run ended"]
    target = tmp_path / "log.jsonl"
    assert spawn("audit", "export", str(target)).out == f"2 events written to {target}\n"
    assert len(target.read_text(encoding="utf-8").splitlines()) == 2
    assert spawn("audit", "export", str(target)).code == 2
    assert json.loads(spawn("audit", "export", f"{target}2", "--json").out)["events"] == 2


def test_a_changed_audit_log_ends_with_7(held, spawn, home, change_ledger):
    assert spawn("audit", "verify", "--head", "f" * 64).code == 7
    change_ledger("UPDATE event SET actor = 'nobody' WHERE number = 1")
    ended = spawn("audit", "verify")
    assert ended.code == 7, ended
    assert "event 1: not what was written" in ended.err
    assert json.loads(spawn("audit", "verify", "--json").out)["ok"] is False


def test_where_there_is_no_ledger_there_is_no_log(tenant, spawn):
    assert spawn("audit", "verify").code == 2


def test_case_115_the_kill_switch_stops_and_lets_go_by_command(held, spawn, home, tenant):
    assert spawn("kill-switch", "status").out == f"off: {home / 'kill-switch'}\n"
    assert spawn("kill-switch", "on", "--why", "wrong feed").out == f"on: {home / 'kill-switch'} (wrong feed)\n"
    ended = spawn("block", "two.example.com")
    assert ended.code == 5, ended
    assert "`kill-switch off`" in ended.err
    assert not tenant.rows()
    status = json.loads(spawn("kill-switch", "status", "--json").out)
    assert (status["on"], status["why"]) == (True, "wrong feed")
    assert spawn("kill-switch", "off", "--why", "mended").code == 0
    assert spawn("kill-switch", "off").code == 0
    assert spawn("block", "two.example.com").code == 0
    assert told(spawn)[2:4] == ["kill switch on", "kill switch off"]


def test_the_kill_switch_needs_no_tenant_and_survives_a_damaged_ledger(spawn, home):
    (home / "ledgers").mkdir(parents=True)
    (home / "ledgers" / "x.sqlite3").write_bytes(b"no database" * 1000)
    ended = spawn("kill-switch", "on")
    assert ended.code == 0, ended
    assert "not recorded" in ended.err
    assert (home / "kill-switch").exists()


def test_case_112_a_plan_file_is_approved_and_then_applied(tenant, spawn, tmp_path):
    row = {"indicatorType": "DomainName", "indicatorValue": "partner.example.com", "action": "Allowed"}
    source, plan = tmp_path / "allowed.json", tmp_path / "plan.json"
    source.write_text(json.dumps([row | {"title": "t", "description": "d"}]), encoding="utf-8")
    assert spawn("plan", str(source), "--set", "partners", "--output", str(plan)).code == 6
    assert spawn("apply", str(plan)).code == 6
    assert not tenant.rows()
    approved = spawn("approve", str(plan), "--why", "a partner", "--yes", "--json")
    assert approved.code == 0, approved
    assert json.loads(approved.out)["released"] == [{"code": "allowed_action", "list": "", "rows": 1}]
    assert spawn("apply", str(plan)).code == 0
    assert [found["action"] for found in tenant.rows()] == ["Allowed"]


def test_a_plan_file_in_which_nothing_is_held_needs_no_approval(tenant, spawn, tmp_path):
    source, plan = tmp_path / "audit.txt", tmp_path / "plan.json"
    source.write_text("partner.example.com\n", encoding="utf-8")
    assert spawn("plan", str(source), "--set", "partners", "--output", str(plan)).code == 0
    ended = spawn("approve", str(plan), "--why", "x", "--yes")
    assert ended.code == 2, ended
    assert "nothing is held" in ended.err
