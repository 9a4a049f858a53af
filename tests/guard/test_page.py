"""What docs/guard.md says is what the code does."""

import re
from pathlib import Path

import pytest

from defender_indicators.guard import CODES
from defender_indicators.guard.never_block import HOSTS
from defender_indicators.guard.selection import SELECTION

PAGE = (Path(__file__).parents[2] / "docs" / "guard.md").read_text(encoding="utf-8")


def section(heading):
    return PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]


def test_the_default_selection_is_named_and_nothing_else():
    table = [line for line in section("The lists").splitlines() if line.startswith("| `")]
    named = [name for line in table for name in re.findall(r"`([^`]+)`", line)]
    assert sorted(named) == sorted(SELECTION)


def test_every_code_is_described_once():
    assert sorted(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == sorted([*CODES])


@pytest.mark.parametrize("group", HOSTS)
def test_every_group_of_hosts_is_named(group):
    assert group.removeprefix("Microsoft ") in section("What is never blocked")
