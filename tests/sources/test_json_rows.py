import io
import json
import tracemalloc

import pytest

from defender_indicators.delivery import BadRow
from defender_indicators.errors import InputError
from defender_indicators.sources import json_rows
from defender_indicators.sources.json_rows import read_json, read_ndjson

ROW = {"indicatorType": "IpAddress", "indicatorValue": "203.0.113.7", "action": "Block", "title": "t"}


def rows_of(text, reader=read_json):
    return list(reader(io.BytesIO(text if isinstance(text, bytes) else text.encode()), "in"))


def test_reads_the_request_body():
    assert rows_of(json.dumps({"Indicators": [ROW, ROW]})) == [ROW, ROW]


def test_reads_a_list_in_order():
    rows = [ROW | {"title": str(number)} for number in range(5)]
    assert rows_of(json.dumps(rows)) == rows


def test_reads_a_single_row():
    assert rows_of(json.dumps(ROW)) == [ROW]


def test_skips_a_byte_order_mark():
    assert rows_of(b"\xef\xbb\xbf" + json.dumps([ROW]).encode()) == [ROW]
    assert rows_of(b"\xef\xbb\xbf" + json.dumps(ROW).encode(), read_ndjson) == [ROW]


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", '"text"', "7", "NaN", "[1,]", "[" * 100_000, '{"Indicators": {}}', '{"rows": []}'),
        *('{"Indicators": [], "extra": 1}', '{"Indicators": [], "Indicators": []}'),
    ],
    ids=lambda text: text[:24],
)
def test_a_document_without_rows_is_refused_with_its_name(text):
    with pytest.raises(InputError, match=r"^in: "):
        rows_of(text)


def test_says_line_and_column_of_a_broken_document():
    with pytest.raises(InputError, match="line 2 column 3"):
        rows_of("[\n  oops\n]")


def test_a_document_over_the_cap_is_refused_with_the_way_out(monkeypatch):
    monkeypatch.setattr(json_rows, "MAX_DOCUMENT", 10)
    with pytest.raises(InputError, match="NDJSON"):
        rows_of(json.dumps([ROW]))


def test_case_095_a_number_stays_a_number():
    (row,) = rows_of('[{"indicatorValue": 12345678901234567890123456789012}]')
    assert row == {"indicatorValue": 12345678901234567890123456789012}


@pytest.mark.parametrize(
    ("spoiled", "reason"),
    [
        ('{"action": "Block", "action": "Allowed"}', "'action' is given twice"),
        ('{"indicatorValue": NaN}', "NaN"),
        ('{"indicatorValue": -Infinity}', "Infinity"),
        ('{"indicatorValue": 12345e999}', "out of range"),
        ('{"indicatorValue": ' + "7" * 5000 + "}", "5000 digits"),
        ('{"indicatorValue": 0.' + "7" * 5000 + "}", "a number of 5002 characters is out of range"),
        ('{"a": {"b": [[{"c": 1, "c": 2}]]}}', "'c' is given twice"),
    ],
    ids=["twice", "nan", "infinity", "exponent", "digits", "fraction", "nested"],
)
@pytest.mark.parametrize("whole", [True, False], ids=["list", "ndjson"])
def test_case_034_a_spoiled_row_costs_only_itself(spoiled, reason, whole):
    good = json.dumps(ROW)
    text = f"[{good},\n{spoiled},\n{good}]" if whole else f"{good}\n{spoiled}\n{good}\n"
    first, bad, last = rows_of(text, read_json if whole else read_ndjson)
    assert first == last == ROW
    assert isinstance(bad, BadRow)
    assert bad.code == "bad_json"
    assert reason in bad.reason
    assert bad.place == ("in: row 2" if whole else "in:2")


def test_case_105_a_lone_surrogate_reaches_the_judge_of_rows():
    assert rows_of('{"title": "\\ud800"}\n', read_ndjson) == [{"title": "\ud800"}]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b'{"a": 1,}', "bad_json"),
        (b"\xff\xfe{}", "bad_encoding"),
        (b'{"a": "\0"}', "bad_characters"),
        (b"[" * 100_000, "bad_json"),
        (b"x" * (1024 * 1024 + 1), "line_too_long"),
    ],
    ids=["syntax", "encoding", "nul", "depth", "length"],
)
def test_case_105_a_broken_line_costs_only_itself(line, code):
    good = json.dumps(ROW).encode()
    first, bad, last = rows_of(b"\n".join((good, line, good)), read_ndjson)
    assert first == last == ROW
    assert (bad.place, bad.code) == ("in:2", code)


def test_what_is_no_object_is_left_to_the_judge_of_rows():
    assert rows_of('["text", 7, null]') == ["text", 7, None]


def test_a_quoted_bad_line_ends_where_the_line_ends():
    (bad,) = rows_of(b"caf\xe9\r\n", read_ndjson)
    assert bad.value == "caf\ufffd"


def test_a_quoted_bad_line_is_short_and_printable():
    (bad,) = rows_of('{"\x1b[31m": ' + "x" * 1000, read_ndjson)
    assert "\x1b" not in bad.value
    assert len(bad.value) <= 200


def test_case_106_lines_are_streamed_in_constant_memory():
    line = json.dumps(ROW).encode() + b"\n"

    class Endless(io.RawIOBase):
        left = 100_000

        def readable(self):
            return True

        def readinto(self, buffer):
            if not self.left:
                return 0
            self.left -= 1
            buffer[: len(line)] = line
            return len(line)

    tracemalloc.start()
    count = sum(1 for _ in read_ndjson(io.BufferedReader(Endless(), 1 << 16), "in"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 100_000
    assert peak < 2_000_000
