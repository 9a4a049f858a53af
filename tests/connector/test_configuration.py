import json
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml

from defender_indicators.configuration import load_configuration
from defender_indicators.credentials import (
    Certificate,
    ClientSecret,
    DeviceCode,
    ManagedIdentity,
    WorkloadIdentity,
)
from defender_indicators.errors import ConfigurationError
from defender_indicators.network import proxy_secrets
from defender_indicators.pack.content import content_root
from defender_indicators.redaction import redact
from defender_indicators.secret_sources import SecretSource

TENANT, CLIENT = "5c1d7a52-4f0e-4d0b-9a55-2b7f0a6f3c11", "0f3b1a4e-9c36-4be0-8f57-6d1f4e0c7a20"
WHO = {"DEFENDER_TENANT_ID": TENANT, "DEFENDER_CLIENT_ID": CLIENT}
WRONG_PROXIES = [
    "usr:PrxPass77@127.0.0.1:9",
    "//usr:PrxPass77@127.0.0.1:9",
    "ftp://usr:PrxPass77@127.0.0.1:9",
    "http://usr:PrxPass77/x@host:9",
    "http://usr:PrxPass77#x@host:9",
    "http://usr:77#x@host:9",
    "http://usr:77?x@host:9",
    "http://usr:77\\x@host:9",
    "http://usr:Prx[Pass@host:9",
    "http://usr:PrxPass77@host:port",
    "http://usr:PrxPass77@host:70000",
    "http://usr:PrxPass77@:9",
    "http://host:9/path",
    "http://[bad",
    "http://",
    " ",
]


@pytest.fixture
def configure(tmp_path):
    def load(text, environ=None):
        file = tmp_path / "configuration.yaml"
        file.write_text(text if isinstance(text, str) else json.dumps({"schema_version": 1, **text}))
        return load_configuration(file, environ or {})

    return load


def test_the_environment_alone_is_enough():
    environ = WHO | {
        "DEFENDER_CLIENT_SECRET": "value",
        "DEFENDER_CLOUD": "gcc",
        "DEFENDER_API_URL": "https://a",
        "DEFENDER_SCOPE": "https://s/.default",
        "DEFENDER_AUTHORITY": "https://l",
        "DEFENDER_CA_BUNDLE": "/ca.pem",
        "DEFENDER_PROXY": "http://user:hidden@proxy:3128",
        "DEFENDER_INDICATORS_HOME": "/state",
    }
    profile = load_configuration(None, environ).profile()
    assert (profile.tenant_id, profile.client_id, profile.cloud) == (TENANT, CLIENT, "gcc")
    assert (profile.api_url, profile.scope, profile.authority) == ("https://a", "https://s/.default", "https://l")
    assert (profile.network.ca_bundle, profile.network.proxy) == ("/ca.pem", environ["DEFENDER_PROXY"])
    assert profile.home == Path("/state")
    assert profile.credential.source.read().reveal() == "value"
    assert "hidden" not in repr(profile)
    assert "value" not in repr(profile)


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        ({}, "no credential; set DEFENDER_CLIENT_SECRET"),
        ({}, "set DEFENDER_TENANT_ID and DEFENDER_CLIENT_ID"),
        ({"DEFENDER_CLIENT_SECRET": "x"}, "set DEFENDER_TENANT_ID and DEFENDER_CLIENT_ID"),
        ({**WHO, "DEFENDER_CLIENT_SECRET": "x", "DEFENDER_CERTIFICATE_FILE": "y"}, "are both set; keep one"),
        ({**WHO, "DEFENDER_CLIENT_SECRET": "x", "DEFENDER_CLIENT_SECRET_FILE": "y"}, "are both set; keep one"),
        ({**WHO, "DEFENDER_CLIENT_SECRET": "x", "DEFENDER_CLOUD": "moon"}, "environment: .*cloud: "),
        ({**WHO, "DEFENDER_CLIENT_SECRET": "x", "DEFENDER_CLIENT_ID": "app"}, "environment: .*client_id: .*GUID"),
    ],
)
def test_an_incomplete_environment_says_what_to_set(environ, missing):
    with pytest.raises(ConfigurationError, match=missing):
        load_configuration(None, environ).profile()


def test_the_home_is_the_users_own_when_nobody_says_otherwise(configure):
    assert "defender-indicators" in str(load_configuration(None, {}).home)
    assert configure({"home": "~/state"}).home == Path.home() / "state"


def test_a_tenant_takes_what_it_does_not_say_from_the_defaults(configure):
    configuration = configure(
        {
            "defaults": {"client_id": CLIENT, "client_secret": {"env": "SHARED"}, "cloud": "gcc"},
            "tenants": {
                "one": {"tenant_id": "one.example"},
                "two": {"tenant_id": "two.example", "cloud": "dod", "certificate": {"file": "/c.pem"}},
            },
        },
        {"SHARED": "s"},
    )
    one, two = configuration.profile("one"), configuration.profile("two")
    assert (one.tenant_id, one.cloud, one.client_id) == ("one.example", "gcc", CLIENT)
    assert isinstance(one.credential, ClientSecret)
    assert (two.cloud, two.credential) == ("dod", Certificate(Path("/c.pem")))


def test_the_environment_wins_for_the_default_tenant_only(configure):
    content = {
        "default_tenant": "one",
        "defaults": {"client_id": CLIENT, "client_secret": {"env": "SHARED"}},
        "tenants": {"one": {"tenant_id": "one.example"}, "two": {"tenant_id": "two.example"}},
    }
    environ = {"DEFENDER_TENANT_ID": "env.example", "DEFENDER_CERTIFICATE_FILE": "/c.pem", "DEFENDER_CLOUD": "dod"}
    configuration = configure(content, environ)
    assert configuration.profile() == configuration.profile("one")
    assert configuration.profile().tenant_id == "env.example"
    assert configuration.profile().credential == Certificate(Path("/c.pem"))
    assert (configuration.profile("two").tenant_id, configuration.profile("two").cloud) == ("two.example", "commercial")


def test_the_only_tenant_is_the_default(configure):
    settings = {"tenant_id": "one.example", "client_id": CLIENT, "client_secret": {"env": "S"}}
    assert configure({"tenants": {"one": settings}}).profile().name == "one"


def test_several_tenants_without_a_default_must_be_named(configure):
    settings = {"tenant_id": "x.example", "client_id": CLIENT, "client_secret": {"env": "S"}}
    configuration = configure({"tenants": {"one": settings, "two": settings}})
    with pytest.raises(ConfigurationError, match="name one of one, two"):
        configuration.profile()
    with pytest.raises(ConfigurationError, match="three: no such tenant; known: one, two"):
        configuration.profile("three")
    from_environment = configure({"tenants": {"one": settings, "two": settings}}, WHO | {"DEFENDER_CLIENT_SECRET": "x"})
    assert from_environment.profile().tenant_id == TENANT


@pytest.mark.parametrize(
    ("settings", "credential"),
    [
        ({"client_secret": {"keyring": "a/b"}}, ClientSecret(SecretSource("keyring", "a/b"))),
        ({"managed_identity": {}}, ManagedIdentity()),
        ({"managed_identity": {"client_id": "x"}}, ManagedIdentity("x")),
        ({"workload_identity": {"token_file": "/t"}}, WorkloadIdentity(Path("/t"))),
        ({"workload_identity": {}}, WorkloadIdentity(Path("/azure"))),
        ({}, WorkloadIdentity(Path("/azure"))),
        ({"device_code": {}, "token_cache": "keyring"}, DeviceCode()),
    ],
)
def test_every_way_to_sign_in_has_a_setting(configure, settings, credential):
    environ = {"AZURE_FEDERATED_TOKEN_FILE": "/azure"}
    content = {"tenants": {"one": {"tenant_id": TENANT, "client_id": CLIENT, **settings}}}
    assert configure(content, environ).profile().credential == credential


@pytest.mark.parametrize(
    ("settings", "cause"),
    [
        ({"device_code": {}}, "device_code needs token_cache"),
        ({"device_code": {}, "managed_identity": {}}, "managed_identity and device_code are both given"),
    ],
)
def test_credentials_that_cannot_work_are_refused(configure, settings, cause):
    content = {"tenants": {"one": {"tenant_id": TENANT, "client_id": CLIENT, **settings}}}
    with pytest.raises(ConfigurationError, match=cause):
        configure(content).profile()


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({}, "one: no credential; set DEFENDER_CLIENT_SECRET"),
        ({"workload_identity": {}}, "one: workload_identity: no token file; set token_file or AZURE_FEDERATED_TOKEN"),
    ],
)
def test_without_a_credential_it_is_known_who_we_are_and_sign_in_says_what_is_missing(
    configure, connect, settings, remedy
):
    content = {"tenants": {"one": {"tenant_id": TENANT, "client_id": CLIENT, **settings}}}
    connector = connect(profile=configure(content).profile())
    assert connector.identity() == ("commercial", TENANT, CLIENT)
    with pytest.raises(ConfigurationError, match=remedy):
        connector.sign_in()


def test_durations_and_limits_can_be_overridden(configure):
    settings = {
        "tenant_id": TENANT,
        "client_id": CLIENT,
        "client_secret": {"env": "S"},
        "limits": {"import": [{"calls": 30, "seconds": 1}]},
        "delivery": {"connect_timeout_seconds": 2, "call_deadline_seconds": 5, "backoff_seconds": 0.1},
        "legacy_actions": "keep",
    }
    profile = configure({"tenants": {"one": settings}}).profile()
    assert profile.limits == {"import": ((30, 1),)}
    assert (profile.network.connect_timeout, profile.network.deadline) == (2, 5)
    assert (profile.delivery["backoff_seconds"], profile.legacy_actions) == (0.1, "keep")


def test_the_environments_ca_bundle_and_a_secret_proxy_must_be_asked_for(configure, tmp_path):
    proxy = tmp_path / "proxy"
    proxy.write_text("http://user:hidden@proxy:1")
    proxy.chmod(0o600)
    settings = {"tenant_id": TENANT, "client_id": CLIENT, "client_secret": {"env": "S"}}
    environ = {"CURL_CA_BUNDLE": "/curl.pem"}
    assert configure({"tenants": {"one": settings}}, environ).profile().network.ca_bundle == ""
    settings |= {"ca_bundle": "env", "proxy": {"file": str(proxy)}}
    network = configure({"tenants": {"one": settings}}, environ).profile().network
    assert (network.ca_bundle, network.proxy) == ("/curl.pem", "http://user:hidden@proxy:1")
    assert "hidden" not in repr(network)


@pytest.mark.parametrize("address", WRONG_PROXIES)
def test_a_wrong_proxy_is_told_by_its_setting_and_not_repeated(address):
    environ = WHO | {"DEFENDER_CLIENT_SECRET": "x", "DEFENDER_PROXY": address}
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(None, environ).profile()
    assert str(caught.value) == (
        "proxy (DEFENDER_PROXY): not the address of a proxy; write http://user:password@host:port, "
        "special characters of user and password percent-encoded"
    )


@pytest.mark.parametrize(
    "address", ["http://proxy:3128", "https://proxy/", "http://[::1]:3128", "http://user@proxy:1", "HTTP://u:p%23@p:1"]
)
def test_a_proxy_is_a_scheme_a_host_and_no_more_than_user_and_port(address):
    environ = WHO | {"DEFENDER_CLIENT_SECRET": "x", "DEFENDER_PROXY": address}
    assert load_configuration(None, environ).profile().network.proxy == address


@pytest.mark.parametrize("address", ["usr:PrxPass77@127.0.0.1:9", "http://usr:Prx%23Pass@h:9", "http://usr:P//x1@h:9"])
def test_what_stands_before_the_last_at_sign_of_a_proxy_is_secret(address):
    try:
        kept = proxy_secrets("setting", address)
    except ConfigurationError as error:
        kept = error
    account = address.removeprefix("http://").rpartition("@")[0]
    for text in (account, account.removeprefix("usr:"), unquote(account), unquote(account).removeprefix("usr:")):
        assert redact(f"say {text} aloud") == "say *** aloud"
    assert kept


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "schema_version: 1\ntenants:\n  one:\n    tenant: x\n",
            ":4: $.tenants.one.tenant: is not known here; did you mean tenant_id?",
        ),
        ("schema_version: 2\n", ":1: $.schema_version: has the wrong value"),
        ("tenants: {}\n", ":1: $: schema_version is missing"),
        ("schema_version: 1\ndefaults: {client_secret: abc-secret}\n", ":2: $.defaults.client_secret: "),
        ("schema_version: 1\ndefaults: {client_secret: {literal: abc-secret}}\n", "literal: is not known here"),
        ("schema_version: 1\ndefaults: {proxy: 'http://u:abc-secret@h'}\n", "$.defaults.proxy: "),
        ("schema_version: 1\nschema_version: 1\n", ":2: "),
        ("schema_version: 1\ndefault_tenant: two\ntenants: {one: {}}\n", ":2: $.default_tenant: names no tenant"),
        ("schema_version: 1\ntenants: {One Two: {}}\n", ":2: $.tenants"),
    ],
)
def test_a_wrong_file_says_line_path_and_remedy_but_no_value(configure, text, message):
    with pytest.raises(ConfigurationError) as caught:
        configure(text)
    assert message in str(caught.value)
    assert "configuration.yaml:" in str(caught.value)
    assert "; " in str(caught.value)
    assert "abc-secret" not in str(caught.value)


def test_all_problems_are_reported_at_once(configure):
    with pytest.raises(ConfigurationError) as caught:
        configure("schema_version: 1\ndefaults: {cloud: moon, token_cache: disk}\nmore: 1\n")
    assert len(str(caught.value).splitlines()) == 3


def test_a_missing_file_is_a_configuration_error(tmp_path):
    with pytest.raises(ConfigurationError, match=r"none\.yaml"):
        load_configuration(None, {"DEFENDER_INDICATORS_CONFIG": str(tmp_path / "none.yaml")})


def test_the_example_is_valid_and_shows_every_setting(tmp_path):
    example = content_root() / "docs" / "configuration.example.yaml"
    configuration = load_configuration(example, {"AZURE_FEDERATED_TOKEN_FILE": "/t"})
    for name in configuration.tenants:
        configuration.profile(name)
    schema = json.loads((content_root() / "schemas" / "configuration.schema.json").read_text("utf-8"))
    text = example.read_text("utf-8")
    expected = {*schema["properties"], *schema["$defs"]["settings"]["properties"]}
    expected |= {*schema["$defs"]["settings"]["properties"]["delivery"]["properties"]}
    assert [key for key in sorted(expected) if f"{key}:" not in text] == []
    assert yaml.safe_load(text)["schema_version"] == 1


def test_a_home_of_an_unknown_user_is_named():
    with pytest.raises(ConfigurationError, match="home: '~no-such-user/x' names a user who is not known here"):
        load_configuration(None, {"DEFENDER_INDICATORS_HOME": "~no-such-user/x"})
