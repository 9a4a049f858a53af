import io
import time
from collections import Counter
from pathlib import Path

import pytest

from defender_indicators.delivery import BadRow
from defender_indicators.sources.observed import Dropped, Observed
from defender_indicators.sources.text import read_text

DATA = Path(__file__).parents[3] / "shared" / "data" / "text"
MD5, SHA1, SHA256 = "0a1b" * 8, "0a1b" * 10, "0a1b" * 16


def read(text):
    return list(read_text(io.BytesIO(text.encode()), "report.txt"))


def taken(text):
    return [(found.type, found.value) for found in read(text) if isinstance(found, Observed)]


def left_out(text):
    return [(found.kind, found.value) for found in read(text) if isinstance(found, Dropped)]


@pytest.mark.parametrize(
    ("text", "indicator_type", "value"),
    [
        ("evil[.com", "DomainName", "evil.com"),
        ("evil.]com", "DomainName", "evil.com"),
        ("evil{.}net", "DomainName", "evil.net"),
        ("evil(.)net", "DomainName", "evil.net"),
        ("evil[dot]net", "DomainName", "evil.net"),
        ("evil(DOT)net", "DomainName", "evil.net"),
        ("evil[ . ]net", "DomainName", "evil.net"),
        ("evil\\.net", "DomainName", "evil.net"),
        ("a[.]evil[.]co[.]uk", "DomainName", "a.evil.co.uk"),
        ("EVIL.EXAMPLE", "DomainName", "evil.example"),
        ("*.evil[.]net", "DomainName", "evil.net"),
        ("**evil[.]net**", "DomainName", "evil.net"),
        (".evil[.]net", "DomainName", "evil.net"),
        ("invoice[.]zip", "DomainName", "invoice.zip"),
        ("1[.]1[.]1[.]1", "IpAddress", "1.1.1.1"),
        ("203.0.113[.]5/32", "IpAddress", "203.0.113.5"),
        ("\\\\203.0.113[.]5\\share", "IpAddress", "203.0.113.5"),
        ("2001:db8::5", "IpAddress", "2001:db8::5"),
        ("2001[:]db8[:][:]5", "IpAddress", "2001:db8::5"),
        ("hXXp[:]//evil[.]example", "Url", "http://evil.example"),
        ("hxxps[://]evil[.]example/a", "Url", "https://evil.example/a"),
        ("h**p://evil[.]example/a", "Url", "http://evil.example/a"),
        ("http://203.0.113.5:8080/path", "Url", "http://203.0.113.5:8080/path"),
        ("https://[2001:db8::1]/x", "Url", "https://[2001:db8::1]/x"),
        ("(hxxp://evil[.]example/a(b)c).", "Url", "http://evil.example/a(b)c"),
        ("<https://evil.example/x>", "Url", "https://evil.example/x"),
        ("[report](http://evil.example/x)", "Url", "http://evil.example/x"),
        ('"https://evil.example/x",', "Url", "https://evil.example/x"),
        ("https://evil.example/a?b=c!?", "Url", "https://evil.example/a?b=c"),
        ("evil[.]example/gate.php", "Url", "http://evil.example/gate.php"),
        ("evil[.]example:8080/x", "Url", "http://evil.example:8080/x"),
        ("xn--80ak6aa92e.com", "DomainName", "xn--80ak6aa92e.com"),
        (f"MD5={MD5},", "FileMd5", MD5),
        (f"sha1:{SHA1}.", "FileSha1", SHA1),
        (f"- {SHA256.upper()} dropper.exe", "FileSha256", SHA256.upper()),
    ],
)
def test_a_value_is_found_as_people_write_it(text, indicator_type, value):
    assert taken(text) == [(indicator_type, value)]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("open invoice.zip now", "file name"),
        ("clip.mov", "file name"),
        ("setup.py", "file name"),
        ("System.Net", "code"),
        ("com.example.name", "code"),
        ("window.open(url)", "code"),
        ("runs on ASP.NET", "code"),
        ("version 203.0.113.9", "version"),
        ("firmware: 203.0.113.9", "version"),
        ("mallory@evil[.]example", "email"),
        ("mallory[at]evil[.]example", "email"),
        ("mallory[@]evil.example", "email"),
        ("mail from mallory@203.0.113[.]5", "email"),
        ("10.0.0.1", "private address"),
        ("hxxp://192.168.1.1/x", "private address"),
        ("fe80::1", "private address"),
        ("203.0.113.0/24", "network"),
        ("2001:db8::/64", "network"),
        ("203.0.113.1-203.0.113.9", "range"),
        ("http://localhost/x", "unknown host"),
        ("http://server/x", "unknown host"),
        ("ftp://evil.example/x", "other scheme"),
        (f"imphash: {MD5}", "imphash"),
        (f"JA3: {MD5}", "ja3"),
        (f"Authentihash {SHA256}", "authentihash"),
        (f"certificate thumbprint (SHA-1): {SHA1}", "thumbprint"),
        (f"commit {SHA1}", "commit"),
        ("0a1b" * 32, "sha512"),
        ("# see evil[.]example", "in a comment"),
        (f"# {SHA256}", "in a comment"),
    ],
)
def test_a_look_alike_is_left_out_with_its_kind(text, kind):
    found = read(text)
    assert [each.kind for each in found if isinstance(each, Dropped)] == [kind]
    assert not taken(text)


@pytest.mark.parametrize(
    "text",
    [
        "command,12.20.doc",
        "certificate_12.20.doc",
        "Received: from localhost",
        "Mozilla/5.0 Chrome/98.0.4758.102 Safari/537.36",
        "Agent/203.0.113.9",
        "6B397018-C748-AA01-4FF0-48B6F31AC4D7",
        "{" + MD5 + "}",
        f"x{MD5}",
        f"{MD5}-1",
        f"{MD5}.exe",
        "12345678901234567890123456789012",
        "12:30:45 00-1A-2B aa:bb:cc:dd:ee:ff",
        "std::vector Add::Add ::",
        "e.g. the U.S. and i.e. 3.14",
        "1.2.3.4.5",
        "300.1.1.1",
        "co.uk",
        "name.notatld",
        "C:\\ProgramData\\evil.app",
        "/usr/lib/tool.info",
        "hxxp://",
        "well...then",
    ],
)
def test_what_only_resembles_a_value_is_nothing(text):
    assert read(text) == []


def test_values_that_touch_are_told_apart():
    assert taken("http://a.example,http://b.example/;https://c.example") == [
        ("Url", "http://a.example"),
        ("Url", "http://b.example/"),
        ("Url", "https://c.example"),
    ]
    assert taken("a[.]example/b[.]example") == [("DomainName", "a.example"), ("DomainName", "b.example")]
    assert taken("203.0.113.1/203.0.113.2") == [("IpAddress", "203.0.113.1"), ("IpAddress", "203.0.113.2")]
    assert taken("[hxxp://a[.]example](hxxp://b[.]example)") == [
        ("Url", "http://a.example"),
        ("Url", "http://b.example"),
    ]


def test_a_port_is_taken_off_and_mentioned():
    first, second, third = read("203.0.113.5:8080 beacon\nevil[.]example:443\n[2001:db8::1]:53")
    assert (first.type, first.value, first.facts.description) == (
        "IpAddress",
        "203.0.113.5",
        "beacon; seen on port 8080",
    )
    assert (second.value, second.facts.description) == ("evil.example", "seen on port 443")
    assert (third.value, third.facts.description) == ("2001:db8::1", "seen on port 53")


def test_the_description_is_the_rest_of_the_line():
    (found,) = read(f"  - {SHA256}   loader,\tsecond stage ")
    assert found.facts.description == "loader, second stage"
    assert found.place == "report.txt:1"
    (found,) = read(f"{'x ' * 300}{SHA256}{' y' * 300}")
    assert len(found.facts.description) <= 200
    (found,) = read(f"{SHA256} \x1b[31mred\u202e")
    assert found.facts.description.isprintable()


def test_a_name_with_letters_of_another_script_is_given_in_its_ascii_form_and_as_it_was_written():
    (found,) = read("\u0430pple.com")
    assert (found.type, found.value) == ("DomainName", "xn--pple-43d.com")
    assert found.facts.description == "written as \u0430pple.com"


def test_in_a_defanged_text_plain_names_in_prose_and_plain_urls_are_references():
    prose = "C2: evil[.]example\nsee blog.example for more\n203.0.113.5 was used"
    text = f"{prose}\nhttps://blog.example/report\nplain.example"
    assert taken(text) == [
        ("DomainName", "evil.example"),
        ("IpAddress", "203.0.113.5"),
        ("DomainName", "plain.example"),
    ]
    assert left_out(text) == [("not defanged", "blog.example"), ("not defanged", "https://blog.example/report")]


@pytest.mark.parametrize(
    "line", ["plain.example", "  - plain.example,", "12. plain.example", "| plain.example |", "* `plain.example`"]
)
def test_a_name_alone_on_its_line_is_taken_in_a_defanged_text(line):
    assert ("DomainName", "plain.example") in taken(f"evil[.]example\n{line}")


def test_in_a_text_without_any_defanged_value_all_are_taken():
    assert taken("see blog.example and https://blog.example/report") == [
        ("DomainName", "blog.example"),
        ("Url", "https://blog.example/report"),
    ]


def test_what_is_defanged_far_down_does_not_change_how_the_text_was_begun():
    text = "see a.example here\n" + "nothing\n" * 20_000 + "b[.]example\nsee c.example here"
    assert [value for _, value in taken(text)] == ["a.example", "b.example", "c.example"]


def test_a_line_that_cannot_be_read_costs_only_itself():
    found = list(read_text(io.BytesIO(b"a.example\n\xff\xfe\nb.example\n"), "report.txt"))
    assert [each.value for each in (found[0], found[2])] == ["a.example", "b.example"]
    assert isinstance(found[1], BadRow)
    assert found[1].place == "report.txt:2"


def test_a_long_text_is_read_bit_by_bit():
    class Endless(io.RawIOBase):
        lines = 0

        def readable(self):
            return True

        def readinto(self, buffer):
            Endless.lines += 1
            data = b"203.0.113.5 and more of it\n"
            buffer[: len(data)] = data
            return len(data)

    found = read_text(io.BufferedReader(Endless(), 64), "report.txt")
    assert [next(found).value for _ in range(5000)] == ["203.0.113.5"] * 5000
    assert Endless.lines < 8000


HOSTILE = {
    "labels": "a.",
    "at signs": "a@",
    "brackets": "[",
    "defanged dots": "a[.]",
    "open dots": "(.",
    "schemes": "http://",
    "closers": "hxxp://a.example/)",
    "openers": "hxxp://(",
    "hex": "a",
    "colons": ":",
    "hex and colons": "ab:",
    "slashes": "/",
    "escapes": "a\\.",
    "links": "](",
    "stars": "*",
    "spaces": " ",
    "ranges": "1.1.1.1-",
}


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_line_takes_no_time(piece):
    text = (piece * 2**18)[: 2**18].encode()
    began = time.process_time()
    list(read_text(io.BytesIO(text), "report.txt"))
    assert time.process_time() - began < 1  # some 0.03 s; what grows with the square takes minutes


REAL = {
    "unit42-2020-12-07-ta551-iocs-for-icedid.txt": (
        [
            ("DomainName", "benjs187mask.com"),
            ("IpAddress", "45.12.4.11"),
            ("FileSha256", "3e670878dd1bec8ea456d334a47600c9e174a380afd89d86725fa8e81b9bc8f4"),
        ],
        ["facebook.com", "www.tumblr.com", "command,12.20.doc", "input.12.07.2020.doc"],
        Counter({"FileSha256": 30, "DomainName": 22, "IpAddress": 22}),
    ),
    "unit42-2022_02_gamaredon_update.txt": (
        [("DomainName", "maonas.ru"), ("DomainName", "up-dot.hopto.org"), ("DomainName", "normandia.fun")],
        ["reg.ru", "nsfocusglobal.com", "mail.ru", "yandex.ru", "message-yandex.ru"],
        Counter({"FileSha256": 6, "DomainName": 501}),
    ),
    "unit42-appendix-a.txt": (
        [("DomainName", "brasiliaeletronica.com.br"), ("IpAddress", "18.209.29.210"), ("IpAddress", "103.229.183.245")],
        ["localhost", "bookspace.com", "worldbookpoint.com", "163.com"],
        Counter({"IpAddress": 53, "DomainName": 50}),
    ),
}


@pytest.mark.skipif(not DATA.is_dir(), reason="the real reports are not shipped")
@pytest.mark.parametrize("name", REAL)
def test_real_reports_give_what_was_found_by_hand_and_no_look_alikes(name):
    there, not_there, counts = REAL[name]
    with (DATA / name).open("rb") as stream:
        found = list(read_text(stream, name))
    values = [(each.type, each.value) for each in found if isinstance(each, Observed)]
    assert set(there) <= set(values)
    assert not [value for _, value in values if any(value.rpartition("//")[2].startswith(each) for each in not_there)]
    assert Counter(kind for kind, _ in values) == counts
