import io
from pathlib import Path

import pytest

from defender_indicators.delivery import BadRow
from defender_indicators.errors import InputError
from defender_indicators.sources.observed import Dropped, Facts, Observed
from defender_indicators.sources.table_columns import guess_columns
from defender_indicators.sources.table_csv import csv_notices, read_csv

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "csv"
SHA256 = "3c" * 32


def rows(text, **columns):
    data = text if isinstance(text, bytes) else text.encode()
    return list(read_csv(io.BytesIO(data), "in.csv", columns))


def found(text, **columns):
    return [(row.type, row.value) if isinstance(row, Observed) else row[1] for row in rows(text, **columns)]


def typed(kind, value):
    (row,) = rows(f'value,type,comment\n"{value}",{kind},c\n')
    return (row.type, row.value) if isinstance(row, Observed) else row[1]


def test_reads_every_field_by_its_usual_name():
    text = (
        "Indicator;Type;Title;Comment;Severity;Confidence;Labels;Valid_Until;TLP\n"
        "evil[.]example[.]com;domain;Case 7;Seen;critical;80%;a, b;2027-01-31;TLP:WHITE\n"
    )
    facts = Facts(
        title="Case 7",
        description="Seen",
        confidence=80,
        tags=("a", "b"),
        tlp="clear",
        severity="High",
        valid_until="2027-01-31T00:00:00Z",
        kind="domain",
    )
    assert rows(text) == [Observed("DomainName", "evil[.]example[.]com", "in.csv:2", facts)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_finds_the_delimiter(delimiter):
    text = "ioc,note\n203.0.113.7,x\nevil.example.com,y\n".replace(",", delimiter)
    assert found(text) == [("IpAddress", "203.0.113.7"), ("DomainName", "evil.example.com")]


def test_reads_windows_line_ends_and_a_byte_order_mark():
    assert found(b"\xef\xbb\xbfvalue,type\r\n203.0.113.7,ip\r\n") == [("IpAddress", "203.0.113.7")]


def test_a_table_of_one_column_keeps_the_commas_of_its_urls():
    assert found("value\nhttp://example.com/a,b\nevil.example.com\n")[0] == ("Url", "http://example.com/a,b")


def test_without_a_header_the_column_of_indicators_is_found_by_its_cells():
    assert csv_notices(b"7,203.0.113.7,x\n8,evil.example.com,y\n", "in.csv") == ("column 2 → value",)
    assert found("7,203.0.113.7,x\n8,evil.example.com,y\n") == [
        ("IpAddress", "203.0.113.7"),
        ("DomainName", "evil.example.com"),
    ]


def test_a_header_in_words_that_nobody_knows_is_still_no_row():
    assert found("wert;art\n203.0.113.7;c2\n") == [("IpAddress", "203.0.113.7")]


def test_a_first_line_that_is_no_name_is_not_taken_for_a_header():
    assert found("wss://a.example.com/x\n203.0.113.7\n") == ["wss URL", ("IpAddress", "203.0.113.7")]


def test_a_header_in_a_comment_and_comments_at_the_end_are_understood():
    text = (
        '# a feed\n#\n# "id","dateadded","url","tags"\n"1","2026-01-01 10:20:30","http://example.com/x","a,b"\n# END\n'
    )
    (row,) = rows(text)
    assert (row.type, row.value, row.place, row.facts.tags) == ("Url", "http://example.com/x", "in.csv:4", ("a", "b"))


def test_named_columns_win_over_guessed_ones():
    text = "value,wert,titel\nevil.example.com,203.0.113.7,Case 7\n"
    (row,) = rows(text, value="WERT", title="3")
    assert (row.value, row.facts.title) == ("203.0.113.7", "Case 7")
    assert csv_notices(text.encode(), "in.csv", {"value": "wert", "title": "3"}) == (
        "column 2 'wert' → value",
        "column 3 'titel' → title",
    )


def test_a_named_column_is_not_guessed_for_something_else_too():
    (row,) = rows("value,comment\nevil.example.com,Case 7\n", title="comment")
    assert (row.facts.title, row.facts.description) == ("Case 7", "")


def test_a_guess_that_holds_no_indicators_gives_way_to_a_column_that_does():
    sample = [["some words", "203.0.113.7"], ["more", "evil.example.com"]]
    assert guess_columns(["value", "host seen"], sample) == {"value": "host seen"}


def test_times_of_day_do_not_pass_for_addresses():
    assert guess_columns(["a", "b"], [["10:20:30", "evil.example.com"]]) == {"value": "b"}


@pytest.mark.parametrize(
    ("text", "columns", "reason"),
    [
        ("value\n203.0.113.7\n", {"value": "wert"}, "no column 'wert'; there are 'value'"),
        ("value\n203.0.113.7\n", {"value": "2"}, "no column '2'"),
        ("value\n203.0.113.7\n", {"action": "value"}, "no field action"),
        ("name,age\nAnn,7\nBob,8\n", {}, "no column holds indicators; name it as value"),
    ],
)
def test_a_column_that_is_not_there_is_one_clear_error(text, columns, reason):
    with pytest.raises(InputError, match=f"^in.csv: {reason}"):
        rows(text, **columns)


@pytest.mark.parametrize(
    ("kind", "value", "meant"),
    [
        ("ipv4", "203.0.113.7", ("IpAddress", "203.0.113.7")),
        ("fqdn", "evil.example.com", ("DomainName", "evil.example.com")),
        ("SHA-256", SHA256, ("FileSha256", SHA256)),
        ("file", SHA256, ("FileSha256", SHA256)),
        ("hash", SHA256[:32], ("FileMd5", SHA256[:32])),
        ("Certificate Thumbprint", SHA256[:40], ("CertificateThumbprint", SHA256[:40])),
        ("url", "203.0.113.7:443", ("IpAddress", "203.0.113.7")),
        ("url", "[2001:db8::7]:443", ("IpAddress", "2001:db8::7")),
        ("ip:port", "203[.]0[.]113[.]7:8080", ("IpAddress", "203.0.113.7")),
        ("domain", "evil.example.com:8080", ("DomainName", "evil.example.com")),
        ("url", "www.example.com", ("DomainName", "www.example.com")),
        ("domain", "203.0.113.7", ("IpAddress", "203.0.113.7")),
        ("md5", SHA256, ("FileSha256", SHA256)),
        ("url", "https://example.com:8443/x", ("Url", "https://example.com:8443/x")),
        ("url", "example.com/x", ("Url", "example.com/x")),
        ("domain", "printer.lan", ("DomainName", "printer.lan")),
    ],
)
def test_the_word_for_the_type_and_the_value_agree_on_one_type(kind, value, meant):
    assert typed(kind, value) == meant


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        ("filename", "invoice.zip", "filename"),
        ("email", "a@example.com", "email"),
        ("registry key", "HKLM", "registry key"),
        ("colour", "red", "colour"),
        ("url", "wss://example.com/x", "wss URL"),
        ("sha256", "invoice.zip", "type_not_recognised"),
        ("sha256", "n/a", "type_not_recognised"),
        ("file", "run.exe", "type_not_recognised"),
        ("url", "/x.php", "type_not_recognised"),
        ("ip", "", "bad_entry"),
    ],
)
def test_what_is_no_indicator_is_left_out_with_its_reason(kind, value, why):
    assert typed(kind, value) == why


def test_the_port_is_noted_in_the_description():
    (row,) = rows("value,comment\n203.0.113.7:443,C2\n")
    assert row.facts.description == "C2; seen on port 443"


def test_a_moment_that_nobody_understands_costs_its_row():
    good, bad = rows("value,expires\n203.0.113.7,never\nevil.example.com,soon\n")
    assert (good.facts.valid_until, bad.code, bad.place) == ("", "bad_entry", "in.csv:3")


def test_case_105_a_broken_line_costs_only_itself():
    data = b'value,type\n203.0.113.7,ip\n"open,ip\nevil.example.com\nb\xff.example.com,domain\n203.0.113.8,ip\n'
    kinds = [type(row).__name__ for row in rows(data)]
    assert kinds == ["Observed", "BadRow", "BadRow", "BadRow", "Observed"]
    assert [row.place for row in rows(data) if isinstance(row, BadRow)] == ["in.csv:3", "in.csv:4", "in.csv:5"]


def test_lines_of_empty_cells_and_files_without_data_hold_nothing():
    assert found("value,type\n,\n\n203.0.113.7,ip\n") == [("IpAddress", "203.0.113.7")]
    assert rows("# nothing today\n\n") == []
    assert found(b"# nothing but a broken line\n\xff\n") == ["bad_encoding"]


class Endless(io.RawIOBase):
    """A table that never ends, to be read only in part."""

    def __init__(self):
        super().__init__()
        self.given = 0

    def readable(self):
        return True

    def readinto(self, buffer):
        self.given += len(buffer)
        line = b"203.0.113.7,ip\n"
        buffer[:] = (line * (len(buffer) // len(line) + 1))[: len(buffer)]
        return len(buffer)


def test_case_106_reads_no_further_than_it_is_asked():
    stream = Endless()
    walk = read_csv(io.BufferedReader(stream, 8192), "in.csv")
    assert [next(walk).value for _ in range(3)] == ["203.0.113.7"] * 3
    assert stream.given <= 16384


@pytest.mark.skipif(not REAL.is_dir(), reason="the real samples are not part of the project")
@pytest.mark.parametrize(
    ("name", "there", "absent"),
    [
        (
            "volexity-uta0388.csv",
            [
                ("IpAddress", "80.85.154.48"),
                ("DomainName", "www.twmoc.info"),
                ("Url", "https://app-site-association.cdn-apple.info:443/updates.rss"),
            ],
            ["wss://api.twmoc.info/ws", "80.85.154.48:443", "updates.rss"],
        ),
        (
            "volexity-evilbamboo.csv",
            [
                ("FileSha256", "b7c1a56d3e817bfa47d540f37dc45441325e81332e4c71a5e65d7de67b8f4b3c"),
                ("DomainName", "signalplus.org"),
                ("IpAddress", "95.216.187.21"),
            ],
            ["value", "BADBAZAAR", "signalplus.org "],
        ),
    ],
)
def test_real_tables_hold_what_was_checked_by_hand_and_nothing_like_it(name, there, absent):
    read = rows((REAL / name).read_bytes())
    observed = {(row.type, row.value) for row in read if isinstance(row, Observed)}
    assert set(there) <= observed
    assert {value for _, value in observed} & set(absent) == set()
    assert all(isinstance(row, Observed | Dropped) for row in read)
