"""Which format a file is in, told by its beginning and its name."""

import json
from pathlib import Path

import pytest

from defender_indicators.errors import InputError
from defender_indicators.sources.detection import detect_format
from defender_indicators.sources.layout import top_keys

SAMPLES = Path(__file__).parents[3] / "shared" / "data"
FILES = sorted(file for file in SAMPLES.glob("*/*") if file.is_file()) if SAMPLES.is_dir() else []
UUID = "0b5e5a0d-5b04-41f5-9195-7ec60a016219"


def found(data, extension=""):
    return detect_format(data.encode() if isinstance(data, str) else data, extension, "feed").format


@pytest.mark.parametrize("layout", [None, 1])
@pytest.mark.parametrize(
    ("document", "name"),
    [
        ({"type": "bundle", "id": "bundle--1", "objects": []}, "stix"),
        ({"objects": [{"type": "indicator", "Event": 1}], "spec_version": "2.0", "type": "bundle"}, "stix"),
        ({"more": False, "objects": []}, "stix"),
        ({"type": "indicator", "id": "indicator--1", "pattern": "[x]"}, "stix"),
        ([{"type": "indicator", "id": "indicator--1"}], "stix"),
        ({"Event": {"Attribute": []}}, "misp"),
        ({"response": [{"Event": {}}]}, "misp"),
        ({"response": {"Attribute": []}}, "misp"),
        ([{"Event": {}}], "misp"),
        ({UUID: {"info": "Phishing", "Orgc": {"name": "x"}}}, "misp"),
        ({"Indicators": [{"title": "an Event", "objects": 1}]}, "json"),
        ([{"indicatorValue": "x", "id": "a--b"}], "json"),
        ([], "json"),
    ],
)
def test_tells_a_json_document_by_its_own_keys(document, name, layout):
    assert found(json.dumps(document, indent=layout)) == name


def test_a_key_inside_of_another_value_says_nothing():
    assert top_keys('{"a": {"Event": "x"}, "b": ["objects"], "c": "Event", "d": 1}') == {
        "a": "",
        "b": "",
        "c": "Event",
        "d": "",
    }
    assert top_keys('[{"a": "1"}, {"b": "2"}]') == {"a": "1"}
    assert top_keys('{"a\\"b": "c", "cut": "of') == {'a\\"b': "c", "cut": ""}


@pytest.mark.parametrize(
    ("text", "extension", "name"),
    [
        ("value,entity_type,description\nevil.example,hostname,x\n", "", "csv"),
        ("value,entity_type\n203.0.113.7,ip\n", "csv", "csv"),
        ("value\n203.0.113.7\n", "csv", "csv"),
        ("ioc\tnote\nevil.example.com\ta, b\n", "tsv", "csv"),
        ("evil.example.com;seen\n203.0.113.7;seen too\n", "", "csv"),
        ('# "first_seen","dst_ip"\n"2026-01-01","203.0.113.7"\n"2026-01-02","203.0.113.8"\n', "txt", "csv"),
        ("indicatorType,indicatorValue\n", "csv", "portal-csv"),
        ("First, we saw a mail.\nThen, nothing at all.\n", "", "text"),
        ("The loader calls evil[.]example every hour.", "", "text"),
        ("# a list\nevil.example.com # seen in May\n203.0.113.7\n", "", "values"),
        ("evil.example.com\n" * 9 + "one broken line\n", "", "values"),
        ("[.]example\n", "", "values"),
        ('<?xml version="1.0"?><ioc id="1"/>', "ioc", "openioc"),
        ('<OpenIOC xmlns="http://openioc.org/schemas/OpenIOC_1.1"/>', "", "openioc"),
    ],
)
def test_tells_a_text_by_its_layout(text, extension, name):
    assert found(text, extension) == name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<!DOCTYPE html><html><body>Sign in</body></html>", "is a web page, not a list"),
        ("<html>\n<head>", "is a web page, not a list"),
        ("<?xml version='1.0'?><rss/>", "is XML, but not OpenIOC"),
    ],
)
def test_case_104_a_web_page_instead_of_a_feed_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        found(text, "csv")


@pytest.mark.skipif(not FILES, reason="the real samples are not on this machine")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_real_files_are_recognised(file):
    wanted = {"text": {"text", "values"}}.get(file.parent.name, {file.parent.name})
    assert found(file.read_bytes()[: 64 * 1024], file.suffix.lower().lstrip(".")) in wanted
