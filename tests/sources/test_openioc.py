import io

import pytest

from defender_indicators.delivery import BadRow
from defender_indicators.errors import InputError
from defender_indicators.sources.observed import Dropped, Facts, Observed
from defender_indicators.sources.openioc import read_openioc

MD5, SHA1, SHA256 = "1a" * 16, "2b" * 20, "3c" * 32
NAMESPACE = "http://schemas.mandiant.com/2010/ioc"


def item(term, value, condition="is", extra="", name="i1"):
    return (
        f'<IndicatorItem id="{name}" condition="{condition}" {extra}><Context document="X" search="{term}"/>'
        f'<Content type="string">{value}</Content></IndicatorItem>'
    )


def group(operator, *parts):
    return f'<Indicator operator="{operator}">{"".join(parts)}</Indicator>'


def old(*parts, head=""):
    body = f"{head}<definition>{group('OR', *parts)}</definition>"
    return f'<ioc xmlns="{NAMESPACE}" last-modified="2026-01-02T03:04:05">{body}</ioc>'


def rows(text):
    return list(read_openioc(io.BytesIO(text.encode() if isinstance(text, str) else text), "in.ioc"))


def found(*parts):
    return [(row.type, row.value) if isinstance(row, Observed) else row[1] for row in rows(old(*parts))]


def test_reads_the_facts_of_version_1_0():
    head = (
        "<short_description>Case 7</short_description><description>Seen twice</description><keywords>apt x</keywords>"
    )
    assert rows(old(item("FileItem/Md5sum", MD5), head=head)) == [
        Observed(
            "FileMd5",
            MD5,
            "in.ioc: item i1",
            Facts(
                title="Case 7",
                description="Seen twice",
                tags=("apt", "x"),
                modified="2026-01-02T03:04:05Z",
                external_id="i1",
                kind="FileItem/Md5sum",
            ),
        )
    ]


def test_reads_version_1_1():
    body = group("OR", item("FileItem/Sha256sum", SHA256, extra='preserve-case="false" negate="false"'))
    text = (
        '<OpenIOC xmlns="http://openioc.org/schemas/OpenIOC_1.1" id="x"><metadata>'
        f"<short_description>New</short_description></metadata><criteria>{body}</criteria></OpenIOC>"
    )
    (row,) = rows(text)
    assert (row.type, row.value, row.facts.title) == ("FileSha256", SHA256, "New")


@pytest.mark.parametrize(
    ("term", "value", "type_"),
    [
        ("FileItem/Sha1sum", SHA1, "FileSha1"),
        ("ServiceItem/serviceDLLmd5sum", MD5, "FileMd5"),
        ("Network/DNS", "evil.example.com", "DomainName"),
        ("Network/DNS", "203.0.113.7", "IpAddress"),
        ("DnsEntryItem/Host", "evil.example.com", "DomainName"),
        ("RouteEntryItem/Destination", "203.0.113.7", "IpAddress"),
        ("PortItem/remoteIP", "203.0.113.7", "IpAddress"),
        ("UrlHistoryItem/URL", "http://evil.example.com/a", "Url"),
        ("Network/URI", "http://evil.example.com/a", "Url"),
    ],
)
def test_maps_the_terms_of_files_and_networks(term, value, type_):
    assert found(item(term, value)) == [(type_, value)]


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        (item("FileItem/FileName", "evil.exe"), "FileItem/FileName"),
        (item("ProcessItem/SectionList/MemorySection/Md5sum", MD5), "ProcessItem/SectionList/MemorySection/Md5sum"),
        (item("Network/DNS", "example", "contains"), "condition contains"),
        (item("Network/DNS", "evil.example.com", "isnot"), "condition isnot"),
        (item("FileItem/Md5sum", MD5, extra='negate="true"'), "condition not is"),
        (item("Network/URI", "/a/b.php"), "path of a URL"),
        (item("UrlHistoryItem/URL", "ftp://evil.example.com/a"), "ftp URL"),
        (item("FileItem/Md5sum", "no hash"), "type_not_recognised"),
    ],
)
def test_says_why_a_condition_is_no_indicator(part, kind):
    assert found(part) == [kind]


def test_conditions_joined_by_or_are_one_indicator_each():
    parts = (
        item("FileItem/Md5sum", MD5),
        item("Network/DNS", "evil.example.com"),
        group("OR", item("Network/DNS", "b.example.com")),
    )
    assert found(*parts) == [("FileMd5", MD5), ("DomainName", "evil.example.com"), ("DomainName", "b.example.com")]


def test_of_the_hashes_of_one_file_the_strongest_is_kept():
    hashes = group(
        "AND", item("FileItem/Md5sum", MD5), item("FileItem/Sha256sum", SHA256), item("FileItem/Sha1sum", SHA1)
    )
    assert found(hashes) == ["weaker hash of one file", ("FileSha256", SHA256), "weaker hash of one file"]


def test_a_hash_says_all_that_the_rest_of_its_group_says():
    both = group(
        "AND",
        item("FileItem/FileName", "a.exe"),
        item("FileItem/Md5sum", MD5),
        group("OR", item("Network/DNS", "b.example.com")),
    )
    assert found(both) == ["said by the hash", ("FileMd5", MD5), "said by the hash"]


def test_a_choice_of_hashes_beside_other_conditions_is_read():
    choice = group("OR", item("FileItem/Md5sum", MD5), item("FileItem/Sha1sum", SHA1))
    assert found(group("AND", item("FileItem/FileName", "a.exe"), choice)) == [
        "said by the hash",
        ("FileMd5", MD5),
        ("FileSha1", SHA1),
    ]


BESIDE = [
    item("PortItem/remotePort", "443"),
    group("OR"),
    item("FileItem/Md5sum", MD5, "contains"),
    item("FileItem/Md5sum", MD5, extra='negate="true"'),
]


@pytest.mark.parametrize("beside", BESIDE, ids=["port", "nothing", "part of a hash", "not this hash"])
def test_a_group_without_a_hash_is_never_widened_to_one_of_its_parts(beside):
    wanted = "narrower than Defender can express"
    assert set(found(group("AND", item("PortItem/remoteIP", "203.0.113.7"), beside))) == {wanted}


def test_a_group_of_one_condition_is_that_condition():
    assert found(group("AND", item("PortItem/remoteIP", "203.0.113.7"))) == [("IpAddress", "203.0.113.7")]


def test_every_condition_is_accounted_for():
    parts = [group("AND", item("FileItem/Md5sum", MD5), group("AND", item("a", "1"), item("b", "2"))), item("c", "3")]
    assert all(isinstance(row, Observed | Dropped | BadRow) for row in rows(old(*parts)))
    assert len(rows(old(*parts))) == 4


LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE z [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">'
    "<!ENTITY c '&b;&b;&b;&b;&b;&b;'>]><ioc>&c;</ioc>"
)
OUTSIDE = '<!DOCTYPE ioc [<!ENTITY x SYSTEM "file:///etc/passwd">]><ioc>&x;</ioc>'
PARAMETER = '<!DOCTYPE ioc [<!ENTITY % x SYSTEM "http://192.0.2.1/x"> %x;]><ioc/>'
PLAIN_DTD = '<!DOCTYPE ioc SYSTEM "http://192.0.2.1/x.dtd"><ioc/>'


@pytest.mark.parametrize("text", [LAUGHS, OUTSIDE, PARAMETER, PLAIN_DTD], ids=["laughs", "file", "parameter", "dtd"])
def test_case_102_a_bomb_or_an_outside_entity_is_refused_in_one_sentence(text):
    with pytest.raises(InputError, match=r"^in\.ioc: has a DTD or entities") as caught:
        rows(text)
    assert "passwd" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<ioc>", "not XML"),
        ('<?xml version="1.0" encoding="nonsense"?><ioc/>', "not XML"),
        ("<html><body/></html>", "no OpenIOC document"),
        ("<ioc/>", "no OpenIOC document"),
        (old("<Indicator operator='OR'>" * 60 + "</Indicator>" * 60), "more than 50 groups"),
    ],
    ids=["cut", "encoding", "html", "empty", "deep"],
)
def test_what_is_no_openioc_is_one_clear_error(text, reason):
    with pytest.raises(InputError, match=f"^in.ioc: .*{reason}"):
        rows(text)
