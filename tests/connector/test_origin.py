import pytest

from defender_indicators.configuration import Profile
from defender_indicators.credentials import ClientSecret
from defender_indicators.errors import ConfigurationError
from defender_indicators.origin import check_origin, same_origin
from defender_indicators.secret_sources import SecretSource

HOSTS = {"api.security.microsoft.com", "gateway.example:8443"}


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://api.security.microsoft.com", "https://api.security.microsoft.com"),
        ("https://API.security.microsoft.com:443/", "https://api.security.microsoft.com"),
        ("https://gateway.example:8443", "https://gateway.example:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://localhost:4433/", "https://localhost:4433"),
        ("https://[::1]:4433", "https://[::1]:4433"),
    ],
)
def test_an_allowed_address_is_brought_to_its_origin(url, origin):
    assert check_origin(url, HOSTS, "api_url") == origin


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("http://api.security.microsoft.com", "in the clear"),
        ("https://user:pass@api.security.microsoft.com", "user name or password"),
        ("https://api.security.microsoft.com@evil.test", "user name or password"),
        ("https://40.1.2.3", "IP address"),
        ("https://169.254.169.254", "IP address"),
        ("https://[2001:db8::1]", "IP address"),
        ("https://676767676", "IP address"),
        ("https://0x28.1.2.3", "IP address"),
        ("https://0x28010203", "IP address"),
        ("https://api.security.microsoft.com.evil.test", "not a host of this product"),
        ("https://api.security.microsoft.com:8443", "not a host of this product"),
        ("https://gateway.example", "not a host of this product"),
        ("https://evil.test#api.security.microsoft.com", "something follows the host"),
        ("https://evil.test?x=api.security.microsoft.com", "something follows the host"),
        ("https://evil.test\\api.security.microsoft.com", "not a host of this product"),
        ("https://api.security.microsoft.com.", "ends with a dot"),
        ("https://xn--pi-7ka.security.microsoft.com", "not a plain ASCII name"),
        ("https://\u0430pi.security.microsoft.com", "not a plain ASCII name"),
        ("https://api.security.microsoft.com/api", "something follows the host"),
        ("ftp://api.security.microsoft.com", "begin with https"),
        ("api.security.microsoft.com", "begin with https"),
        ("https://", "names no host"),
        ("https://api.security.microsoft.com:port", "not an address"),
        ("https://[", "not an address"),
    ],
)
def test_case_117_an_address_that_must_not_be_used_is_refused(url, cause):
    with pytest.raises(ConfigurationError, match=cause) as caught:
        check_origin(url, HOSTS, "contoso: api_url")
    assert str(caught.value).startswith("contoso: api_url: ")
    assert "pass@" not in str(caught.value)


def _profile(**settings):
    return Profile("one", "contoso.example", "app", ClientSecret(SecretSource("env", "X")), **settings)


@pytest.mark.parametrize("name", ["commercial", "gcc", "gcc_high", "dod"])
def test_every_cloud_is_reached_at_its_own_addresses(product, name):
    cloud = product.clouds[name]
    assert product.endpoints(_profile(cloud=name)) == (cloud.authority, cloud.api_url, cloud.scope)
    assert cloud.api_url.removeprefix("https://") in cloud.hosts


def test_a_regional_host_keeps_the_audience_of_its_cloud(product):
    found = product.endpoints(_profile(api_url="https://eu.api.security.microsoft.com"))
    assert found.api_url == "https://eu.api.security.microsoft.com"
    assert found.scope == "https://api.securitycenter.microsoft.com/.default"


def test_case_117_a_foreign_host_needs_a_line_in_the_configuration_file(product):
    settings = {"api_url": "https://gateway.example", "authority": "https://gateway.example"}
    with pytest.raises(ConfigurationError, match=r"one: authority: gateway\.example is not a host"):
        product.endpoints(_profile(**settings))
    found = product.endpoints(_profile(**settings, allowed_hosts=("gateway.example",)))
    assert found.api_url == found.authority == "https://gateway.example"


def test_an_api_host_is_no_place_to_sign_in(product):
    with pytest.raises(ConfigurationError, match="one: authority"):
        product.endpoints(_profile(authority="https://api.security.microsoft.com"))


@pytest.mark.parametrize("authority", ["http://127.0.0.1:1", "http://localhost"])
def test_sign_in_without_tls_is_refused_with_the_remedy(product, authority):
    with pytest.raises(ConfigurationError, match=r"one: authority: sign-in needs TLS.*; write it as https://HOST"):
        product.endpoints(_profile(authority=authority))


def test_an_unknown_cloud_is_refused(product):
    with pytest.raises(ConfigurationError, match="use one of commercial, dod, gcc, gcc_high"):
        product.endpoints(_profile(cloud="moon"))


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://host/x", True),
        ("https://HOST:443/x?y", True),
        ("http://host/x", False),
        ("https://host:444/x", False),
        ("https://host.evil/x", False),
        ("https://u@host/x", False),
        ("https://host:x/", False),
    ],
)
def test_the_same_origin_is_scheme_host_and_port(url, same):
    assert same_origin(url, "https://host") is same
