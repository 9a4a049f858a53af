import json
from pathlib import Path

import pytest


@pytest.fixture
def ledger(tenant, spawn, environment):
    """The ledger after one run."""
    assert spawn("block", "one.example.com").code == 0
    (path,) = Path(environment["DEFENDER_INDICATORS_HOME"]).rglob("*.sqlite3")
    return path


def test_a_sound_ledger_is_said_to_be_sound(ledger, spawn):
    ended = spawn("ledger", "check")
    assert ended.code == 0, ended
    assert ended.out == f"{ledger}: sound\n"
    assert json.loads(spawn("ledger", "check", "--json").out)["ok"] is True


def test_where_there_is_no_ledger_it_ends_with_2(tenant, spawn):
    for command in (["check"], ["backup", "copy"], ["recover"], ["prune"]):
        ended = spawn("ledger", *command)
        assert ended.code == 2, ended
        assert "no ledger yet" in ended.err


def test_backs_up_to_a_new_file_only(ledger, spawn, tmp_path):
    target = tmp_path / "copy.sqlite3"
    assert spawn("ledger", "backup", str(target)).code == 0
    assert target.read_bytes().startswith(b"SQLite format 3")
    assert spawn("ledger", "backup", str(target)).code == 2


def test_case_079_a_damaged_ledger_ends_with_7_and_is_recovered_not_deleted(ledger, spawn):
    damaged = bytearray(ledger.read_bytes())
    damaged[4096:12288] = b"\xff" * 8192
    ledger.write_bytes(damaged)
    assert spawn("ledger", "check").code == 7
    recovered = spawn("ledger", "recover", "--json")
    assert recovered.code == 0, recovered
    assert Path(json.loads(recovered.out)["quarantined"]).read_bytes() == damaged
    assert spawn("ledger", "check").code == 0
    assert spawn("ledger", "recover").out.startswith("recovered: no\n")


def test_prunes_only_what_is_old_enough(ledger, spawn):
    assert spawn("ledger", "prune").out == "deleted 0 finished runs\n"
    assert spawn("ledger", "prune", "--older-than-days", "0").code == 2
