import pytest

from defender_indicators.indicators import infer_type, matching_key


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("d41d8cd98f00b204e9800998ecf8427e", "FileMd5"),
        ("220E7D15B011D7FAC48F2BD61114DB1022197F7F", "FileSha1"),
        (" " + "ab" * 32 + "\n", "FileSha256"),
        ("8[.]8[.]8[.]8", "IpAddress"),
        ("10.0.0.0/8", "IpAddress"),
        ("8.8.8.1-8.8.8.9", "IpAddress"),
        ("8.8.8.1 - 8.8.8.9", "IpAddress"),
        ("8.8.8.*", "IpAddress"),
        ("8.8.8.8:53", "IpAddress"),
        ("999.8.8.8", "IpAddress"),
        ("2001:DB8::1", "IpAddress"),
        ("[2001:db8::1]:443", "IpAddress"),
        ("hxxps[:]//evil[.]com/a b", "Url"),
        ("HTTP://x", "Url"),
        ("evil[.]com", "DomainName"),
        ("EVIL.CO.UK.", "DomainName"),
        ("evil。com", "DomainName"),
        ("bücher.de", "DomainName"),
        ("*.evil.com", "DomainName"),
        ("evil.com:8080", "DomainName"),
        ("evil.com/path", "DomainName"),
        ("co.uk", "DomainName"),
        ("evil.test", "DomainName"),
        ("evil.invalid", "DomainName"),
    ],
)
def test_a_bare_value_says_what_it_is(value, kind):
    assert infer_type(value) == kind


@pytest.mark.parametrize(
    "value",
    ["", " ", "evil", "com", "abc", "a" * 39, "a" * 41, "a" * 64 + "g", "1.2.3", "report.pdf", "host.corp.local",
     "ftp://evil.com/", "user@evil.com", "evil com", "evil\u202e.com", "\ud800", "xn--a.com", "é." * 600 + "com",
     "=HYPERLINK(1)", "# comment", "2026-01-01", "*"],
)  # fmt: skip
def test_anything_else_is_nothing(value):
    assert infer_type(value) is None


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("  EVIL.Example. ", "evil.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("ABCDEF", "abcdef"),
        ("2001:DB8::1", "2001:db8:0:0:0:0:0:1"),
        ("::ffff:8.8.8.8", "8.8.8.8"),
        ("HTTP://EVIL.example/PaTh?Q", "http://evil.example/PaTh?Q"),
        ("http://evil.example.:80/A", "http://evil.example/A"),
        ("10.0.0.1", "10.0.0.1"),
        ("http://10.0.0.1/Aa", "http://10.0.0.1/Aa"),
        ("http://evil.example/#/Aa", "http://evil.example/#/Aa"),
        ("xn--a.EXAMPLE", "xn--a.EXAMPLE"),
        ("", ""),
        ("\ud800", "\ud800"),
        ("EVIL .", "EVIL ."),
        ("evil.example..", "evil.example.."),
    ],
)
def test_a_key_undoes_what_the_service_may_have_done(theirs, ours):
    assert matching_key(theirs) == ours
