import csv
import io

import pytest

from defender_indicators.export import write_csv

HOSTILE = {
    "link": '=HYPERLINK("https://example.com";"x")',
    "sum": "@SUM(A1)",
    "tab": "\t=1",
    "carriage return": "\r=1",
    "lines": "no\n2030-01-01 INFO everything went well",
    "escape": "\x1b[2J\x1b]0;x\x07",
    "turned": "\u202egnp.exe",
    "quote": 'a","=1',
    "another separator": "a;=1",
    "another separator and blanks": "a; \u3000+1",
}
SHOWN = {
    "link": '\'=HYPERLINK("https://example.com";"x")',
    "sum": "'@SUM(A1)",
    "tab": r"'\t=1",
    "carriage return": r"'\r=1",
    "lines": r"no\n2030-01-01 INFO everything went well",
    "escape": r"\x1b[2J\x1b]0;x\x07",
    "turned": r"\u202egnp.exe",
    "quote": 'a","=1',
    "another separator": "a;'=1",
    "another separator and blanks": r"a; \u3000'+1",
}


def lines(report):
    stream = io.BytesIO()
    write_csv(stream, report)
    return stream.getvalue()


def rows(report):
    return list(csv.DictReader(io.StringIO(lines(report).decode("utf-8-sig"), newline=""), strict=True))


def test_a_line_for_every_row_with_the_fields_of_a_result(make_report, row):
    report = make_report([row(0), row(1, "duplicate", code="duplicate", notes=["refanged", "/32 removed"])])
    first, second = rows(report)
    assert list(first) == list(report["results"][0])
    assert list(first.values()) == [
        *("0", "a.example.com", "DomainName", "Block", "import", "rejected"),
        *("", "bad_json", "no", "false", ""),
    ]
    assert second["notes"] == "refanged | /32 removed"


def test_excel_is_told_that_it_is_utf_8(make_report, row):
    written = lines(make_report([row(0, reason="übel")]))
    assert written.startswith(b"\xef\xbb\xbfindex,value,")
    assert "übel".encode() in written
    assert written.count(b"\r\n") == written.count(b"\n") == 2


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("place", ["value", "reason"])
def test_case_120_no_cell_is_computed_and_none_ends_its_line(make_report, row, name, place):
    report = make_report([row(0, **{place: HOSTILE[name]})])
    (found,) = rows(report)
    assert found[place] == SHOWN[name]
    assert lines(report).count(b"\n") == 2


def test_case_120_notes_are_guarded_too(make_report, row):
    (found,) = rows(make_report([row(0, notes=["=1", "=2"])]))
    assert found["notes"] == "'=1 | =2"


def test_a_cell_is_no_longer_than_excel_takes(make_report, row):
    (found,) = rows(make_report([row(0, value="x" * 40_000)]))
    assert len(found["value"]) == 32_767


def test_rows_are_written_as_they_are_read():
    taken = []

    class Stream(io.RawIOBase):
        def write(self, data):
            taken.append(len(given))
            return len(data)

    fields = dict.fromkeys(("value", "type", "action", "operation", "status", "id", "code", "reason"), "")
    given = []

    def results():
        for number in range(3):
            given.append(number)
            yield fields | {"index": number, "retryable": False, "notes": []}

    write_csv(Stream(), {"results": results()})
    assert taken == [0, 1, 2, 3]
