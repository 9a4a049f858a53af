import contextlib
import gzip
import io
import json

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
    with pytest.raises(InputError, match=r"needs indicatorType.*cut -d, -f1"), open_source(str(path), io.BytesIO()):
        pass


def test_a_list_that_calls_itself_a_csv_is_refused_with_the_way_out(tmp_path):
    path = tmp_path / "feed.csv"
    path.write_bytes(b"value\n203.0.113.7\n")
    with pytest.raises(InputError, match="for a list of values add --format values"):
        open_source(str(path), io.BytesIO()).__enter__()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (gzip.compress(b"203.0.113.7\n", mtime=0), "a gzip archive"),
        (b"PK\x03\x04\x14", "a zip archive"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"\x7fELF\x02\x01\x01" + bytes(9), "a binary file"),
        (bytes(range(128, 256)) * 9, "a binary file"),
    ],
)
@pytest.mark.parametrize("chosen", ["", "values"])
def test_what_is_no_text_is_refused_with_its_kind(read_bytes, data, kind, chosen):
    with pytest.raises(InputError, match=f"standard input: is {kind}"):
        read_bytes(data, chosen)


def test_a_text_with_some_broken_letters_is_read(read_bytes):
    assert len(read_bytes("# caf\xe9 d\xe9j\xe0\n203.0.113.7\n".encode("latin-1"), "values")) == 2


@pytest.mark.parametrize("reads", [0, 1])
def test_a_failing_disk_is_refused_with_the_files_name(reads):
    class Failing(io.BytesIO):
        left = reads

        def read(self, size=-1):
            if not self.left:
                raise OSError(5, "Input/output error")
            self.left -= 1
            return super().read(size)

    failing = Failing(b"203.0.113.7\n" * 10_000)
    message = r"^standard input: cannot be read: Input/output error$"
    with pytest.raises(InputError, match=message), open_source("-", failing) as source:
        list(source.rows)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('{"Event": {"Attribute": []}}', "MISP"),
        ('{\n "response": [{"Event": {}}]}', "MISP"),
        ('[{"Event": {}}]', "MISP"),
        ('{"type": "bundle", "id": "bundle--1", "objects": []}', "STIX"),
        ('{"objects": [], "spec_version": "2.0", "type": "bundle"}', "STIX"),
    ],
)
@pytest.mark.parametrize("layout", [None, 1])
def test_an_exchange_format_is_refused_by_its_name(read_bytes, text, name, layout):
    with pytest.raises(InputError, match=f"standard input: is a {name} .* which is not read; convert it"):
        read_bytes(json.dumps(json.loads(text), indent=layout).encode())


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
