import hashlib
import sys
from pathlib import Path

import pytest

from defender_indicators.guard import CODES, Guard, GuardSettings

SITES = {
    "cisco_top1000": ["popular.test-site.net", "shop.net", "blogspot.com", "example.com", "docs.example.org"],
    "akamai": ["45.60.0.0/16", "45.60.7.0/24", "2a02:26f0::/32", "45.9.9.9"],
    "public-dns-v4": ["45.60.7.8", "::ffff:45.77.1.1"],
    "nioc-filehash": ["0" * 31 + "1", "0" * 39 + "2", "0" * 63 + "3"],
}


@pytest.fixture
def sites(own_lists):
    return Guard(GuardSettings(), own_lists(**SITES))


@pytest.mark.parametrize(
    ("value", "entry"),
    [
        ("shop.net", "shop.net"),
        ("deep.below.shop.net", "shop.net"),
        ("test-site.net", "popular.test-site.net"),
        ("https://shop.net/", "shop.net"),
        ("http://www.shop.net:8080/", "shop.net"),
        ("example.com", "example.com"),
        ("45.60.1.1", "45.60.0.0/16"),
        ("45.60.7.1", "45.60.7.0/24"),
        ("45.60.7.8", "45.60.7.8"),
        ("45.9.9.9", "45.9.9.9"),
        ("45.77.1.1", "45.77.1.1"),
        ("64:ff9b:0:0:0:0:2d3c:101", "45.60.0.0/16"),
        ("2002:2d3c:101:0:0:0:0:1", "45.60.0.0/16"),
        ("2a02:26f0:1:0:0:0:0:1", "2a02:26f0::/32"),
        ("http://45.60.1.1/", "45.60.0.0/16"),
        ("https://[2a02:26f0::1]/", "2a02:26f0::/32"),
    ],
)
def test_what_a_list_holds_is_held_with_the_list_and_the_entry(sites, block, value, entry):
    hold = sites.judge(block(value))
    assert hold.code == "warninglist"
    assert hold.list in ("List cisco_top1000", "List akamai", "List public-dns-v4")
    assert hold.reason == f'on the warninglist "{hold.list}" as {entry}'
    assert not hold.hard


@pytest.mark.parametrize(
    "value",
    [
        "evil.blogspot.com",
        "notshop.net",
        "shop.net.evil.org",
        "other.test-site.net",
        "host.example.com",
        "example.org",
        "https://shop.net/page",
        "https://shop.net/?id=1",
        "https://45.60.1.1/x",
        "45.61.0.0",
        "45.59.255.255",
        "45.9.9.8",
        "2a02:26f1:0:0:0:0:0:1",
        "0" * 31 + "2",
        "0" * 63 + "1",
    ],
)
def test_what_only_looks_similar_passes(sites, block, value):
    assert sites.judge(block(value)) is None


@pytest.mark.parametrize("value", ["blogspot.com", "github.io", "eu-west-1.compute.amazonaws.com"])
def test_a_name_below_which_strangers_live_is_held(sites, block, value):
    assert sites.judge(block(value)).code in ("shared_suffix", "warninglist")


@pytest.mark.parametrize("kind", ["FileMd5", "FileSha1", "FileSha256", "CertificateThumbprint"])
def test_known_good_files_and_certificates_are_held(sites, block, kind):
    value = {"FileMd5": "0" * 31 + "1", "FileSha256": "0" * 63 + "3"}.get(kind, "0" * 39 + "2")
    hold = sites.judge(block(value, kind=kind))
    assert (hold.code, hold.list, hold.hard) == ("known_good_hash", "List nioc-filehash", False)


@pytest.mark.parametrize("action", ["Block", "BlockAndRemediate", "Warn", "AlertAndBlock"])
def test_every_action_that_takes_something_away_is_judged(sites, block, action):
    assert sites.judge(block("shop.net", action)).code == "warninglist"


@pytest.mark.parametrize("action", ["Audit", "Alert"])
def test_an_audit_blocks_nothing_and_passes(sites, block, action):
    assert sites.judge(block("shop.net", action)) is None


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256"])
def test_the_python_that_runs_this_is_known_good(sites, block, algorithm):
    value = hashlib.new(algorithm, Path(sys.executable).read_bytes()).hexdigest()
    hold = sites.judge(block(value))
    assert (hold.code, hold.hard) == ("known_good_hash", False)


def test_nothing_is_opened_for_rows_that_block_nothing(block):
    guard = Guard(GuardSettings(), None)
    assert guard.judge(block("shop.net", "Audit")) is None
    assert guard.judge(block("shop.net", "Allowed")).code == "allowed_action"


@pytest.mark.parametrize(
    "value",
    [
        "rmm.example.net",
        "eu.rmm.example.net",
        "example.net",
        "https://rmm.example.net/agent/update?x=1",
        "contoso.co.uk",
        "www.contoso.co.uk",
        "https://www.contoso.co.uk/page",
        "198.51.100.7",
        "203.0.113.200",
        "http://198.51.100.7/x",
        "2001:db8:0:0:0:0:0:9",
        "a" * 64,
    ],
)
def test_what_the_configuration_protects_is_never_released(shipped, block, value):
    section = {
        "own_domains": ["Contoso.co.uk"],
        "never_block": {
            "domains": ["rmm.example.net"],
            "networks": ["198.51.100.7", "203.0.113.0/24", "2001:db8::/64"],
            "hashes": ["A" * 64],
        },
    }
    hold = Guard(GuardSettings.from_mapping(section), shipped).judge(block(value))
    assert (hold.code, hold.hard) == ("own_asset", True)
    assert "guard." in hold.reason


@pytest.mark.parametrize(
    "value", ["https://example.net/page", "notcontoso.co.uk", "198.51.100.8", "https://h.io/contoso.co.uk"]
)
def test_neighbours_of_what_the_configuration_protects_pass(own_lists, block, value):
    section = {
        "own_domains": ["contoso.co.uk"],
        "never_block": {"domains": ["a.example.net"], "networks": ["198.51.100.7"]},
    }
    assert Guard(GuardSettings.from_mapping(section), own_lists(alexa=[])).judge(block(value)) is None


def test_a_page_on_a_host_that_must_never_be_blocked_is_held_too(guard, block):
    hold = guard.judge(block("https://login.microsoftonline.com/common/oauth2?x=1"))
    assert (hold.code, hold.hard, hold.list) == ("never_block", True, "Microsoft sign-in")


def test_a_page_of_a_domain_above_such_a_host_passes(guard, block):
    assert guard.judge(block("https://microsoft.com/page")) is None


def test_a_hard_hold_names_the_warninglist_too(guard, block):
    hold = guard.judge(block("login.microsoftonline.com"))
    assert hold.reason.endswith('; on the warninglist "List of known Office 365 URLs" as login.microsoftonline.com')


def test_hosts_of_the_product_are_never_blocked(own_lists, block):
    guard = Guard(GuardSettings(), own_lists(alexa=[]), ["api.product.example"])
    assert guard.judge(block("api.product.example", kind="DomainName")).list == "API of this pack"


def test_a_host_with_a_name_that_ends_in_digits_is_a_name(sites, block):
    assert sites.judge(block("https://a.xn--80asehdb/", kind="Url")) is None


def test_every_code_says_what_to_do():
    assert all(len(meaning) > 40 for meaning in CODES.values())
