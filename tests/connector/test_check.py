import pytest

from defender_indicators.configuration import load_configuration
from defender_indicators.delivery.answer import Call
from defender_indicators.errors import ConfigurationError
from defender_indicators.pack import content_root
from defender_indicators.pack.checker import Checker
from defender_indicators.pack.strict_yaml import load
from defender_indicators.redaction import redact


@pytest.fixture
def check(connect, emulator):
    def make(environ=None, **changes):
        profile = load_configuration(None, emulator.environment() | (environ or {})).profile()
        return connect(profile=profile).check()

    return make


@pytest.fixture
def granted(emulator):
    registration = emulator.registration
    before = registration.roles

    def grant(*roles):
        registration.roles = roles

    yield grant
    registration.roles = before


def test_a_tenant_that_is_set_up_is_ok_and_spends_no_import_call(check, emulator):
    found = check()
    assert found["ok"]
    assert (found["tenant"], found["app_id"], found["cloud"]) == (emulator.tenant_id, emulator.client_id, "commercial")
    assert (found["roles"], found["missing_roles"], found["remedy"]) == (["Ti.ReadWrite.All"], [], "")
    assert (found["api_url"], found["ca_bundle"], found["proxy"]) == (emulator.url, emulator.ca_file, "")
    assert abs(found["clock_skew_seconds"]) <= 1
    assert {arrival.endpoint for arrival in emulator.arrivals} == {"discovery", "token", "list"}


@pytest.mark.parametrize("roles", [("Ti.ReadWrite",), ("Ti.ReadWrite.All", "Machine.Read.All")])
def test_any_one_of_the_roles_is_enough(check, granted, roles):
    granted(*roles)
    assert check()["ok"]


def test_a_missing_role_is_named_with_the_place_to_grant_it(check, granted, emulator):
    granted("Machine.Read.All")
    found = check()
    assert not found["ok"]
    assert found["missing_roles"] == ["Ti.ReadWrite.All"]
    for part in ("Ti.ReadWrite.All of WindowsDefenderATP", emulator.client_id, "API permissions", "admin consent"):
        assert part in found["remedy"]


def test_a_token_for_another_resource_lacks_the_role(check):
    found = check({"DEFENDER_SCOPE": "https://graph.microsoft.com/.default"})
    assert found["missing_roles"] == ["Ti.ReadWrite.All"]


@pytest.mark.parametrize(
    ("fault", "part"),
    [
        ("403=Forbidden", "HTTP 403"),
        ("status=500@on:list", "HTTP 500"),
        ("html@on:list", "check DEFENDER_API_URL"),
        ("rst@on:list", "GET /api/indicators: "),
        ("status=503@on:token", "HTTP 503; try again later"),
    ],
)
def test_what_fails_is_data_with_a_remedy(check, emulator, fault, part):
    emulator.faults.add(fault)
    found = check()
    assert not found["ok"]
    assert part in found["remedy"]


def test_a_closed_port_names_what_may_be_in_the_way_before_anything_else(check):
    found = check({"DEFENDER_API_URL": "https://127.0.0.1:1"})
    assert list(found)[:2] == ["ok", "remedy"]
    assert "refused; check the address, DNS, the proxy and the firewall" in found["remedy"]


def test_a_sign_in_service_that_is_not_there_names_its_host_once(check):
    remedy = check({"DEFENDER_AUTHORITY": "https://127.0.0.1:1"})["remedy"]
    assert remedy.startswith("sign-in at 127.0.0.1: Connection")
    assert remedy.endswith("; check the address, DNS, the proxy and the firewall")


def test_outputs_keep_to_the_manifest(check, emulator):
    manifest = load(content_root() / "actions" / "test_connection.yaml").data
    assert list(manifest["outputs"]["properties"]) == list(check())
    checker = Checker(manifest["outputs"])
    assert checker.findings(check()) == []
    emulator.faults.add("status=503@on:token")
    assert checker.findings(check()) == []


@pytest.fixture
def environments_proxy(monkeypatch):
    """environments_proxy(address) makes it the one that the environment of this process names for everything."""

    def name(address):
        monkeypatch.setenv("HTTPS_PROXY", address)
        for variable in ("https_proxy", "NO_PROXY", "no_proxy"):
            monkeypatch.delenv(variable, raising=False)

    return name


@pytest.mark.parametrize("address", ["usr:PrxPass77@127.0.0.1:9", "http://usr:PrxPass77/x@h:9", "http://[bad"])
def test_a_wrong_proxy_of_the_environment_is_told_and_not_repeated(check, environments_proxy, address):
    environments_proxy(address)
    with pytest.raises(ConfigurationError, match=r"^HTTPS_PROXY or ALL_PROXY \(proxy: env\): not the ") as caught:
        check({"DEFENDER_PROXY": "env"})
    assert "PrxPass77" not in str(caught.value)
    assert check()["ok"]


def test_the_password_of_the_environments_proxy_is_secret(connect, environments_proxy):
    environments_proxy("http://usr:PrxPass77@127.0.0.1:9")
    connector = connect("https://127.0.0.1:9", proxy="env")
    assert redact("say PrxPass77 aloud") == "say *** aloud"
    connector.close()


def test_the_environments_proxy_is_shown(check, serve, faults, environments_proxy):
    proxy = serve(faults.proxy(), None)
    environments_proxy(f"http://127.0.0.1:{proxy.port}")
    found = check({"DEFENDER_PROXY": "env"})
    assert (found["ok"], found["proxy"]) == (True, "env")
    assert proxy.hits


def test_a_call_that_nobody_signed_in_for_signs_in(connect, emulator):
    connector = connect(profile=load_configuration(None, emulator.environment()).profile())
    assert connector.roles() == frozenset()
    assert connector.send(Call("GET", "/api/indicators")).status == 200
