import io

import pytest

from defender_indicators.delivery import BadRow
from defender_indicators.errors import InputError
from defender_indicators.sources.portal_csv import read_portal_csv

HEADER = (
    "indicatorType,indicatorValue,expirationTime,action,severity,title,description,"
    "recommendedActions,rbacGroups,category,mitretechniques,GenerateAlert"
)
LINE = 'IpAddress,203.0.113.7,2030-01-01T00:00:00.0Z,Block,High,t,d,r,"Servers, Clients",Malware,"T1071,T1105",True'
ROW = {
    "indicatorType": "IpAddress",
    "indicatorValue": "203.0.113.7",
    "expirationTime": "2030-01-01T00:00:00.0Z",
    "action": "Block",
    "severity": "High",
    "title": "t",
    "description": "d",
    "recommendedActions": "r",
    "rbacGroupNames": ["Servers", "Clients"],
    "mitreTechniques": ["T1071", "T1105"],
    "generateAlert": True,
}


def rows_of(text):
    return list(read_portal_csv(io.BytesIO(text if isinstance(text, bytes) else text.encode()), "in.csv"))


def small(*lines):
    return rows_of("\n".join(("indicatorType,indicatorValue,title", *lines)))


def test_reads_every_column_of_the_portal():
    assert rows_of(f"{HEADER}\n{LINE}\n") == [ROW]


def test_reads_windows_line_ends_and_a_byte_order_mark():
    assert rows_of(b"\xef\xbb\xbf" + f"{HEADER}\r\n{LINE}\r\n".encode()) == [ROW]


def test_finds_columns_by_name_in_any_order_and_case():
    assert rows_of("TITLE,IndicatorValue\nt,v\n") == [{"title": "t", "indicatorValue": "v"}]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_reads_what_spreadsheets_of_other_countries_write(delimiter):
    assert rows_of(delimiter.join(("indicatorValue", "title")) + f"\nv{delimiter}t\n") == [
        {"indicatorValue": "v", "title": "t"}
    ]


def test_an_empty_cell_is_a_field_not_given():
    assert small(",v, ") == [{"indicatorValue": "v"}]


@pytest.mark.parametrize(("cell", "value"), [("True", True), ("FALSE", False), ("false", False), ("yes", "yes")])
def test_generate_alert_is_a_boolean_or_left_for_the_judge_of_rows(cell, value):
    assert rows_of(f"indicatorValue,GenerateAlert\nv,{cell}\n") == [{"indicatorValue": "v", "generateAlert": value}]


def test_a_quoted_cell_may_hold_commas_quotes_and_line_ends():
    assert small('a,"b ""c"", d\ne",f') == [{"indicatorType": "a", "indicatorValue": 'b "c", d\ne', "title": "f"}]


def test_a_quote_inside_an_unquoted_cell_is_text():
    assert small('a,b,5" disk') == [{"indicatorType": "a", "indicatorValue": "b", "title": '5" disk'}]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ('a,"never closed,c', "never closed"),
        ("a,b", "2 cells where the header has 3"),
        ("a,b,c,d", "4 cells where the header has 3"),
        ('a,"b"x,c', "broken quoting"),
    ],
)
def test_a_broken_line_costs_only_itself(broken, reason):
    good = {"indicatorType": "1", "indicatorValue": "2", "title": "3"}
    first, bad, *others = small("1,2,3", broken, *["1,2,3"] * 150)
    assert first == good
    assert (bad.place, bad.code) == ("in.csv:3", "bad_csv")
    assert reason in bad.reason
    assert others == [good] * 150


def test_two_open_quotes_do_not_swallow_the_lines_between_them():
    rows = small('a,"open,c', "1,2,3", 'a,"open,c', "1,2,3")
    assert [isinstance(row, BadRow) for row in rows] == [True, False, True, False]


@pytest.mark.parametrize("line", [b"a,\xff,c", b"a,\0,c"], ids=["encoding", "nul"])
def test_case_105_a_line_that_is_no_text_costs_only_itself(line):
    rows = rows_of(b"indicatorType,indicatorValue,title\n" + line + b'\na,b,c\n"' + line)
    assert [isinstance(row, BadRow) for row in rows] == [True, False, True]
    assert rows[0].place == "in.csv:2"


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("value,type", "no column indicatorValue"),
        ("indicatorValue,indicatorvalue", "more than one column for indicatorValue"),
        ("indicatorValue,rbacGroups,rbacGroupNames", "more than one column for rbacGroupNames"),
        ("indicatorValue,expirationTme", "unknown column 'expirationTme'"),
        ('indicatorValue,"title', "never closed"),
        ("indicatorValue,\0", "NUL"),
    ],
)
def test_an_unusable_header_is_refused_with_its_line(header, message):
    with pytest.raises(InputError, match=message) as error:
        rows_of(f"\n{header}\nv,w\n")
    assert str(error.value).startswith("in.csv:2: ")


def test_the_empty_rows_that_spreadsheets_leave_behind_are_blank_lines():
    assert small(",,", "1,2,3", ' ,"",') == [{"indicatorType": "1", "indicatorValue": "2", "title": "3"}]


def test_a_file_without_lines_has_no_rows():
    assert rows_of("\n\n") == []
