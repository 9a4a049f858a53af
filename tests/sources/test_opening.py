import contextlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from defender_indicators.errors import InputError
from defender_indicators.sources import CODES, FORMATS, open_source

HEADER = b"indicatorType,indicatorValue,action\n"


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b'{"Indicators": []}', "json"),
        (b'\xef\xbb\xbf\n { "indicators":\n [] }', "json"),
        (b'[{"indicatorValue": "x"}]', "json"),
        (b'{\n  "indicatorValue": "x"\n}', "json"),
        (b'{"indicatorValue": "x"}\n{"indicatorValue": "y"}\n', "ndjson"),
        (b'{"indicatorValue": "x"\n{"indicatorValue": "y"}\n', "ndjson"),
        (HEADER, "portal-csv"),
        (b"\xef\xbb\xbf" + HEADER.replace(b",", b";"), "portal-csv"),
        (b"203.0.113.7\n", "values"),
        (b"# comment\nevil[.]example\n", "values"),
        (b"[.]example\n", "values"),
    ],
)
def test_tells_the_format_from_the_content(detected, data, name):
    assert detected(data) == name


@pytest.mark.parametrize(
    ("file", "data", "name"),
    [
        ("a.jsonl", b'{\n"broken\n', "ndjson"),
        ("a.NDJSON", b'{\n"broken\n', "ndjson"),
        ("a.txt", b"203.0.113.7", "values"),
    ],
)
def test_tells_the_format_from_the_extension_where_the_content_leaves_it_open(tmp_path, file, data, name):
    path = tmp_path / file
    path.write_bytes(data)
    with open_source(str(path), io.BytesIO()) as source:
        assert source.format == name
        assert source.name == file


def test_a_csv_that_is_not_the_portals_is_refused_with_the_way_out(tmp_path):
    path = tmp_path / "feed.csv"
    path.write_bytes(b"value,entity_type\n203.0.113.7,ip\n")
    with pytest.raises(InputError, match="--format values"), open_source(str(path), io.BytesIO()):
        pass


def test_a_chosen_format_wins(read_bytes):
    assert read_bytes(b'{"indicatorValue": "x"}', "ndjson") == [{"indicatorValue": "x"}]


def test_says_which_columns_are_not_sent():
    with open_source("-", io.BytesIO(b"indicatorValue,category,createdBy\n")) as source:
        assert [notice.split()[1] for notice in source.notices] == ["category", "createdBy"]


@pytest.mark.parametrize("text", ["", " \n\t", "\ufeff"])
def test_an_empty_input_is_refused(read_bytes, text):
    with pytest.raises(InputError, match="standard input: is empty"):
        read_bytes(text.encode())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_case_105_other_encodings_are_refused_with_the_way_out(read_bytes, encoding):
    with pytest.raises(InputError, match="save it as UTF-8"):
        read_bytes("203.0.113.7\n".encode(encoding))


@pytest.mark.parametrize("name", ["missing.txt", "", "nul\0.txt"], ids=["missing", "folder", "nul"])
def test_an_unreadable_file_is_refused_with_its_name(tmp_path, name):
    with pytest.raises(InputError, match="cannot be read"), open_source(str(tmp_path / name), io.BytesIO()):
        pass


def test_reads_beyond_the_bytes_it_looked_at(read_bytes):
    lines = b"".join(b"198.51.100.%d\n" % (number % 250 + 1) for number in range(20_000))
    assert len(read_bytes(lines)) == 20_000


@given(
    data=st.one_of(
        st.binary(),
        st.text().map(str.encode),
        st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20)).map(
            lambda lines: HEADER + "\n".join(lines).encode()
        ),
        st.lists(st.sampled_from([b'"', b",", b"\n", b"a", b"\r", b"\xff", b"\0", b'{"a":1}', b"[", b"#"])).map(
            lambda parts: HEADER + b"".join(parts)
        ),
    ),
    chosen=st.sampled_from(["", *FORMATS]),
)
def test_never_raises_anything_but_a_refusal_of_the_input(data, chosen):
    rows = []
    with contextlib.suppress(InputError), open_source("-", io.BytesIO(data), chosen=chosen) as source:
        rows = list(source.rows)
    assert all(not hasattr(row, "code") or row.code in CODES for row in rows)


_CELL = st.text(st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"]), max_size=12)


@given(lines=st.lists(_CELL))
def test_every_line_of_a_list_is_accounted_for(lines):
    expected = [line for line in lines if line.strip() and not line.strip().startswith("#")]
    data = ("203.0.113.7\n" + "\n".join(lines)).encode()
    with open_source("-", io.BytesIO(data), chosen="values") as source:
        assert len(list(source.rows)) == 1 + len(expected)


@given(lines=st.lists(_CELL.filter(str.strip)))
def test_every_line_of_ndjson_is_accounted_for(lines):
    with open_source("-", io.BytesIO("\n".join(["{}", *lines]).encode()), chosen="ndjson") as source:
        assert len(list(source.rows)) == 1 + len(lines)


@given(lines=st.lists(st.lists(st.sampled_from(['"', ",", "a"]), min_size=1, max_size=6).map("".join), max_size=8))
def test_every_line_of_a_csv_is_in_a_row_or_in_a_verdict(lines):
    data = b"indicatorValue,title,action\n" + "\n".join(lines).encode()
    with open_source("-", io.BytesIO(data), chosen="portal-csv") as source:
        rows = list(source.rows)
    joined = sum(value.count("\n") for row in rows if isinstance(row, dict) for value in row.values())
    blank = sum(not line.strip('",') for line in lines)
    assert len(rows) + joined + blank >= len(lines)
