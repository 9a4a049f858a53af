import json

import pytest


@pytest.fixture
def run(tenant, spawn, environment):
    """The name of one run; from then on tenant and application are known and there is no credential any more."""
    done = spawn("block", "one.example.com", "--json")
    environment.pop("DEFENDER_CLIENT_SECRET")
    tenant.arrivals.clear()
    return json.loads(done.out)["run_id"]


def test_what_is_kept_on_this_machine_needs_no_credential(run, spawn, tenant, tmp_path):
    commands = [["runs"], ["show", run], ["ledger", "check"], ["ledger", "backup", str(tmp_path / "copy")]]
    for command in [*commands, ["ledger", "prune"], ["ledger", "recover"]]:
        ended = spawn(*command)
        assert ended.code == 0, ended
    assert tenant.arrivals == []


def test_what_sends_names_the_missing_credential_and_leaves_no_run_behind(run, spawn, tenant):
    before = spawn("runs", "--json").out
    for command in (["block", "two.example.com"], ["resume"], ["verify", run], ["test-connection"]):
        ended = spawn(*command)
        assert ended.code == 2, ended
        assert "no credential; set DEFENDER_CLIENT_SECRET" in ended.err
    assert spawn("runs", "--json").out == before
    assert tenant.arrivals == []
