import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from defender_indicators.cli.summary import NOT_YET

ROW = {"indicatorType": "DomainName", "indicatorValue": "one.example.com", "action": "Block"} | {
    "title": "t",
    "description": "d",
}
OTHER = ROW | {"indicatorValue": "two.example.com"}
BAD = ROW | {"indicatorValue": "203.0.113.0/24", "indicatorType": "IpAddress"}
FILES = {
    "body.json": json.dumps({"Indicators": [ROW, OTHER]}),
    "list.json": json.dumps([ROW, OTHER]),
    "lines.ndjson": f"{json.dumps(ROW)}\n\n{json.dumps(OTHER)}\n",
    "portal.csv": "indicatorType,indicatorValue,action,title,description\n"
    "DomainName,one.example.com,Block,t,d\nDomainName,two.example.com,Block,t,d\n",
    "values.txt": "# today\none[.]example[.]com\ntwo.example.com\n",
}
DEFAULTS = ("--action", "Block", "--title", "t", "--expires", "30d")


@pytest.fixture
def file(tmp_path):
    """Return a function that writes rows to a file and returns its name."""

    def write(*rows):
        path = tmp_path / "rows.json"
        path.write_text(json.dumps(rows))
        return str(path)

    return write


def values(tenant):
    return sorted(row["indicatorValue"] for row in tenant.rows())


def until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.01)


@pytest.mark.parametrize("name", FILES)
def test_imports_every_format(tenant, spawn, tmp_path, name):
    path = tmp_path / name
    path.write_text(FILES[name])
    ended = spawn("import", str(path), *DEFAULTS)
    assert ended.code == 0, ended
    assert ended.out.startswith("succeeded: 2 accepted\n")
    assert NOT_YET in ended.out
    assert f"Reading {name} as " in ended.err
    assert values(tenant) == ["one.example.com", "two.example.com"]


def test_imports_standard_input_and_prints_exactly_one_document(tenant, spawn):
    ended = spawn("import", "-", "--json", stdin=json.dumps([ROW, BAD]))
    report = json.loads(ended.out)
    assert ended.code == 1
    assert report["outcome"] == "partial"
    assert [row["status"] for row in report["results"]] == ["accepted", "rejected"]
    assert ended.out.count("\n") == 1
    assert values(tenant) == ["one.example.com"]


def test_a_line_that_cannot_be_read_is_a_rejected_row_of_the_report(tenant, spawn):
    lines = "\n".join((json.dumps(ROW), "{oops", json.dumps(OTHER)))
    ended = spawn("import", "-", "--json", stdin=lines)
    statuses = [(row["status"], row["code"]) for row in json.loads(ended.out)["results"]]
    assert statuses == [("accepted", ""), ("rejected", "bad_json"), ("accepted", "")]
    assert ended.code == 1


def test_a_dry_run_needs_neither_network_nor_settings(spawn, file):
    ended = spawn("import", file(ROW, OTHER), "--dry-run")
    assert ended.code == 0, ended
    assert ended.out.startswith("dry run, nothing was sent: 2 pending\nwould send 2 rows in 1 call\n")
    assert "one.example.com" in ended.out


def test_a_dry_run_with_a_rejected_row_ends_with_1(spawn, file):
    ended = spawn("import", file(ROW, BAD), "--dry-run", "--json")
    assert ended.code == 1
    assert [row["status"] for row in json.loads(ended.out)["results"]] == ["pending", "rejected"]


def test_a_dry_run_sends_nothing(tenant, spawn, file):
    before = len(tenant.arrivals)
    assert spawn("import", file(ROW), "--dry-run").code == 0
    assert len(tenant.arrivals) == before


@pytest.mark.parametrize("given", [(), ("--action", "Block"), ("--title", "t")])
def test_a_list_of_values_needs_an_action_and_a_title(spawn, given):
    ended = spawn("import", "-", *given, stdin="one.example.com\n")
    assert ended.code == 2
    assert "--action and --title" in ended.err


@pytest.mark.parametrize("expires", ["soon", "2020-01-01T00:00:00Z", "2099-01-01T00:00:00"])
def test_an_unusable_expiry_ends_with_2_and_says_what_to_write(spawn, expires):
    ended = spawn("block", "one.example.com", "--expires", expires)
    assert ended.code == 2
    assert "write 30d, 12h" in ended.err


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing", None, "cannot be read"),
        ("empty.txt", "", "is empty"),
        ("broken.json", '[{"a": 1', "not JSON"),
        ("truncated.json", '{"Indicators": [', "not JSON"),
        ("deep.json", "[" * 100_000, "nested too deeply"),
        ("object.json", '{"Indicators": {}}', "nor a list of rows"),
        ("large.json", '["' + "x" * (65 << 20) + '"]', "larger than 64 MiB"),
        ("list.gz", "\x1f\ufffd\0", "a binary file"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_a_file_that_is_no_input_ends_with_2_and_its_name(spawn, tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_text(content)
    ended = spawn("import", str(tmp_path / name), "--json", "--dry-run")
    assert ended.code == 2, ended.err
    assert message in json.loads(ended.out)["error"]["message"]
    assert name in ended.err


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that opens and cannot be read")
@pytest.mark.parametrize("arguments", [["import"], ["run", "import_indicators", "--input"]])
def test_a_file_that_opens_and_cannot_be_read_ends_with_2(spawn, arguments):
    ended = spawn(*arguments, "/proc/self/mem")
    assert ended.code == 2
    assert "mem: cannot be read: " in ended.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("line", ["198.51.100.1\n", json.dumps(ROW) + "\n"], ids=["values", "ndjson"])
def test_case_073_a_signal_while_reading_ends_the_command_in_one_line(start, number, line):
    reading = start("import", "-", *DEFAULTS, "--dry-run", stdin=subprocess.PIPE)
    reading.stdin.write(line * 20_000)
    reading.stdin.flush()
    until(lambda: _catches(reading.pid, signal.SIGTERM))
    reading.send_signal(number)
    _, err = reading.communicate(timeout=20)
    assert reading.returncode == 128 + number, err
    assert err.splitlines()[-1] == "Error: stopped by a signal"
    assert "Traceback" not in err


def _catches(process, number):
    (caught,) = re.findall(r"SigCgt:\s*([0-9a-f]+)", Path(f"/proc/{process}/status").read_text())
    return int(caught, 16) >> (number - 1) & 1


@pytest.mark.parametrize(
    ("given", "sent"), [((), True), (("--generate-alert",), True), (("--no-generate-alert",), None)]
)
def test_an_audit_of_a_plain_list_raises_the_alert_that_the_service_demands(tenant, spawn, given, sent):
    ended = spawn("import", "-", "--action", "audit", "--title", "t", *given, stdin="one.example.com\n")
    assert [row["generateAlert"] for row in tenant.rows()] == [sent] * (sent is not None)
    assert ended.code == (0 if sent else 1), ended
    assert ("Audit needs an alert" in ended.err) is (not given)


def test_a_block_raises_an_alert_when_asked(tenant, spawn):
    assert spawn("block", "one.example.com", "--generate-alert").code == 0
    assert spawn("block", "two.example.com").code == 0
    assert {row["indicatorValue"]: row["generateAlert"] for row in tenant.rows()} == {
        "one.example.com": True,
        "two.example.com": False,
    }


def test_a_dry_run_shows_what_would_be_changed(spawn):
    ended = spawn("import", "-", *DEFAULTS, "--dry-run", stdin="http://user:pass@one.example.com/a\n")
    assert "user name dropped" in ended.out
    assert "pass" not in ended.out


def test_without_settings_it_ends_with_2_and_names_them(spawn):
    ended = spawn("block", "one.example.com")
    assert ended.code == 2
    assert "DEFENDER_CLIENT_SECRET" in ended.err
    assert "Traceback" not in ended.err


def test_blocks_single_values_for_a_while(tenant, spawn):
    ended = spawn("block", "hxxps://evil.example.com/a", "one.example.com", "a" * 64)
    assert ended.code == 0, ended
    assert {row["action"] for row in tenant.rows()} == {"Block"}
    assert all(row["expirationTime"] for row in tenant.rows())
    assert sorted(row["indicatorType"] for row in tenant.rows()) == ["DomainName", "FileSha256", "Url"]


def test_blocks_nothing_that_nobody_can_name(tenant, spawn):
    ended = spawn("block", "what is this")
    assert ended.code == 1
    assert "type_not_recognised" in ended.out
    assert tenant.rows() == []


def test_retries_as_a_new_run_what_was_refused(tenant, spawn, file):
    tenant.faults.add("refuse=two.example.com")
    first = spawn("import", file(ROW, OTHER))
    assert first.code == 1
    assert "refused_by_service" in first.out
    run = json.loads(spawn("runs", "--json").out)["runs"][-1]["run_id"]
    assert f"defender-indicators retry {run}" in first.out
    tenant.faults.clear()
    second = spawn("retry", run, "--json")
    assert second.code == 0
    assert json.loads(second.out)["run_id"] != run
    assert values(tenant) == ["one.example.com", "two.example.com"]


def test_shows_lists_and_verifies_a_run(tenant, spawn, file):
    spawn("import", file(ROW, BAD))
    listed = spawn("runs")
    assert listed.code == 0
    run = json.loads(spawn("runs", "--json").out)["runs"][-1]["run_id"]
    assert run in listed.out
    shown = spawn("show", run)
    assert shown.code == 1
    assert shown.out.startswith("partial: 1 accepted, 1 rejected")
    assert spawn("verify", run).code == 0
    tenant.delete("one.example.com")
    verified = spawn("verify", run, "--json")
    assert verified.code == 1
    assert [row["finding"] for row in json.loads(verified.out)["rows"]] == ["absent"]


def test_an_unknown_run_ends_with_2(tenant, spawn):
    assert spawn("show", "no-such").code == 2
    assert spawn("resume").code == 2


def test_lists_runs_as_a_document_of_its_own(tenant, spawn, file):
    spawn("import", file(ROW, BAD))
    document = json.loads(spawn("runs", "--json").out)
    (run,) = document.pop("runs")
    assert document == {"schema_version": 1}
    assert run.keys() == {"run_id", "created", "state", "outcome", "total", "counts", "retry_of", "stopped"}
    assert (run["state"], run["outcome"], run["counts"]) == ("finished", "partial", {"accepted": 1, "rejected": 1})


def test_runs_an_action_with_inputs_of_every_kind(tenant, spawn, tmp_path):
    (tmp_path / "inputs.json").write_text(json.dumps({"title": "from the file", "description": "d"}))
    ended = spawn(
        *("run", "submit_indicator", "--input", str(tmp_path / "inputs.json"), "--input", "indicatorType=DomainName"),
        *("--input", "indicatorValue=one.example.com", "--input", "action=Audit", "--input", "generateAlert=true"),
        *("--input", "-", "--json"),
        stdin='{"title": "from standard input"}',
    )
    assert ended.code == 0, ended
    (row,) = tenant.rows()
    assert (row["title"], row["generateAlert"], row["action"]) == ("from standard input", True, "Audit")


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "no_such_action"),
        ("run", "submit_indicator"),
        ("run", "submit_indicator", "--input", "generateAlert=yes"),
        ("run", "submit_indicator", "--input", "generateAlert=NaN"),
        ("run", "submit_indicator", "--input", "no-such-file"),
        ("run", "submit_indicator", "--input", "unknown=1"),
    ],
)
def test_inputs_that_break_the_manifest_end_with_2(spawn, arguments):
    ended = spawn(*arguments)
    assert ended.code == 2, ended
    assert ended.err.startswith("Error: ")
    assert "Traceback" not in ended.err


def test_judges_without_sending(spawn, tmp_path):
    (tmp_path / "inputs.json").write_text(json.dumps({"indicators": [ROW, BAD]}))
    for action in (["validate_indicators"], ["import_indicators", "--dry-run"]):
        ended = spawn("run", *action, "--input", str(tmp_path / "inputs.json"))
        assert ended.code == 1, ended
        assert ended.out.startswith("dry run, nothing was sent")
        assert "cidr_not_supported" in ended.out


def test_proves_the_connection(tenant, spawn):
    ended = spawn("test-connection")
    assert ended.code == 0, ended
    assert f"tenant: {tenant.tenant_id}" in ended.out


def test_a_wrong_secret_halts_with_4_and_shows_no_secret(tenant, spawn, file):
    ended = spawn("import", file(ROW), "--verbose", DEFENDER_CLIENT_SECRET="not-the-secret")
    assert ended.code == 4, ended
    assert "not-the-secret" not in ended.out + ended.err


def test_lists_and_describes_actions(call):
    assert "import_indicators" in call("actions").out
    assert "idempotency_key" in call("actions", "import_indicators").out
    (described,) = json.loads(call("actions", "test_connection", "--json").out)
    assert described["effects"] == "read"
    assert call("actions", "no_such").code == 2


def test_validates_this_pack_and_names_what_is_wrong_with_another(call, tmp_path):
    assert call("validate").code == 0
    (tmp_path / "plugin.yaml").write_text("name: [\n")
    ended = call("validate", str(tmp_path), "--json")
    assert ended.code == 2
    assert not json.loads(ended.out)["ok"]
    assert any("plugin.yaml:" in problem for problem in json.loads(ended.out)["problems"])


def test_case_088_with_no_wait_a_second_run_ends_with_3_and_names_the_holder(tenant, start, spawn, file):
    tenant.faults.add("latency=8@first:1")
    calls = len(tenant.arrivals)
    first = start("import", file(ROW))
    until(lambda: len(tenant.arrivals) > calls and tenant.arrivals[-1].endpoint == "import")
    second = spawn("block", "two.example.com", "--no-wait")
    assert second.code == 3, second
    assert f"process {first.pid}" in second.err
    assert "waiting" not in second.err
    waiting = spawn("block", "two.example.com")
    assert waiting.code == 0, waiting
    assert f"waiting: process {first.pid}" in waiting.err
    assert first.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_case_073_a_signal_ends_a_run_in_good_order_and_it_can_be_resumed(tenant, start, spawn, file, number):
    tenant.faults.add("latency=1")
    calls = len(tenant.arrivals)
    audit = ROW | {"action": "Audit", "generateAlert": True}
    running = start("import", file(*(audit | {"indicatorValue": f"c2-{index}.example.com"} for index in range(2500))))
    until(lambda: len(tenant.arrivals) > calls and tenant.arrivals[-1].endpoint == "import")
    began = time.monotonic()
    running.send_signal(number)
    out, err = running.communicate(timeout=15)
    assert time.monotonic() - began < 10
    assert running.returncode == 128 + number, (out, err)
    assert "Traceback" not in err
    tenant.faults.clear()
    assert len(tenant.rows()) < 2500
    ended = spawn("resume")
    assert ended.code == 0, ended
    assert len(tenant.rows()) == 2500


def test_case_073_a_second_signal_ends_at_once(tenant, start, spawn, file):
    tenant.faults.add("latency=30@on:import")
    calls = len(tenant.arrivals)
    running = start("import", file(ROW))
    until(lambda: len(tenant.arrivals) > calls and tenant.arrivals[-1].endpoint == "import")
    running.send_signal(signal.SIGINT)
    until(lambda: "once more" in running.stderr.readline())
    running.send_signal(signal.SIGINT)
    assert running.wait(timeout=5) == 130


def test_a_reader_that_goes_away_changes_no_exit_code(tenant, start, file):
    running = start("import", file(ROW, BAD), "--json")
    running.stdout.close()
    assert running.wait(timeout=20) == 1
    assert "BrokenPipe" not in running.stderr.read()


def test_shows_a_bar_on_a_terminal_and_the_document_elsewhere(tenant, environment, file):
    tenant.faults.add("latency=0.5")
    screen, terminal = pty.openpty()
    command = [sys.executable, "-m", "defender_indicators.cli", "import", file(ROW), "--json"]
    with subprocess.Popen(
        command, env=environment | {"TERM": "xterm"}, stdout=subprocess.PIPE, stderr=terminal
    ) as running:
        os.close(terminal)
        drawn = b""
        try:
            while chunk := os.read(screen, 4096):
                drawn += chunk
        except OSError:  # how Linux says that the other end of a terminal is closed
            os.close(screen)
        document = json.loads(running.stdout.read())
    assert document["outcome"] == "succeeded"
    assert b"1/1" in drawn or b"0/1" in drawn


@pytest.mark.parametrize("option", ["--env-file", "--state"])
def test_an_emulator_that_cannot_write_its_files_refuses_to_start(spawn, tmp_path, option):
    ended = spawn("emulate", option, str(tmp_path / "missing" / "x"))
    assert ended.code == 2
    assert str(tmp_path / "missing" / "x") in ended.err


def test_emulates_until_it_is_told_to_stop(start, tmp_path):
    variables = tmp_path / "variables"
    running = start("emulate", "--env-file", str(variables))
    until(variables.exists)
    assert "DEFENDER_API_URL=https://127.0.0.1:" in variables.read_text()
    running.send_signal(signal.SIGINT)
    assert running.wait(timeout=10) == 0
