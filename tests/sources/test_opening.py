import contextlib
import gzip
import io
import json
import zipfile
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from defender_indicators.errors import InputError
from defender_indicators.sources import (
    CODES,
    FORMATS,
    Facts,
    Observed,
    SourceCutOff,
    extracted,
    open_source,
    shipped_policy,
)
from defender_indicators.sources.csv_records import Record, Records
from defender_indicators.sources.feed import FeedAnswer, OpenFeed
from defender_indicators.sources.lines import numbered_lines
from defender_indicators.sources.mapping import RANK

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


def test_case_103_a_zip_bomb_is_refused_without_being_unpacked(read_bytes):
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../feed.csv", bytes(50_000_000))
    with pytest.raises(InputError, match="standard input: is a zip archive or an Office document, not text; give the"):
        read_bytes(bomb.getvalue())


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
    "text", ['{"Event": {"Attribute": []}}', '{"type": "bundle", "id": "bundle--1", "objects": []}']
)
def test_an_exchange_format_is_not_read_as_rows(read_bytes, text):
    with pytest.raises(InputError, match=r"standard input: is a .*; leave out --format"):
        read_bytes(text.encode(), "json")


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


@pytest.mark.parametrize("name", ["missing.txt", "nul\0.txt"], ids=["missing", "nul"])
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
def test_every_line_of_a_csv_is_in_a_record_or_in_a_verdict(lines):
    data = io.BytesIO("\n".join(lines).encode())
    records = list(Records(numbered_lines(data, "f"), "f", ",", 3))
    joined = sum(cell.count("\n") for record in records if isinstance(record, Record) for cell in record.cells)
    assert len(records) + joined >= len(lines)


NOW = datetime(2026, 6, 1, tzinfo=UTC)
BUNDLE = {
    "type": "bundle",
    "id": "bundle--00000000-0000-4000-8000-000000000000",
    "objects": [
        {
            "type": "indicator",
            "spec_version": "2.1",
            "id": f"indicator--00000000-0000-4000-8000-00000000000{number}",
            "created": "2026-01-01T00:00:00Z",
            "modified": "2026-01-01T00:00:00Z",
            "name": "Phishing",
            "pattern": f"[domain-name:value = '{value}']",
            "pattern_type": "stix",
            "valid_from": "2026-01-01T00:00:00Z",
        }
        for number, value in enumerate(["login.example.com", "login.example.com", "co.uk"])
    ],
}


@pytest.fixture
def opened():
    """Return a function: bytes and wishes to a source that was read to its end, and its rows."""

    def read(data, **wishes):
        with open_source("-", io.BytesIO(data), now=NOW, **wishes) as source:
            return source, list(source.rows)

    return read


def test_an_intelligence_format_gets_the_shipped_policy_and_says_so(opened):
    source, rows = opened(json.dumps(BUNDLE).encode())
    assert [(row["action"], row["title"], row["expirationTime"]) for row in rows] == [
        ("Audit", "Phishing", "2026-08-30T00:00:00Z")
    ] * 2
    assert str(source.coverage) == "3 read: 1 mapped, 1 duplicates, 1 dropped (public_suffix 1)"
    assert any("no policy is given" in notice for notice in source.notices)


def test_a_policy_that_is_given_is_the_one_that_applies(opened):
    source, rows = opened(json.dumps(BUNDLE).encode(), policy=shipped_policy().overridden(action="Warn"), ranked=True)
    assert rows[0]["action"] == "Warn"
    assert rows[0][RANK][0] == 50
    assert source.notices == ()


def test_rows_that_speak_for_themselves_pass_as_they_are_unless_a_policy_is_given(opened):
    line = b'{"indicatorType": "DomainName", "indicatorValue": "a.example.com"}'
    row = json.loads(line)
    assert opened(line + b"\n")[1] == [row]
    _, filled = opened(line + b"\n", policy=shipped_policy())
    assert filled[0]["action"] == "Audit"
    assert filled[0].items() >= row.items()


def test_a_plain_list_gets_the_shipped_policy_where_that_is_wanted(opened):
    data = b"A[.]example.com\n10.0.0.1\n"
    assert opened(data)[1] == [
        {"indicatorType": "DomainName", "indicatorValue": "A[.]example.com"},
        {"indicatorType": "IpAddress", "indicatorValue": "10.0.0.1"},
    ]
    source, rows = opened(data, plain_lists=True)
    assert [(row["indicatorValue"], row["action"]) for row in rows] == [("a.example.com", "Audit")]
    assert source.coverage.dropped == {"private_address": 1}


def test_options_reach_the_rows_that_a_policy_makes(opened):
    _, rows = opened(json.dumps(BUNDLE).encode(), overrides={"action": "Block", "title": "From {feed}"}, feed="mine")
    assert {(row["action"], row["title"]) for row in rows} == {("Block", "From mine")}


@pytest.fixture
def cut_off(mocker):
    """Make the reader of plain lists end after two values."""

    def read(stream, place):
        yield Observed("DomainName", "a.example.com", f"{place}:1", Facts())
        yield {"indicatorType": "DomainName", "indicatorValue": "b.example.com"}
        raise SourceCutOff(f"{place}: the connection broke; fetch it again", place)

    mocker.patch("defender_indicators.sources.values.read_values", read)


def test_a_source_that_is_cut_off_hands_on_what_it_has_and_says_so(opened, cut_off):
    source, rows = opened(b"x", chosen="values", plain_lists=True)
    assert len(rows) == 2
    assert str(source.cut_off) == "standard input: the connection broke; fetch it again"
    assert extracted(source)["complete"] is False


def test_a_file_of_a_folder_that_is_cut_off_makes_the_folder_incomplete(tmp_path, cut_off):
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("a.example.com\n", encoding="utf-8")
    with open_source(str(tmp_path), io.BytesIO(), plain_lists=True) as source:
        assert len(list(source.rows)) == 4
    assert str(source.cut_off).startswith("a.txt: the connection broke")
    assert "b.txt: the connection broke" in str(source.cut_off)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "feeds"
    (root / "sub").mkdir(parents=True)
    (root / "b.json").write_text(json.dumps(BUNDLE), encoding="utf-8")
    (root / "a.txt").write_text("login.example.com\n", encoding="utf-8")
    (root / "sub" / "c.csv").write_text("ioc,confidence\nc.example.com,90\n", encoding="utf-8")
    return root


def test_the_files_of_a_folder_are_read_in_order_each_by_itself(folder):
    with open_source(str(folder), io.BytesIO(), now=NOW, unique=True, plain_lists=True) as source:
        rows = list(source.rows)
    assert source.format == "folder"
    assert [(row["indicatorValue"], row["title"]) for row in rows] == [
        ("login.example.com", "DomainName from a.txt"),
        ("c.example.com", "DomainName from sub/c.csv"),
    ]
    assert source.coverage.as_dict()["duplicates"] == 2
    assert "sub/c.csv: column 1 'ioc' → value" in source.notices
    assert sum("no policy" in notice for notice in source.notices) == 1
    assert source.cut_off is None


def test_a_file_of_a_folder_that_cannot_be_read_makes_the_folder_incomplete(folder):
    (folder / "a.txt").write_bytes(b"")
    (folder / "d.json").write_bytes(b'{"Event": ')
    (folder / "e.csv").write_bytes(b"PK\x03\x04")
    with open_source(str(folder), io.BytesIO(), now=NOW) as source:
        rows = list(source.rows)
    assert [row["indicatorValue"] for row in rows] == ["login.example.com", "login.example.com", "c.example.com"]
    assert [str(failure).partition(":")[0] for failure in source.failures] == ["a.txt", "d.json", "e.csv"]
    assert "a.txt: is empty" in str(source.cut_off)


def test_an_address_without_tls_is_refused():
    with pytest.raises(InputError, match="https"), open_source("http://feeds.example.com/list.txt", io.BytesIO()):
        pass


class Feeds:
    """What fetches feeds, without a network."""

    def __init__(self, body):
        self.body, self.asked, self.is_closed = body, [], False

    @contextlib.contextmanager
    def open(self, url, headers):
        self.asked.append((url, headers))
        yield OpenFeed(io.BytesIO(self.body), "feeds.example.com/list", "csv", is_unchanged=False)

    def get(self, url, headers):
        self.asked.append((url, headers))
        return FeedAnswer(200, {}, self.body)

    def close(self):
        self.is_closed = True


def test_a_feed_is_read_by_its_content_and_its_extension():
    feeds = Feeds(b"ioc\na.example.com\n")
    wishes = {"feeds": lambda: feeds, "headers": {"Authorization": "x"}}
    with open_source("https://feeds.example.com/list", io.BytesIO(), **wishes) as source:
        (row,) = source.rows
    assert (source.name, source.format, row["title"]) == (
        "feeds.example.com/list",
        "csv",
        "DomainName from feeds.example.com/list",
    )
    assert feeds.asked == [("https://feeds.example.com/list", {"Authorization": "x"})]
    assert feeds.is_closed


@pytest.mark.parametrize(
    "address", ["https://t.example.com/api/collections/1/", "taxii+https://t.example.com/api/collections/1"]
)
def test_a_collection_is_read_page_by_page(address):
    feeds = Feeds(json.dumps({"objects": BUNDLE["objects"]}).encode())
    with open_source(address, io.BytesIO(), feeds=lambda: feeds, headers={"Authorization": "x"}, unique=True) as source:
        (row,) = source.rows
    assert (row["indicatorValue"], source.format, source.cut_off) == ("login.example.com", "stix", None)
    ((url, headers),) = feeds.asked
    assert url.startswith("https://t.example.com/api/collections/1/objects/?")
    assert headers["Authorization"] == "x"


def test_a_collection_that_breaks_off_hands_on_what_it_gave():
    feeds = Feeds(json.dumps({"objects": BUNDLE["objects"], "more": True}).encode())
    with open_source("taxii+https://t.example.com/collections/1/", io.BytesIO(), feeds=lambda: feeds) as source:
        assert len(list(source.rows)) == 2
    assert "there is more" in str(source.cut_off)
