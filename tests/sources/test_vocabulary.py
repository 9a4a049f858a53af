import pytest

from defender_indicators.sources.vocabulary import (
    confidence,
    epoch,
    moment,
    severity,
    tagged_confidence,
    tagged_tlp,
    tlp,
)


@pytest.mark.parametrize(
    ("word", "mark"),
    [("TLP:WHITE", "clear"), ("amber+strict", "amber+strict"), ("TLP: Red", "red"), ("purple", ""), ("", "")],
)
def test_every_way_to_write_a_traffic_light_is_one_mark(word, mark):
    assert tlp(word) == mark


def test_of_several_marks_the_strictest_holds_and_a_colour_alone_is_no_mark():
    assert tagged_tlp(["tlp:green", "TLP:AMBER+STRICT", "tlp:amber", "red"]) == "amber+strict"
    assert tagged_tlp(["red", "tlp:ex:chr"]) == ""


@pytest.mark.parametrize(
    ("tag", "number"),
    [
        ('admiralty-scale:source-reliability="a"', 100),
        ('admiralty-scale:source-reliability="f"', None),
        ('admiralty-scale:information-credibility="4"', 25),
        ('misp:confidence-level="fairly-confident"', 50),
        ('misp:confidence-level="confidence-cannot-be-evaluated"', None),
        ('confidence-level="high"', 85),
        ("confidence-level:70", 70),
        ("confidence", None),
    ],
)
def test_tags_of_the_known_taxonomies_are_numbers(tag, number):
    assert tagged_confidence([tag]) == number


def test_the_lowest_of_several_confidences_holds():
    tags = ['admiralty-scale:source-reliability="a"', 'admiralty-scale:information-credibility="5"']
    assert tagged_confidence(tags) == 0


@pytest.mark.parametrize(
    ("word", "number"),
    [
        *[("80", 80), ("80 %", 80), ("0.8", 80), ("1", 1), ("1.0", 100), ("0.5%", 0), ("High", 85)],
        *[("101", None), ("-1", None), ("nan", None), ("inf", None), ("", None), ("sure", None)],
    ],
)
def test_a_confidence_is_a_number_from_0_to_100(word, number):
    assert confidence(word) == number


@pytest.mark.parametrize(("word", "ours"), [("critical", "High"), (" info ", "Informational"), ("fatal", "")])
def test_a_severity_is_a_word_of_microsofts(word, ours):
    assert severity(word) == ours


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2027-01-31", "2027-01-31T00:00:00Z"),
        ("2027-01-31 10:00:00", "2027-01-31T10:00:00Z"),
        ("2027-01-31T10:00:00+02:00", "2027-01-31T08:00:00Z"),
        ("never", ""),
        ("N/A", ""),
    ],
)
def test_a_moment_is_given_in_utc(text, iso):
    assert moment(text) == iso


@pytest.mark.parametrize("text", ["soon", "31.01.2027", "0001-01-01T00:00:00+14:00"])
def test_what_is_no_moment_is_an_error_in_words(text):
    with pytest.raises(ValueError, match="is no date or moment like"):
        moment(text)


@pytest.mark.parametrize(
    ("seconds", "iso"), [("1541533312", "2018-11-06T19:41:52Z"), ("x", ""), ("9" * 30, ""), ("9" * 5000, "")]
)
def test_unix_seconds_are_a_moment_or_nothing(seconds, iso):
    assert epoch(seconds) == iso
