import json
import re
import time

import pytest

from defender_indicators.pack import content_root
from defender_indicators.pack.patterns import pattern_fault

SLOW = [
    r"^(([a-z0-9]+-?)+\.)+[a-z]{2,}$",
    r"^(a+)+$",
    r"(a*)*",
    r"(.*)*x",
    r"(a|a)*b",
    r"(a|aa)*b",
    r"(a?b|b)*c",
    r"(\w+\s?)+$",
    r"([a-z]{1,63})+$",
    r"((a+)|b)*",
    r"(x+x+)+y",
    r"([^/]*/?)+$",
    r"(a{2,3}){4}",
    r"(a??b?)*c",
]

FINE = [
    r"^[0-9a-f]{40}$",
    r"^([a-z0-9-]{1,63}\.)+[a-z]{2,}$",
    r"^[a-z]+(_[a-z0-9]+)*$",
    r"^[^/]+(/[^/]+)+$",
    r"^(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}$",
    r"^((25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}[0-9]{1,3}$",
    r"^(foo|bar)+$",
    r"^(a|b)*c$",
    r"^https?://[!-~]+$",
    r"^(\S|\n)$",
    "",
]


@pytest.mark.parametrize("pattern", SLOW)
def test_case_100_refuses_patterns_that_can_take_for_ever(pattern):
    assert pattern_fault(pattern) == "the pattern repeats a repetition and can take for ever"


@pytest.mark.parametrize("pattern", FINE)
def test_case_100_lets_ordinary_patterns_pass(pattern):
    assert pattern_fault(pattern) == ""


@pytest.mark.parametrize("pattern", [r"(?=a)", r"(?<!a)b", r"(a)\1", "(", "[z-a]", "a{2,1}", r"(?P<n>a)(?P=n)"])
def test_refuses_what_the_linear_engine_does_not_know(pattern):
    assert pattern_fault(pattern) == "the pattern is wrong, or uses look-around or back-references"


def test_refuses_a_pattern_longer_than_a_thousand_characters():
    assert pattern_fault("a" * 1000) == ""
    assert pattern_fault("a" * 1001) == "the pattern is longer than 1000 characters"


def _patterns(value):
    if isinstance(value, dict):
        found = [value["pattern"]] if isinstance(value.get("pattern"), str) else []
        return found + [pattern for inner in value.values() for pattern in _patterns(inner)]
    return [pattern for inner in value for pattern in _patterns(inner)] if isinstance(value, list) else []


def test_case_100_every_shipped_pattern_judges_a_kilobyte_in_ten_milliseconds_even_when_backtracking():
    files = sorted((content_root() / "schemas").glob("*.json"))
    patterns = {pattern for file in files for pattern in _patterns(json.loads(file.read_text(encoding="utf-8")))}
    texts = [unit * (1024 // len(unit)) + "!" for unit in ("a", "1", "a.", "1.", "a-", "ab:", "/a", "https://a.", " ")]
    assert len(patterns) > 10
    for pattern in sorted(patterns):
        compiled = re.compile(pattern)
        for text in texts:
            best = min(_seconds(compiled, text) for _ in range(3))
            assert best < 0.010, (pattern, text[:10])


def _seconds(compiled, text):
    started = time.perf_counter()
    compiled.search(text)
    return time.perf_counter() - started
