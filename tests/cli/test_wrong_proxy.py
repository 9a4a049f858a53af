import pytest


@pytest.mark.parametrize("proxy", ["http://[bad", "usr:PrxPass77@127.0.0.1:9"])
@pytest.mark.parametrize("command", [["runs", "--json"], ["test-connection", "--json"], ["test-connection"]])
def test_a_wrong_proxy_is_one_line_without_its_password(tenant, spawn, command, proxy):
    ended = spawn(*command, DEFENDER_PROXY=proxy)
    assert ended.code == 2, ended
    assert ended.err.count("\n") == 1
    assert "write http://user:password@host:port" in ended.err
    assert "PrxPass77" not in ended.out + ended.err
