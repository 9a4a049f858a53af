"""Cases 99, 104 and 107 to 111: what a poisoned or broken feed would do, and what holds it."""

import hashlib
import sys
from pathlib import Path

import pytest

from defender_indicators.guard import Guard, GuardSettings, brakes
from defender_indicators.indicators.domains import domain

SETTINGS = GuardSettings()


@pytest.mark.parametrize(
    "value", [domain("c\u043entoso.com", []), "c0ntoso.com", "mail.c0ntoso.com", "https://cont0so.com/"]
)
def test_case_099_a_look_alike_of_an_own_domain_is_held(own_lists, block, value):
    guard = Guard(GuardSettings(own_domains=("contoso.com",)), own_lists(alexa=[]))
    hold = guard.judge(block(value))
    assert (hold.code, hold.hard) == ("homoglyph", False)
    assert "contoso.com" in hold.reason


def test_case_104_an_empty_feed_deletes_nothing():
    assert brakes.deletes(15, 15, SETTINGS).code == "too_many_deletes"


def test_case_104_a_feed_that_shrank_by_95_percent_deletes_nothing():
    assert brakes.deletes(9_500, 10_000, SETTINGS).code == "too_many_deletes"


def test_case_104_a_truncated_feed_deletes_nothing():
    assert brakes.deletes(1, 10_000, SETTINGS, complete=False).code == "incomplete_source"


def test_case_104_a_feed_ten_times_larger_blocks_nothing_new():
    assert brakes.sync_blocks(9_000, 1_000, SETTINGS).code == "too_many_blocks"


@pytest.mark.parametrize(
    "value",
    [
        "microsoft.com",
        "login.microsoftonline.com",
        "windows.net",
        "wdcp.microsoft.com",
        "europe.x.cp.wd.microsoft.com",
        "crl.microsoft.com",
        "ocsp.digicert.com",
        "digicert.com",
        "ctldl.windowsupdate.com",
        "au.download.windowsupdate.com",
        "api.security.microsoft.com",
        "https://login.live.com/",
        "8.8.8.8",
        "1.1.1.1",
        "168.63.129.16",
        "20.190.151.7",
        "2606:4700:4700:0:0:0:0:1111",
    ],
)
def test_case_107_what_everybody_needs_is_never_blocked(guard, block, value):
    hold = guard.judge(block(value))
    assert (hold.code, hold.hard) == ("never_block", True)


@pytest.mark.parametrize("value", ["contoso.com", "vpn.contoso.com", "rmm.supplier.net", "45.80.1.7", "45.81.1.1"])
def test_case_107_own_domains_egress_proxy_and_remote_management_are_never_blocked(shipped, block, value):
    never = {"domains": ["rmm.supplier.net"], "networks": ["45.80.1.7", "45.81.0.0/16"]}
    settings = GuardSettings.from_mapping({"own_domains": ["contoso.com"], "never_block": never})
    hold = Guard(settings, shipped).judge(block(value))
    assert (hold.code, hold.hard) == ("own_asset", True)


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256"])
def test_case_108_the_empty_file_is_never_blocked(guard, block, algorithm):
    hold = guard.judge(block(hashlib.new(algorithm, b"").hexdigest()))
    assert (hold.code, hold.hard) == ("never_block", True)


def test_case_108_the_running_python_and_known_good_files_are_held(guard, block):
    python = hashlib.sha256(Path(sys.executable).read_bytes()).hexdigest()
    assert guard.judge(block(python)).code == "known_good_hash"
    known = guard.judge(block("0000a47b73c377a2ec61f78b196fb448"))
    assert (known.code, known.list) == ("known_good_hash", "List of known hashes for benign files")


@pytest.mark.parametrize("value", ["host.example.com", "45.1.2.3", "ab" * 32, "https://host.example.com/a"])
def test_case_109_allowed_is_always_held(guard, block, value):
    hold = guard.judge(block(value, "Allowed", '["servers"]'))
    assert (hold.code, hold.hard) == ("allowed_action", False)


def test_case_110_remediation_on_all_devices_is_held(guard, block):
    assert guard.judge(block("ab" * 32, "BlockAndRemediate")).code == "remediation_everywhere"


def test_case_110_remediation_in_a_group_and_a_block_everywhere_pass(guard, block):
    assert guard.judge(block("ab" * 32, "BlockAndRemediate", '["servers"]')) is None
    assert guard.judge(block("ab" * 32, "Block")) is None


def test_case_111_a_mass_change_is_held():
    assert brakes.new_blocks(101, SETTINGS, unattended=True).code == "too_many_blocks"
    assert brakes.new_blocks(1_001, SETTINGS).code == "too_many_blocks"
    assert brakes.sync_blocks(501, 5_000, SETTINGS).code == "too_many_blocks"
    assert brakes.deletes(501, 5_000, SETTINGS).code == "too_many_deletes"
