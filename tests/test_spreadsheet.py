import csv
import io

import pytest

from defender_indicators.sources.writing import write_portal_csv
from defender_indicators.spreadsheet import inert, record

FORMULAS = {
    "equals": "=1+1",
    "plus": "+1",
    "minus": "-1",
    "at": "@SUM(A1)",
    "tab": "\tx",
    "carriage return": "\rx",
    "after blanks": "  =1",
    "after a line end": "\n=1",
    "after a wide blank": "\u3000=1",
    "after a NUL": "\x00=1",
    "after a mark nobody sees": "\ufeff\u200b=1",
    "wide equals": "\uff1d1",
    "wide plus": "\uff0b1",
    "wide minus": "\uff0d1",
    "wide at": "\uff20SUM(A1)",
    "small equals": "\ufe661",
    "mathematical minus": "\u22121",
}


@pytest.mark.parametrize("name", FORMULAS)
def test_case_120_a_cell_that_would_be_computed_gets_an_apostrophe(name):
    assert inert(FORMULAS[name]) == f"'{FORMULAS[name]}"


@pytest.mark.parametrize("text", ["", "a=1", "https://example.com/?a=-1", "  x", "2001:db8::1", "'=1"])
def test_a_cell_that_is_only_shown_stays_as_it_is(text):
    assert inert(text) == text


def test_a_record_is_one_quoted_line_of_utf_8():
    assert record(["a,b", 'c"d', "é", "\ud800"]) == b'"a,b","c""d",\xc3\xa9,?\r\n'


@pytest.mark.parametrize("name", FORMULAS)
def test_case_120_the_portal_csv_is_as_safe_as_the_report(name):
    stream = io.BytesIO()
    row = {"indicatorType": "DomainName", "indicatorValue": "a.example.com", "title": FORMULAS[name]}
    write_portal_csv(stream, [row])
    (found,) = csv.DictReader(io.StringIO(stream.getvalue().decode(), newline=""))
    assert found["Title"] == f"'{FORMULAS[name]}"
    assert found["IndicatorValue"] == "a.example.com"
