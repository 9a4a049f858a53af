"""Poisoned feeds: nothing of them is sent, and each row says why."""

import os
import random

import pytest

from defender_indicators.guard import GuardSettings
from defender_indicators.guard.lists import load, selected
from defender_indicators.indicators import infer_type

OWN = {"own_domains": ["contoso.com"], "never_block": {"networks": ["198.51.100.0/24"], "hashes": ["ab" * 32]}}
SAMPLE = 300
DOORS = ("sync", "import")


@pytest.fixture
def send(world):
    """Return a function that sends rows through one of the doors."""

    def through(door, found, **more):
        if door == "sync":
            return world.sync(found, **more)
        return world.act("import_indicators", indicators=found, **more)

    return through


def block(value, action="Block", **more):
    texts = {"title": "poison", "description": "poison", "generateAlert": False}
    return {"indicatorType": infer_type(value), "indicatorValue": value, "action": action} | texts | more


@pytest.fixture(scope="module")
def entries():
    """Entries of every default list: (the list's name, an entry as a Block), a few of each or all of them."""
    dice, found = random.Random(20_260_101), []
    folders = selected(GuardSettings())
    for folder in folders:
        listed = load(folder)
        those = [each.lstrip(".") for each in listed.entries]
        share = max(1, SAMPLE // len(folders))
        chosen = those if os.environ.get("ROUNDS") else dice.sample(those, min(share, len(those)))
        found += [(listed.name, block(value)) for value in chosen]
    return found


@pytest.mark.parametrize("door", DOORS)
def test_no_entry_of_a_warninglist_is_sent_and_each_names_its_list(world, send, entries, door):
    names = {name for name, _ in entries}
    found = [each for _, each in entries]
    for start in range(0, len(found), 150_000):
        report = send(door, found[start : start + 150_000])
        left = [each for each in report["results"] if each["status"] not in ("held", "rejected", "duplicate")]
        assert left == []
        held = [each for each in report["results"] if each["status"] == "held"]
        assert held
        anonymous = [each for each in held if not any(f'"{name}"' in each["reason"] for name in names)]
        assert all(each["code"] in ("never_block", "shared_suffix") for each in anonymous), anonymous
    assert world.writes() == {}


@pytest.mark.parametrize("door", DOORS)
def test_case_109_allowed_rows_are_held(world, send, door):
    found = [block("login.example.com", "Allowed"), block("203.0.113.9", "Allowed"), block("ef" * 32, "Allowed")]
    report = send(door, found)
    assert {each["code"] for each in report["results"]} == {"allowed_action"}
    assert {each["status"] for each in report["results"]} == {"held"}
    assert world.writes() == {}


@pytest.mark.parametrize("door", DOORS)
def test_case_107_what_is_ours_is_held_and_names_the_setting(world, send, door):
    world.configure(guard=OWN)
    values = ("contoso.com", "vpn.contoso.com", "https://mail.contoso.com/owa", "198.51.100.77", "ab" * 32)
    report = send(door, [block(value) for value in values])
    assert {(each["status"], each["code"]) for each in report["results"]} == {("held", "own_asset")}
    assert all("guard." in each["reason"] for each in report["results"])
    assert world.writes() == {}


@pytest.mark.parametrize("door", DOORS)
def test_case_111_a_mass_change_is_held_whole(world, send, rows, door):
    report = send(door, rows(1_500, "Block"))
    assert {(each["status"], each["code"]) for each in report["results"]} == {("held", "too_many_blocks")}
    assert report["counts"]["held"] == 1_500
    assert world.writes() == {}


@pytest.mark.parametrize("door", DOORS)
def test_case_111_unattended_a_hundred_are_enough(world, send, rows, door):
    report = send(door, rows(101, "Block"), unattended=True)
    assert report["counts"]["held"] == 101
    assert world.writes() == {}


def test_case_111_more_than_a_tenth_of_a_large_set_is_held(world, rows):
    world.sync(rows(1_200))
    world.writes()
    report = world.sync([*rows(1_200), *rows(121, "Block", first=5_000)])
    assert report["counts"]["held"] == 121
    assert world.writes() == {}


def test_case_111_a_mass_change_of_the_action_is_held_with_its_deletions(world, rows):
    world.sync(rows(1_100))
    world.writes()
    report = world.sync(rows(1_100, "Block"))
    assert {(each["status"], each["code"]) for each in report["results"]} == {("held", "too_many_blocks")}
    assert report["counts"]["held"] == 2_200
    assert world.writes() == {}
    assert {action for _, action in world.truth()} == {"Audit"}


def test_good_rows_beside_poison_are_sent(world, send, rows):
    report = send("sync", [*rows(5, "Block"), block("microsoft.com"), block("login.example.org", "Allowed")])
    assert report["outcome"] == "held"
    assert (report["counts"]["accepted"], report["counts"]["held"]) == (5, 2)
    assert world.writes() == {"import": 1}


def test_a_poisoned_file_ends_with_6_through_the_command_line(world, tmp_path):
    file = tmp_path / "feed.txt"
    file.write_text("microsoft.com\ngoogle.com\n8.8.8.8\n", encoding="utf-8")
    policy = tmp_path / "policy.yaml"
    policy.write_text("schema_version: 1\ndefaults: {action: Block}\n", encoding="utf-8")
    ended = world.cli("sync", file, "--set", "feed", "--policy", policy)
    assert ended.code == 6, ended.err
    for name in ("CRL and OCSP", "List of known google domains", "well-known resolvers"):
        assert f'"{name}"' in ended.out
    ended = world.cli("import", file, "--action", "Block", "--title", "poison")
    assert ended.code == 6
    assert world.writes() == {}
