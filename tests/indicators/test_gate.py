import json
import subprocess
import sys
from collections import Counter

import jsonschema
import pytest

from defender_indicators.indicators import CODES
from defender_indicators.indicators.gate import schema

ASSERTIONS = {"type", "enum", "const", "pattern", "maxLength", "maxItems", "minimum", "maximum", "not", "required",
              "additionalProperties"}  # fmt: skip


def rules(node, path="$"):
    """Yield every subschema that can fail: those below ``if`` and ``not`` only choose, they never speak."""
    if not isinstance(node, dict):
        return
    yield path, node
    for name in ("then",):
        yield from rules(node.get(name), f"{path}.{name}")
    yield from rules(node.get("items"), f"{path}.items")
    for name in ("properties", "$defs"):
        for key, value in node.get(name, {}).items():
            yield from rules(value, f"{path}.{name}.{key}")
    for index, value in enumerate(node.get("allOf", [])):
        yield from rules(value, f"{path}.allOf[{index}]")


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(schema())


def test_every_rule_that_can_fail_names_its_code():
    for path, rule in rules(schema()):
        assert set(rule.get("x-code", {})) == ASSERTIONS & rule.keys(), path


def test_every_code_of_the_schema_is_known():
    named = Counter(code for _, rule in rules(schema()) for code in rule.get("x-code", {}).values())
    assert named.keys() <= CODES.keys()


def test_every_code_has_one_line_that_says_what_to_do():
    for code, meaning in CODES.items():
        assert code == code.lower()
        assert "\n" not in meaning
        assert meaning[0].isupper() or meaning.startswith("educateUrl ")
        assert not meaning.endswith(".")


def test_patterns_are_spelt_for_every_engine():
    for path, rule in rules(schema()):
        pattern = rule.get("pattern") or rule.get("not", {}).get("pattern", "")
        assert not {r"\d", r"\w", r"\s", r"\Z", "(?"} & {pattern[i : i + 2] for i in range(len(pattern))}, path


@pytest.mark.parametrize(
    ("value", "kind", "absent"),
    [
        ("a" * 40, "FileSha1", ["jsonschema", "idna", "publicsuffixlist"]),
        ("8.8.8.8", "IpAddress", ["jsonschema", "idna", "publicsuffixlist"]),
        ("https://evil.example/", "Url", ["jsonschema", "idna", "publicsuffixlist"]),
        ("evil.example", "DomainName", ["jsonschema"]),
    ],
)
def test_a_good_row_imports_only_what_it_needs(value, kind, absent):
    row = {"indicatorValue": value, "indicatorType": kind, "action": "Allowed", "title": "t", "description": "d"}
    code = f"""
import sys
from datetime import datetime, UTC
from defender_indicators.indicators import Canonicaliser, Indicator, Policy
assert isinstance(Canonicaliser(Policy(now=datetime.now(UTC)))({row!r}), Indicator)
print(sorted(set({absent!r}) & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.replace("'", '"')) == []
