import pytest

from defender_indicators.pack.checker import Checker


def _told(schema, data):
    return [str(finding) for finding in Checker(schema, lookup=lambda _: schema).findings(data)]


@pytest.mark.parametrize(
    ("rule", "value", "told"),
    [
        ({"type": "string"}, 7, "$.a: must be text; put it in quotes"),
        ({"type": "string"}, [], "$.a: must be text; write text"),
        ({"type": "object"}, [], '$.a: must be a mapping; write a mapping, as in {"name": "value"}'),
        ({"type": "array"}, "x", "$.a: must be a list; write a list, as in […, …]"),
        ({"type": ["integer", "null"]}, "x", "$.a: must be null or a whole number; write null or a whole number"),
        ({"enum": ["read", "write"]}, "raed", "$.a: is not one of the allowed values; did you mean read?"),
        ({"enum": ["read", 1]}, {}, "$.a: is not one of the allowed values; allowed: read, 1"),
        ({"const": 1}, 2, "$.a: has the wrong value; write 1"),
        ({"const": False}, 2, "$.a: has the wrong value; write false"),
        ({"const": True}, "no", "$.a: has the wrong value; write true"),
        ({"const": None}, 2, "$.a: has the wrong value; write null"),
        ({"const": "object"}, 2, "$.a: has the wrong value; write object"),
        ({"const": "1.0"}, 1.0, '$.a: has the wrong value; write "1.0"'),
        ({"enum": [True, None, "1"]}, "x", '$.a: is not one of the allowed values; allowed: true, null, "1"'),
        (
            {"anyOf": [{"enum": ["env", "none"]}, {"type": "array"}]},
            "emv",
            "$.a: is not one of the allowed values; did you mean env?",
        ),
        (
            {"anyOf": [{"enum": ["env"]}, {"pattern": "^/"}]},
            "emv",
            "$.a: does not fit any of the allowed forms; compare it with the schema",
        ),
        ({"pattern": "^[a-z]{2}$"}, "X", "$.a: has the wrong form; write text that matches ^[a-z]{2}$"),
        ({"format": "date-time"}, "soon", "$.a: is not a valid date-time; write a date-time"),
        ({"minLength": 2}, "x", "$.a: is shorter than 2 characters; write a longer text"),
        ({"maxLength": 2}, "xxx", "$.a: is longer than 2 characters; shorten it"),
        ({"minItems": 1}, [], "$.a: has fewer than 1 items; add the missing items"),
        ({"maxItems": 1}, [1, 2], "$.a: has more than 1 items; remove some"),
        ({"uniqueItems": True}, [1, 1], "$.a: an item is there twice; keep one of them"),
        ({"minProperties": 1}, {}, "$.a: has fewer than 1 entries; add the missing entries"),
        ({"maxProperties": 0}, {"x": 1}, "$.a: has more than 0 entries; remove some"),
        ({"minimum": 3}, 2, "$.a: is less than 3; write 3 or more"),
        ({"maximum": 3}, 4, "$.a: is more than 3; write 3 or less"),
        ({"exclusiveMinimum": 3}, 3, "$.a: is not more than 3; write more than 3"),
        ({"exclusiveMaximum": 3}, 3, "$.a: is not less than 3; write less than 3"),
        ({"propertyNames": {"maxLength": 1}}, {"xx": 1}, "$.a: a key has the wrong form; rename the key"),
        ({"contains": {"const": 1}}, [2], "$.a: an item that must be there is missing; add it"),
        (False, 1, "$.a: is not allowed here; remove it"),
        (
            {"anyOf": [{"type": "null"}]},
            1,
            "$.a: does not fit any of the allowed forms; compare it with the schema",
        ),
    ],
)
def test_says_the_cause_and_the_remedy(rule, value, told):
    checker = Checker({"properties": {"a": rule}})
    assert [str(finding) for finding in checker.findings({"a": value})] == [told]


def test_names_a_missing_entry_and_what_it_is_for():
    schema = {"required": ["a", "b"], "properties": {"a": {"description": "The first. More."}}}
    assert _told(schema, {}) == ["$: a is missing; add a: The first", "$: b is missing; add b"]


def test_names_an_unknown_entry_and_the_one_that_was_meant():
    schema = {"properties": {"indicators": {}, "title": {}}, "additionalProperties": False}
    assert _told(schema, {"indicator": 1, "zzz": 2}) == [
        "$.indicator: is not known here; did you mean indicators?",
        "$.zzz: is not known here; allowed: indicators, title",
    ]


def test_unevaluated_entries_are_unknown_too():
    assert _told({"unevaluatedProperties": False}, {"x": 1}) == ["$.x: is not known here; remove it"]


def test_the_schema_can_say_the_remedy():
    assert _told({"type": "string", "x-remedy": "write a name"}, 1) == ["$: must be text; write a name"]


def test_never_quotes_a_value():
    secret = "hunter2hunter2"
    schema = {"properties": {name: {} for name in "abc"} | {"d": {"enum": ["x"]}, "e": {"pattern": "^$"}}}
    schema["properties"] |= {"f": {"maxLength": 1}, "g": {"const": 1}, "h": {"not": {}}, "i": {"format": "uri"}}
    told = _told(schema, dict.fromkeys("defghi", secret))
    assert len(told) == 6
    assert secret not in "\n".join(told)


def test_findings_follow_the_data():
    schema = {"items": {"type": "string"}}
    assert [finding.path for finding in Checker(schema).findings(list(range(12)))] == [(n,) for n in range(12)]


@pytest.mark.parametrize("value", ["\ud800", {1}, {1: 2}, b"x"], ids=["half", "set", "integer key", "bytes"])
def test_names_the_entry_that_json_cannot_say(value):
    checker = Checker({"additionalProperties": {"enum": [1]}, "items": {"enum": [1]}})
    cause = "holds something that JSON cannot say; pass whole characters, numbers, lists and mappings only"
    assert [str(finding) for finding in checker.findings({"good": 1, "bad": value})] == [f"$.bad: {cause}"]
    assert [str(finding) for finding in checker.findings([value])] == [f"$: {cause}"]


def test_case_100_a_slow_pattern_is_judged_in_linear_time():
    assert Checker({"pattern": r"^(([a-z0-9]+-?)+\.)+[a-z]{2,}$"}).findings("a" * 1_000_000)


def test_shortens_what_it_shows_of_keys():
    (finding,) = Checker({"properties": {}, "additionalProperties": False}).findings({"\x1b[31m" + "k" * 500: 1})
    assert len(str(finding)) < 200
    assert "\x1b" not in str(finding)


@pytest.mark.parametrize(
    ("items", "told"),
    [
        ({"type": "integer"}, "must be a list of whole numbers; write a list of whole numbers, as in [1, 2]"),
        ({"type": "array"}, "must be a list of lists; write a list of lists, as in […, …]"),
        (
            {"type": "string", "examples": ["Ti.ReadWrite"]},
            'must be a list of text; write a list of text, as in ["Ti.ReadWrite"]',
        ),
    ],
)
def test_a_list_that_is_missing_is_described_by_its_items(items, told):
    rule = {"type": "array", "items": items}
    assert [str(finding) for finding in Checker(rule, lookup=lambda _: rule).findings("x")] == [f"$: {told}"]
