import io

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
