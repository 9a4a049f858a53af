import json

import pytest

from defender_indicators.cli import main


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Return a function that runs ``guard`` and returns its exit code and output."""
    monkeypatch.setenv("DEFENDER_INDICATORS_HOME", str(tmp_path / "home"))
    for name in ("DEFENDER_TENANT_ID", "DEFENDER_CLIENT_ID", "DEFENDER_INDICATORS_CONFIG"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments):
        code = main(["guard", *arguments])
        return code, capsys.readouterr()

    return call


def test_every_value_gets_a_verdict_and_the_worst_one_is_the_exit_code(run, publish):
    publish(alexa=["shop.net"])
    code, said = run("shop.net", "other.net", "co.uk", "--json")
    results = json.loads(said.out)["results"]
    assert [(each["status"], each["code"], each["list"]) for each in results] == [
        ("held", "warninglist", "List alexa"),
        ("passed", "", ""),
        ("rejected", "public_suffix", ""),
    ]
    assert code == 6


@pytest.mark.parametrize(("value", "code"), [("other.net", 0), ("co.uk", 1)])
def test_the_exit_code_says_whether_all_passed(run, publish, value, code):
    publish(alexa=[])
    assert run(value)[0] == code


def test_type_and_action_can_be_named(run, publish):
    publish(alexa=["shop.net"])
    assert run("shop.net", "--action", "audit")[0] == 0
    assert run("ab" * 20, "--type", "certificatethumbprint", "--action", "Allowed", "--json")[1].out.count(
        "allowed_action"
    )


def test_the_lists_in_use_are_shown_with_size_and_version(run, publish):
    publish(alexa=["shop.net"], tranco=["other.net"])
    code, said = run("--lists")
    assert code == 0
    assert "alexa        1        7        List alexa" in said.out
    assert "not in use: tranco" in said.out
    document = json.loads(run("--lists", "--json")[1].out)
    assert document["warninglists"] == [{"folder": "alexa", "name": "List alexa", "version": "7", "entries": 1}]
    assert "login.microsoftonline.com" in document["never_block"]["Microsoft sign-in"]


@pytest.mark.parametrize("arguments", [(), ("--lists", "shop.net")])
def test_values_or_lists_are_asked_for(run, arguments):
    code, said = run(*arguments)
    assert code == 2
    assert "give values, or --lists" in said.err
