"""What a pattern names, and that no text at all breaks the reader."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from defender_indicators.sources.stix_grammar import LONGEST, full_read
from defender_indicators.sources.stix_meaning import Lost, Match
from defender_indicators.sources.stix_patterns import PatternError, quick_read, read_pattern

MD5, SHA1, SHA256 = "a" * 32, "b" * 40, "c" * 64


def found(pattern):
    return [(match.type, match.value) for match in read_pattern(pattern) if isinstance(match, Match)]


def lost(pattern):
    return [(one.kind, one.value) for one in read_pattern(pattern) if isinstance(one, Lost)]


@pytest.mark.parametrize(
    ("path", "value", "kind"),
    [
        ("ipv4-addr:value", "203.0.113.7", "IpAddress"),
        ("ipv6-addr:value", "2001:db8::7", "IpAddress"),
        ("domain-name:value", "evil.example.com", "DomainName"),
        ("hostname:value", "evil.example.com", "DomainName"),
        ("url:value", "https://example.com/a?b=c", "Url"),
        ("network-traffic:dst_ref.value", "203.0.113.7", "IpAddress"),
        ("network-traffic:src_ref.value", "2001:db8::7", "IpAddress"),
        ("network-traffic:dst_ref.value", "evil.example.com", "DomainName"),
        ("file:hashes.MD5", MD5, "FileMd5"),
        ("file:hashes.'MD5'", MD5, "FileMd5"),
        ("file:hashes.md5", MD5, "FileMd5"),
        ("file:hashes.'SHA-1'", SHA1, "FileSha1"),
        ("file:hashes.SHA1", SHA1, "FileSha1"),
        ("file:hashes.'SHA-256'", SHA256, "FileSha256"),
        ('file:hashes."SHA-256"', SHA256, "FileSha256"),
        ("file:hashes.SHA-256", SHA256, "FileSha256"),
        ("file:hashes.SHA256", SHA256, "FileSha256"),
        ("file:hashes.sha256", SHA256, "FileSha256"),
        ("artifact:hashes.'SHA-256'", SHA256, "FileSha256"),
        ("x509-certificate:hashes.'SHA-1'", SHA1, "CertificateThumbprint"),
    ],
)
@pytest.mark.parametrize("shape", ["[{}]", " [ {} ] ", "[({})]", "([{}])", "[{}] REPEATS 2 TIMES"])
def test_a_supported_path_maps_however_it_is_written(path, value, kind, shape):
    assert read_pattern(shape.format(f"{path} = '{value}'"))[0][:2] == (kind, value)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("203.0.113.7", "IpAddress"),
        ("203[.]0[.]113[.]7", "IpAddress"),
        ("203.0.113.0/24", "IpAddress"),
        ("2001:db8::7", "IpAddress"),
        ("https://example.com/a", "Url"),
        ("hxxps[:]//example.com/a", "Url"),
        ("evil.example.com:8080", "DomainName"),
        ("1.2.3.4.example.com", "DomainName"),
    ],
)
def test_what_is_declared_a_domain_is_taken_for_what_it_is(value, kind):
    assert found(f"[domain-name:value='{value}']") == [(kind, value)]


@pytest.mark.parametrize(
    "pattern",
    [
        "[ipv4-addr:value='203.0.113.1' OR ipv4-addr:value='203.0.113.2']",
        "[ipv4-addr:value='203.0.113.1'] OR [ipv4-addr:value='203.0.113.2']",
        "[ipv4-addr:value IN ('203.0.113.1', '203.0.113.2')]",
        "[ipv4-addr:value IN('203.0.113.1','203.0.113.2')]",
        "[(ipv4-addr:value='203.0.113.1') OR (ipv4-addr:value='203.0.113.2' OR ipv4-addr:value='203.0.113.1')]",
        "([ipv4-addr:value='203.0.113.1'] OR [ipv4-addr:value='203.0.113.2']) WITHIN 5 SECONDS",
        "[ipv4-addr:value IN ('203.0.113.1','203.0.113.2')] START t'2020-01-01T00:00:00Z' STOP t'2021-01-01T00:00:00Z'",
    ],
)
def test_alternatives_are_listed_once_and_in_order(pattern):
    assert found(pattern) == [("IpAddress", "203.0.113.1"), ("IpAddress", "203.0.113.2")]
    assert not lost(pattern)


@pytest.mark.parametrize(
    ("pattern", "kept"),
    [
        (f"[file:hashes.MD5='{MD5}' AND file:hashes.'SHA-1'='{SHA1}']", SHA1),
        (f"[file:hashes.'SHA-256'='{SHA256}' AND file:hashes.'SHA-1'='{SHA1}' AND file:hashes.MD5='{MD5}']", SHA256),
        (f"[file:hashes.'SHA-256'='{SHA256}' AND file:name='y']", SHA256),
        (f"[file:name LIKE '%y' AND (file:size > 3 OR file:size < 9) AND file:hashes.MD5='{MD5}']", MD5),
        (f"[file:hashes.'SHA-256'='' AND file:hashes.MD5='{MD5}']", MD5),
        (f"[file:hashes.'SHA-512'='00' AND file:hashes.MD5='{MD5}']", MD5),
        (f"[x509-certificate:hashes.'SHA-256'='{SHA256}' AND x509-certificate:hashes.'SHA-1'='{SHA1}']", SHA1),
    ],
)
def test_of_one_files_hashes_the_strongest_is_kept_and_nothing_is_lost(pattern, kept):
    assert [value for _, value in found(pattern)] == [kept]
    assert not lost(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "[domain-name:value='a.example.com' AND network-traffic:dst_port=443]",
        "[domain-name:value='a.example.com' AND url:value='https://a.example.com/']",
        "[domain-name:value='a.example.com' AND domain-name:resolves_to_refs[*].value='203.0.113.7']",
        "[ipv4-addr:value='203.0.113.7' AND ipv4-addr:value='203.0.113.8']",
        f"[file:hashes.MD5='{MD5}' AND domain-name:value='a.example.com']",
        f"[file:hashes.MD5='{MD5}' AND file:hashes.MD5='{'0' * 32}']",
        "[network-traffic:src_ref.type='ipv4-addr' AND network-traffic:dst_ref.value='203.0.113.7']",
    ],
)
def test_what_only_counts_together_is_never_taken_apart(pattern):
    assert not found(pattern)
    assert [kind for kind, _ in lost(pattern)] == ["combination"]


def test_the_type_of_the_address_beside_it_narrows_nothing():
    pattern = "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '203.0.113.7']"
    assert found(pattern) == [("IpAddress", "203.0.113.7")]


@pytest.mark.parametrize("operator", ["!=", "NOT =", "LIKE", "MATCHES", "<", ">=", "NOT LIKE", "ISSUPERSET"])
def test_a_comparison_that_names_no_single_value_is_dropped(operator):
    assert lost(f"[domain-name:value {operator} 'a.example.com']") == [("not exact", "a.example.com")]
    assert not found(f"[domain-name:value {operator} 'a.example.com']")


def test_an_excluded_set_is_dropped():
    assert lost("[ipv4-addr:value NOT IN ('203.0.113.7', '203.0.113.8')]") == [
        ("not exact", "203.0.113.7, 203.0.113.8")
    ]
    assert lost("[ipv4-addr:value IN ()]") == [("not exact", "")]


@pytest.mark.parametrize("network", ["203.0.113.7/32", "203.0.113.0/24"])
def test_a_network_stays_as_it_is_written(network):
    assert found(f"[ipv4-addr:value ISSUBSET '{network}']") == [("IpAddress", network)]
    assert found(f"[ipv4-addr:value = '{network}']") == [("IpAddress", network)]


@pytest.mark.parametrize("joint", ["AND", "FOLLOWEDBY"])
def test_observations_that_must_come_together_are_dropped_as_one(joint):
    pattern = f"([domain-name:value='a.example.com'] {joint} [url:value='https://b.example.com/']) OR [file:name='c']"
    assert not found(pattern)
    assert [kind for kind, _ in lost(pattern)] == ["sequence", "file name"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("email-addr:value", "email"),
        ("mutex:name", "mutex"),
        ("process:name", "process"),
        ("windows-registry-key:key", "registry key"),
        ("user-account:user_id", "user-account"),
        ("autonomous-system:number", "autonomous-system"),
        ("file:name", "file name"),
        ("file:hashes.SSDEEP", "ssdeep"),
        ("file:hashes.'SHA3-256'", "sha3256"),
        ("x509-certificate:hashes.'SHA-256'", "certificate sha256"),
        ("app:cert.sha256", "app"),
    ],
)
def test_what_defender_does_not_take_is_dropped_under_its_name(path, kind):
    assert lost(f"[{path} = 'x']") == [(kind, "x")]


def test_escaped_quotes_and_backslashes_are_undone():
    assert found(r"[url:value = 'https://example.com/it\'s\\here']") == [("Url", r"https://example.com/it's\here")]
    assert found(r"[(url:value = 'https://example.com/it\'s')]") == [("Url", "https://example.com/it's")]


def test_a_lone_backslash_in_a_path_costs_nothing():
    assert found(rf"[file:name = 'C:\Temp\x.exe' AND file:hashes.MD5 = '{MD5}']") == [("FileMd5", MD5)]


def test_brackets_and_joints_inside_of_a_text_are_text():
    pattern = "[url:value = 'https://example.com/] OR [x:y = ' OR url:value = 'https://example.com/ AND ']"
    assert found(pattern) == [("Url", "https://example.com/] OR [x:y = "), ("Url", "https://example.com/ AND ")]


@pytest.mark.parametrize(
    ("pattern", "place"),
    [
        ("[domain-name:value='x'", "line 1, column 23"),
        ("[domain-name:value='x' AND\n]", "line 2, column 1"),
        ("domain-name:value='x'", "line 1, column 1"),
        ("[domain-name:value='x']]", "line 1, column 24"),
        ("[]", "line 1, column 2"),
        ("nothing", "line 1, column 1"),
        ("[domain-name:value='x' OR ]", "line 1, column 27"),
        ("[domain-name:value='x'] OR ", "line 1, column 28"),
        ("[domain-name:value='x\\'", "line 1, column 20"),
        ("[a:b > 1\n/* why */]", "line 2, column 1"),
        ("[domain-name:value='x' [domain-name:value='y']", "line 1, column 24"),
    ],
)
def test_a_broken_pattern_names_its_place(pattern, place):
    with pytest.raises(PatternError, match=place):
        read_pattern(pattern)


def test_deep_nesting_is_an_answer_not_a_crash():
    with pytest.raises(PatternError, match="nested too deeply"):
        read_pattern("[" + "(" * 5000 + "a:b='c'" + ")" * 5000 + "]")


def test_a_long_list_costs_no_depth():
    values = [f"203.0.{number >> 8}.{number & 255}" for number in range(1500)]
    plain = [f"ipv4-addr:value='{value}'" for value in values]
    assert len(found(f"[{' OR '.join(plain)}]")) == len(values)
    assert len(found(f"[({') OR ('.join(plain)})]")) == len(values)
    assert len(found(f"[({'] OR ['.join(plain)})]".replace("(", "").replace(")", ""))) == len(values)


def test_what_would_cost_too_much_is_refused():
    pairs = " AND ".join(f"(a:b='{number}' OR a:c='{number}')" for number in range(11))
    with pytest.raises(PatternError, match="combinations"):
        read_pattern(f"[{pairs}]")
    with pytest.raises(PatternError, match="longer than 64 KiB"):
        read_pattern(f"[(a:b='{'c' * LONGEST}')]")
    with pytest.raises(PatternError, match="column 9: nothing begins with"):
        read_pattern(f"[a:b = h'{'0' * 60_000}")
    assert read_pattern(f"[file:magic_number_hex = h'{'0' * 20_000}']")


TOKENS = ["[", "]", "(", ")", " AND ", " OR ", " NOT ", " IN ", "file:hashes.MD5", "file:hashes.'SHA-256'", "url:value"]
MORE = [
    "=",
    "!=",
    " LIKE ",
    "'x'",
    "'it\\'s'",
    ",",
    " FOLLOWEDBY ",
    " REPEATS 2 TIMES",
    "h'00'",
    "3",
    '"',
    "\\",
    "'",
    "[",
]


@given(st.text() | st.lists(st.sampled_from(TOKENS + MORE), max_size=14).map("".join))
@example("\ud800")
@example("[a:b IN ()]")
def test_no_text_at_all_breaks_the_reader(pattern):
    try:
        read = read_pattern(pattern)
    except PatternError as error:
        read = [Lost("", "", str(error))]
    assert read
    assert all(isinstance(one, Match) or one.reason.isprintable() for one in read)


_atom = st.builds(
    "{}{}={}'{}'".format,
    st.sampled_from(["domain-name:value", "file:hashes.MD5", "file:hashes.'SHA-1'", "a:b.'c-d'"]),
    st.sampled_from(["", " "]),
    st.sampled_from(["", "  "]),
    st.sampled_from(["x", "a b", "", "it\\'s", "\\\\", "] OR [", "\n"]),
)
_set = st.just("ipv4-addr:value IN ('203.0.113.1' , '203.0.113.2')")
_inside = st.builds(
    lambda joint, parts: joint.join(parts),
    st.sampled_from([" OR ", " AND "]),
    st.lists(_atom | _set, min_size=1, max_size=4),
)


@given(st.lists(_inside.map("[{}]".format), min_size=1, max_size=3).map(" OR ".join))
def test_both_ways_of_reading_say_the_same(pattern):
    quick = quick_read(pattern)
    assert quick == full_read(pattern) if quick is not None else (" IN " in pattern and " AND " in pattern)
