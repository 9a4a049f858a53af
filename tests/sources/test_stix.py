"""Bundles, envelopes and lists of STIX objects."""

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from defender_indicators.delivery import BadRow
from defender_indicators.errors import InputError
from defender_indicators.sources.observed import Dropped, Facts, Observed
from defender_indicators.sources.stix import objects_of, read_objects, read_stix

ID = "indicator--00000000-0000-4000-8000-000000000001"
NEWER = "2026-01-01T00:00:00.5Z"
PATTERN = "[domain-name:value='evil.example.com']"
SHARED = Path(__file__).parents[3] / "shared" / "data" / "stix"


def indicator(**fields):
    plain = {"type": "indicator", "spec_version": "2.1", "id": ID, "pattern": PATTERN, "pattern_type": "stix"}
    return {key: value for key, value in {**plain, **fields}.items() if value is not None}


def read(*objects, **bundle):
    document = {"type": "bundle", "id": "bundle--1", "objects": list(objects), **bundle}
    return list(read_stix(io.BytesIO(json.dumps(document).encode()), "b.json"))


def facts(*objects):
    return read(*objects)[-1].facts


def test_says_all_that_an_indicator_says():
    (one,) = read(
        indicator(
            name="Loader C2",
            description="Seen twice",
            confidence=85,
            labels=["apt", "tlp:green"],
            indicator_types=["malicious-activity", "apt"],
            valid_until="2027-01-01T00:00:00Z",
            modified="2026-01-01T00:00:00.000Z",
            object_marking_refs=["marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"],
        )
    )
    assert one == Observed(
        "DomainName",
        "evil.example.com",
        f"b.json: {ID}",
        Facts(
            "Loader C2",
            "Seen twice",
            85,
            ("apt", "tlp:green", "malicious-activity"),
            "amber",
            "",
            "2027-01-01T00:00:00Z",
            "2026-01-01T00:00:00.000Z",
            ID,
            "domain-name",
        ),
    )


def test_an_indicator_that_says_nothing_else_has_no_facts():
    assert facts(indicator()) == Facts(external_id=ID, kind="domain-name")


def test_stix_2_0_has_no_pattern_type():
    assert len(read(indicator(pattern_type=None, spec_version=None), spec_version="2.0")) == 1


@pytest.mark.parametrize("wrap", [lambda one: [one], lambda one: {"objects": [one], "more": False}, lambda one: one])
def test_lists_envelopes_and_single_indicators_are_read_too(wrap):
    assert len(list(read_objects(objects_of(wrap(indicator()), "x"), "x"))) == 1


@pytest.mark.parametrize("document", ["{}", '{"objects": {}}', '{"type": "report"}', "3", "null", '"x"'])
def test_anything_else_is_no_stix(document):
    with pytest.raises(InputError, match=r"x\.json: neither a STIX bundle"):
        list(read_stix(io.BytesIO(document.encode()), "x.json"))


def test_a_bundle_may_be_empty():
    assert list(read_stix(io.BytesIO(b'{"type": "bundle", "id": "bundle--1"}'), "x")) == []


@pytest.mark.parametrize("raw", [b"", b"<html>", b'{"objects": [', b"\xff\xfe", b"[NaN]", b"[" * 100_000])
def test_what_is_no_json_names_the_place(raw):
    with pytest.raises(InputError, match=r"x\.json: not JSON"):
        list(read_stix(io.BytesIO(raw), "x.json"))


def test_only_indicators_are_meant_to_be_detected():
    assert read({"type": "domain-name", "id": "domain-name--1", "value": "seen.example.com"}, {"type": "malware"}) == []


def test_several_values_share_what_the_indicator_says():
    first, second = read(indicator(name="Pair", pattern="[url:value IN ('https://a.example.com/', 'x')]"))
    assert (first.value, first.facts) == ("https://a.example.com/", second.facts)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"revoked": True}, "revoked"),
        ({"pattern_type": "sigma", "pattern": "title: x"}, "sigma"),
        ({"pattern_type": "yara"}, "yara"),
        ({"indicator_types": ["benign"]}, "benign"),
        ({"labels": ["benign"]}, "benign"),
        ({"pattern": "[email-addr:value='a@example.com']"}, "email"),
    ],
)
def test_what_is_not_wanted_is_dropped_with_a_reason(fields, kind):
    (one,) = read(indicator(**fields))
    assert isinstance(one, Dropped)
    assert (one.place, one.kind) == (f"b.json: {ID}", kind)
    assert one.reason


@pytest.mark.parametrize("fields", [{"revoked": False}, {"labels": ["benign", "malicious-activity"]}])
def test_what_only_looks_unwanted_is_read(fields):
    assert isinstance(read(indicator(**fields))[0], Observed)


def test_an_id_that_is_no_text_has_no_versions():
    assert len(read(indicator(modified=NEWER), indicator(modified=NEWER), indicator(id=[]))) == 3


def test_a_dropped_value_is_short_and_printable():
    (one,) = read(indicator(pattern=f"[mutex:name='\u202e{'m' * 500}']"))
    assert len(one.value) <= 200
    assert one.value.isprintable()


def test_only_the_newest_version_of_an_indicator_counts():
    older, newer = read(
        indicator(modified="2026-01-01T00:00:00Z"), indicator(modified="2026-01-01T00:00:00.5Z", revoked=True)
    )
    assert (older.kind, newer.kind) == ("superseded", "revoked")


def test_the_same_version_twice_is_read_twice():
    assert [type(one) for one in read(indicator(modified=NEWER), indicator(modified=NEWER))] == [Observed, Observed]


@pytest.mark.parametrize(
    ("item", "code"),
    [
        (3, "bad_object"),
        ({}, "bad_object"),
        ({"type": 3}, "bad_object"),
        (indicator(pattern=None), "bad_pattern"),
        (indicator(pattern=3), "bad_pattern"),
        (indicator(pattern=" "), "bad_pattern"),
        (indicator(pattern="[domain-name:value='x'"), "bad_pattern"),
        (indicator(valid_until="tomorrow"), "bad_object"),
    ],
)
def test_what_is_broken_costs_only_itself(item, code):
    bad, good = read(item, indicator())
    assert isinstance(bad, BadRow)
    assert bad.code == code
    assert isinstance(good, Observed)


def test_a_broken_pattern_is_shown_with_its_place():
    (bad,) = read(indicator(pattern="[domain-name:value='x'"))
    assert bad.place == f"b.json: {ID}"
    assert bad.reason.startswith("line 1, column 23: ")
    assert bad.value == "[domain-name:value='x'"


@pytest.mark.parametrize("name", [None, 3, "", "x" * 101, "a\nb"])
def test_an_object_without_a_usable_id_is_placed_by_its_number(name):
    assert read({"type": "malware"}, indicator(id=name))[0].place == "b.json: object 2"


@pytest.mark.parametrize("said", [None, True, -1, 101, 50.5, "high"])
def test_a_confidence_is_a_whole_number_up_to_100(said):
    assert facts(indicator(confidence=said)).confidence is None


def test_a_moment_without_a_zone_is_utc():
    assert facts(indicator(valid_until="2027-01-01T00:00:00")).valid_until == "2027-01-01T00:00:00+00:00"
    assert facts(indicator(modified="2027-01-01T00:00:00")).modified == "2027-01-01T00:00:00+00:00"


def test_a_broken_modified_only_ranks_last():
    assert facts(indicator(modified="lately")).modified == ""


MARKED = "marking-definition--11111111-1111-4111-8111-111111111111"
TLP_2 = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"


@pytest.mark.parametrize(
    ("definition", "level"),
    [
        ({"definition_type": "tlp", "definition": {"tlp": "white"}}, "clear"),
        ({"definition_type": "tlp", "definition": {"tlp": "red"}}, "red"),
        ({"extensions": {TLP_2: {"extension_type": "property-extension", "tlp_2_0": "amber+strict"}}}, "amber+strict"),
        ({"name": "TLP:GREEN"}, "green"),
        ({"name": "green"}, ""),
        ({"definition_type": "statement", "definition": {"statement": "ours"}}, ""),
        ({"definition": "red", "extensions": []}, ""),
    ],
)
def test_a_definition_in_the_bundle_gives_the_level(definition, level):
    marking = {"type": "marking-definition", "id": MARKED, **definition}
    assert read(indicator(object_marking_refs=[MARKED]), marking)[0].facts.tlp == level


@pytest.mark.parametrize(
    ("mark", "level"),
    [
        ("613f2e26-407d-48c7-9eca-b8e91df99dc9", "clear"),
        ("34098fce-860f-48ae-8e50-ebd3cc5e41da", "green"),
        ("5e57c739-391a-4eb3-b6be-7d15ca92d5ed", "red"),
        ("94868c89-83c2-464b-929b-a1a8aa3c8487", "clear"),
        ("bab4a63c-aed9-4cf5-a766-dfca5abac2bb", "green"),
        ("55d920b0-5e8b-4f79-9ee9-91f868d9b421", "amber"),
        ("939a9414-2ddd-4d32-a0cd-375ea402b003", "amber+strict"),
        ("e828b379-4e03-4974-9ac4-e53a884c97c1", "red"),
    ],
)
def test_the_well_known_definitions_need_not_be_brought_along(mark, level):
    assert facts(indicator(object_marking_refs=[3, f"marking-definition--{mark}"])).tlp == level


def test_the_strictest_of_several_levels_counts_and_tags_only_where_there_is_none():
    green = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
    red = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
    assert facts(indicator(object_marking_refs=[red, green])).tlp == "red"
    assert facts(indicator(object_marking_refs=[green], labels=["tlp:red"])).tlp == "green"
    assert facts(indicator(object_marking_refs=[MARKED], labels=["tlp:amber"])).tlp == "amber"


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 200) | st.text(max_size=8) | st.just("2026-01-01T00:00:00Z"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_KEYS = ["id", "pattern", "pattern_type", "labels", "indicator_types", "confidence", "valid_until", "modified", "name"]


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from([*_KEYS, "object_marking_refs", "revoked", "definition", "extensions"]), _json
        ).map(lambda fields: {**indicator(), **fields})
        | _json
        | st.dictionaries(st.sampled_from(["id", "definition", "extensions", "name"]), _json).map(
            lambda fields: {"type": "marking-definition", **fields}
        ),
        max_size=4,
    )
)
def test_no_object_at_all_breaks_the_reader(objects):
    for one in read_objects(objects, "x"):
        assert isinstance(one, Observed | Dropped | BadRow)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared samples are not here")
def test_real_bundles_are_mapped_and_look_alikes_are_not():
    with (SHARED / "amnesty-novispy.stix2").open("rb") as stream:
        spy = list(read_stix(stream, "novispy"))
    with (SHARED / "amnesty-pegasus.stix2").open("rb") as stream:
        horse = list(read_stix(stream, "pegasus"))
    mapped = {(one.type, one.value) for one in spy + horse if isinstance(one, Observed)}
    assert {
        ("IpAddress", "176.223.111.131"),
        ("IpAddress", "195.178.51.251"),
        ("DomainName", "weather4free.com"),
    } <= mapped
    assert sum(isinstance(one, Observed) for one in spy) == 11
    assert sum(isinstance(one, Observed) for one in horse) == 1438
    assert {one.kind for one in spy + horse if isinstance(one, Dropped)} == {"app", "process", "email", "file name"}
    assert not [one for one in spy + horse if isinstance(one, BadRow)]
