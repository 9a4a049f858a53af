import io

import pytest

from defender_indicators.delivery import BadRow
from defender_indicators.sources.values import read_values, rows_of

SHA256 = "a" * 64


def read(text):
    return list(read_values(io.BytesIO(text.encode()), "list.txt"))


def test_infers_the_type_of_each_value():
    assert read(f"{SHA256}\n203.0.113.7\nevil.example.com\n") == [
        {"indicatorType": "FileSha256", "indicatorValue": SHA256},
        {"indicatorType": "IpAddress", "indicatorValue": "203.0.113.7"},
        {"indicatorType": "DomainName", "indicatorValue": "evil.example.com"},
    ]


def test_skips_blank_lines_and_comments():
    rows = read("# C2 of today\n\n  \n203.0.113.7   # seen twice\n\t# end\n")
    assert [row["indicatorValue"] for row in rows] == ["203.0.113.7"]


def test_what_nobody_can_name_is_a_verdict_with_its_line():
    (bad,) = read("\nwhat is this?\n")
    assert bad == BadRow("list.txt:2", "type_not_recognised", "no hash, IP address, URL or domain", "what is this?")


def test_a_given_type_is_not_questioned():
    assert list(rows_of(["anything"], "Url")) == [{"indicatorType": "Url", "indicatorValue": "anything"}]


def test_values_of_a_command_line_are_placed_by_their_number():
    first, second = rows_of(["203.0.113.7", "???"])
    assert first == {"indicatorType": "IpAddress", "indicatorValue": "203.0.113.7"}
    assert second.place == "value 2"


@pytest.mark.parametrize(
    "line",
    [
        "https://evil.example.com/a,url,Loader C2",
        "evil.example.com,domain",
        "80.85.154.48:443,url,Loader",
        "evil.example.com\tdomain",
        "https://evil.example.com/a seen yesterday",
        "value,entity_type,description",
    ],
)
def test_a_line_of_several_columns_is_refused_not_guessed_at(line):
    (bad,) = read(line)
    assert bad.code == "several_columns"
    assert bad.value == line.replace("\t", "\\t")


def test_a_comma_in_a_value_of_the_command_line_belongs_to_it():
    (row,) = rows_of(["https://evil.example.com/a,b"])
    assert row["indicatorValue"] == "https://evil.example.com/a,b"


@pytest.mark.parametrize("value", ["wss://evil.example.com/ws", "ftp://evil.example.com"])
def test_a_scheme_that_cannot_be_blocked_is_named(value):
    (bad,) = read(value)
    assert bad.reason == f"{value.partition(':')[0]}:// is not http:// or https://"
