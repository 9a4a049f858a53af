import io
import json
from pathlib import Path

import pytest

from defender_indicators.delivery import BadRow
from defender_indicators.errors import InputError
from defender_indicators.sources.misp import read_misp
from defender_indicators.sources.misp_documents import manifest_events
from defender_indicators.sources.observed import Facts, Observed

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "misp"
MD5, SHA1, SHA256 = "1a" * 16, "2b" * 20, "3c" * 32
UUID = "58503e2f-4c78-442d-833f-8ad202de0b81"


def attribute(kind, value, *, to_ids=True, **more):
    return {"type": kind, "value": value, "to_ids": to_ids, "category": "Network activity", **more}


def event(*attributes, objects=(), **more):
    return {"Event": {"info": "Case 7", "Attribute": list(attributes), "Object": list(objects), **more}}


def file_object(*attributes, name="file", **more):
    return {"name": name, "Attribute": list(attributes), **more}


def rows(document):
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return list(read_misp(io.BytesIO(data), "in.json"))


def told(document):
    return [(row.type, row.value) if isinstance(row, Observed) else row[1] for row in rows(document)]


def test_reads_what_an_event_says_beside_the_value():
    tags = [{"name": "tlp:amber"}, {"name": 'admiralty-scale:source-reliability="b"'}]
    galaxy = [{"name": "Threat Actor", "GalaxyCluster": [{"value": "Sofacy"}]}]
    one = attribute("hostname", "c2.example.com", uuid=UUID, comment="C2", timestamp="1541533312", Tag=[{"name": "x"}])
    assert rows(event(one, Tag=tags, Galaxy=galaxy, threat_level_id="2", published=False)) == [
        Observed(
            "DomainName",
            "c2.example.com",
            f"in.json: attribute {UUID}",
            Facts(
                title="Case 7",
                description="C2",
                confidence=75,
                tags=("tlp:amber", 'admiralty-scale:source-reliability="b"', "Sofacy", "x"),
                tlp="amber",
                severity="Medium",
                modified="2018-11-06T19:41:52Z",
                external_id=UUID,
                kind="hostname",
            ),
        )
    ]


@pytest.mark.parametrize(
    ("level", "word"), [("1", "High"), (2, "Medium"), ("3", "Low"), ("4", "Informational"), (9, "")]
)
def test_the_threat_level_is_the_severity(level, word):
    (row,) = rows(event(attribute("domain", "c2.example.com"), threat_level_id=level))
    assert row.facts.severity == word


def test_an_attribute_knows_better_than_its_event_and_secrecy_only_grows():
    tags = [{"name": "tlp:green"}, {"name": 'misp:confidence-level="unconfident"'}]
    own = [{"name": "tlp:red"}, {"name": 'misp:confidence-level="completely-confident"'}, {"name": "white"}]
    marked, plain = rows(event(attribute("md5", MD5, Tag=own), attribute("sha1", SHA1), Tag=tags))
    assert (marked.facts.tlp, marked.facts.confidence) == ("red", 100)
    assert (plain.facts.tlp, plain.facts.confidence) == ("green", 0)


@pytest.mark.parametrize(
    ("kind", "value", "observed"),
    [
        ("md5", MD5, [("FileMd5", MD5)]),
        ("filename|sha1", f"a|b.exe|{SHA1}", [("FileSha1", SHA1)]),
        ("filename|sha256", f"a.exe|{SHA256}", [("FileSha256", SHA256)]),
        ("ip-src", "203.0.113.7", [("IpAddress", "203.0.113.7")]),
        ("ip-dst|port", "203.0.113.7|443", [("IpAddress", "203.0.113.7")]),
        ("ip-dst|port", "2001:db8::7|443", [("IpAddress", "2001:db8::7")]),
        ("hostname|port", "c2.example.com|8080", [("DomainName", "c2.example.com")]),
        ("domain|ip", "c2.example.com|203.0.113.7", [("DomainName", "c2.example.com"), ("IpAddress", "203.0.113.7")]),
        ("url", "https://c2.example.com/a?b|c", [("Url", "https://c2.example.com/a?b|c")]),
        ("url", "203.0.113.7:8080", [("IpAddress", "203.0.113.7")]),
        ("url", "wss://c2.example.com/a", ["wss URL"]),
        ("uri", "/a.php", ["bad_entry"]),
        ("x509-fingerprint-sha1", SHA1, [("CertificateThumbprint", SHA1)]),
        ("filename|authentihash", f"a.exe|{SHA256}", ["filename|authentihash"]),
        ("imphash", MD5, ["imphash"]),
        ("ssdeep", "3:a:b", ["ssdeep"]),
        ("email-dst", "a@example.com", ["email-dst"]),
        ("filename|md5", MD5, ["bad_entry"]),
        ("domain", " ", ["bad_entry"]),
    ],
)
def test_maps_each_type_to_what_defender_has(kind, value, observed):
    assert told(event(attribute(kind, value))) == observed


def test_the_port_is_noted_in_the_description():
    (row,) = rows(event(attribute("ip-dst|port", "203.0.113.7|443", comment="C2")))
    assert row.facts.description == "C2; seen on port 443"


def test_an_attribute_without_a_comment_takes_its_objects_and_then_its_category():
    commented = file_object(
        attribute("md5", MD5), attribute("url", "http://example.com/", comment="C2"), comment="Dropper"
    )
    read = rows(event(attribute("sha1", SHA1), objects=[commented]))
    assert [row.facts.description for row in read] == ["Network activity", "Dropper", "C2"]


def test_a_byte_order_mark_is_no_error():
    data = b"\xef\xbb\xbf" + json.dumps(event(attribute("md5", MD5))).encode()
    assert told(data) == [("FileMd5", MD5)]


def test_to_ids_is_obeyed_where_the_event_uses_it():
    flagged, plain = attribute("md5", MD5), attribute("domain", "cdn.example.com", to_ids=False)
    assert told(event(flagged, plain)) == [("FileMd5", MD5), "not for detection"]


@pytest.mark.parametrize("other", [attribute("text", "x"), attribute("md5", MD5, deleted=True)])
def test_an_event_that_flags_nothing_defender_takes_is_read_whole(other):
    plain = attribute("domain", "c2.example.com", to_ids=False)
    assert told(event(other, plain))[1] == ("DomainName", "c2.example.com")


@pytest.mark.parametrize(("kind", "category"), [("link", "Network activity"), ("url", "External analysis")])
def test_a_link_to_an_analysis_is_no_indicator_unless_it_is_flagged(kind, category):
    link = attribute(kind, "https://blog.example.com/", category=category)
    assert told(event({**link, "to_ids": False})) == ["reference"]
    assert told(event(link)) == [("Url", "https://blog.example.com/")]


@pytest.mark.parametrize("deleted", [True, "1"])
def test_deleted_attributes_and_objects_are_dropped(deleted):
    gone = file_object(attribute("sha1", SHA1), deleted=deleted)
    assert told(event(attribute("md5", MD5, deleted=deleted), objects=[gone])) == ["deleted", "deleted"]


def test_of_the_hashes_of_one_file_object_the_strongest_is_kept():
    hashes = file_object(attribute("md5", MD5), attribute("sha256", SHA256), attribute("sha1", SHA1))
    other = file_object(attribute("md5", MD5))
    weaker = "weaker hash of one file"
    assert told(event(attribute("md5", MD5), objects=[hashes, other])) == [
        ("FileMd5", MD5),
        weaker,
        ("FileSha256", SHA256),
        weaker,
        ("FileMd5", MD5),
    ]


def test_a_hash_that_is_left_out_does_not_push_out_a_weaker_one():
    hashes = file_object(attribute("md5", MD5), attribute("sha256", SHA256, deleted=True))
    assert told(event(objects=[hashes])) == [("FileMd5", MD5), "deleted"]


def test_hashes_of_a_part_of_a_file_are_no_file_hashes():
    section = file_object(attribute("md5", MD5), name="pe-section")
    rich = file_object(attribute("md5", MD5, object_relation="richpe"), name="pe")
    assert told(event(objects=[section, rich])) == ["hash of a part of a file"] * 2


@pytest.mark.parametrize(
    "wrap",
    [
        lambda one: one,
        lambda one: [one],
        lambda one: {"response": [one]},
        lambda one: {"response": {"Attribute": one["Event"]["Attribute"]}},
        lambda one: {"Attribute": one["Event"]["Attribute"]},
    ],
    ids=["event", "list", "export", "search", "attributes"],
)
def test_reads_every_shape_that_misp_exports(wrap):
    assert told(wrap(event(attribute("md5", MD5)))) == [("FileMd5", MD5)]


def test_the_attributes_of_a_search_are_judged_with_those_of_their_own_event():
    first = [attribute("md5", MD5, event_id="1"), attribute("sha1", SHA1, event_id="1", to_ids=False)]
    second = attribute("sha256", SHA256, event_id="2", to_ids=False, Event={"id": "2", "info": "Case 8"})
    read = rows({"response": {"Attribute": [*first, second]}})
    assert [type(row).__name__ for row in read] == ["Observed", "Dropped", "Observed"]
    assert read[2].facts.title == "Case 8"


@pytest.mark.parametrize(
    "broken", [7, None, {}, {"type": "md5"}, {"type": 7, "value": MD5}, {"type": "md5", "value": [MD5]}]
)
def test_a_broken_attribute_costs_only_itself(broken):
    bad, good = rows(event(broken, attribute("md5", MD5)))
    assert (bad.code, bad.place, good.value) == ("bad_entry", "in.json: attribute 1", MD5)


def test_odd_fields_beside_the_value_cost_nothing():
    odd = attribute("md5", MD5, timestamp=[], comment=7, Tag=[7, {"name": 7}], Galaxy=[7, {"GalaxyCluster": 7}], uuid=7)
    assert told(event(odd, objects=[7], Tag=7, info=None, threat_level_id={})) == [("FileMd5", MD5), "bad_entry"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"<html>", "not JSON"),
        (b'{"Event": {', "not JSON"),
        (b'{"Event": []}', "no MISP event"),
        (b"[{}]", "no MISP event"),
        (b"7", "no MISP event"),
        (json.dumps({UUID: {"info": "x"}}).encode(), "feed's manifest"),
        (b"[" * 100_000, "not JSON"),
    ],
    ids=["html", "cut", "list", "empty", "number", "manifest", "deep"],
)
def test_what_is_no_misp_event_is_one_clear_error(data, reason):
    with pytest.raises(InputError, match=rf"^in\.json: .*{reason}"):
        rows(data)


def test_a_document_beyond_the_limit_is_refused(monkeypatch):
    monkeypatch.setattr("defender_indicators.sources.whole.MAX_DOCUMENT", 10)
    with pytest.raises(InputError, match=r"^in\.json: larger than 64 MiB"):
        rows(event(attribute("md5", MD5)))


def test_a_manifest_names_the_files_of_its_events():
    assert manifest_events({UUID: {"info": "x"}}) == [f"{UUID}.json"]


@pytest.mark.parametrize("key", ["../../etc/passwd", "", f"{UUID}/../x", f"{UUID}\n"])
def test_a_manifest_key_that_is_no_uuid_never_becomes_a_file_name(key):
    with pytest.raises(InputError, match="is not the UUID of an event"):
        manifest_events({UUID: {}, key: {}})


def test_a_manifest_is_an_object():
    with pytest.raises(InputError, match="no MISP feed"):
        manifest_events([UUID])


CHECKED = {
    "eset-2018-11-20_zebrocy.json": (
        [
            ("FileSha1", "7768fd2812ceff05db8f969a7bed1de5615bfc5a"),
            ("FileSha1", "e0d8829d2e76e9bb02e3b375981181ae02462c43"),
            ("Url", "http://45.124.132.127/company-device-support/values/correlate-sec.php"),
        ],
        [
            "https://www.welivesecurity.com/2018/11/20/sednit-whats-going-zebrocy/",
            "AcrobatReader.exe",
            "45.124.132.127",
        ],
    ),
    "eset-cloudmensis-misp.json": (
        [
            ("FileSha256", "b8a61adccefb13b7058e47edcd10a127c483403cf38f7ece126954e95e86f2bd"),
            ("FileSha256", "317ce26cae14dc9a5e4d4667f00fee771b4543e91c944580bbb136e7fe339427"),
            ("FileSha256", "273633eee4776aef40904124ed1722a0793e6567f3009cdb037ed0a9d79c1b0b"),
        ],
        ["mdworker3", "d7bf702f56ca53140f4f03b590e9afcbc83809db", "70ba5b348e73cb9c4a70667953a01218"],
    ),
    "eset-endor.json": (
        [
            ("FileSha1", "ebb450393809f657f1ab77b4582e0c4758f7b50d"),
            ("FileSha1", "5675bfba9c4ae9e8d3fff00cb64074c131698d38"),
            ("FileSha1", "d49bcc5e710bdae7746b79a6bfe8ce16b8ff84cb"),
        ],
        ["/usr/include/sys/record.h", "jupitersimarte@gmail.com", "gmail.com"],
    ),
    "eset-gaming_supply_chain-misp_event.json": (
        [
            ("FileSha1", "7cf41b1acfb05064518a2ad9e4c16fde9185cd4b"),
            ("Url", "https://nw.infestexe.com/version/last.php"),
            ("DomainName", "api.goallbandungtravel.com"),
        ],
        ["nw.infestexe.com", "infestexe.com", "Axiom"],
    ),
    "eset-misp-telebots.json": (
        [("IpAddress", "93.190.137.212"), ("IpAddress", "95.141.37.3"), ("IpAddress", "80.233.134.147")],
        ["api.telegram.org", "smtp-mail.outlook.com", "149.154.167.200"],
    ),
    "eset-misp-turla-crutch-event.json": (
        [
            ("FileSha1", "a010d5449d29a1916827fdb443e3c84c405cb2a5"),
            ("DomainName", "hotspot.accesscam.org"),
            ("Url", "https://raw.githubusercontent.com/ksRD18pro/ksRD18/master/ntk.tmp"),
        ],
        [r"C:\Intel\outllib.dll", "raw.githubusercontent.com", "accesscam.org"],
    ),
}


@pytest.mark.skipif(not REAL.is_dir(), reason="the real samples are not part of the project")
@pytest.mark.parametrize("name", sorted(CHECKED))
def test_real_events_hold_what_was_checked_by_hand_and_nothing_like_it(name):
    read = rows((REAL / name).read_bytes())
    there, absent = CHECKED[name]
    observed = {(row.type, row.value) for row in read if isinstance(row, Observed)}
    assert set(there) <= observed
    assert {value for _, value in observed} & set(absent) == set()
    assert not [row for row in read if isinstance(row, BadRow)]


@pytest.mark.skipif(not REAL.is_dir(), reason="the real samples are not part of the project")
@pytest.mark.parametrize("name", sorted(CHECKED))
def test_every_attribute_of_a_real_event_is_accounted_for(name):
    document = json.loads((REAL / name).read_bytes())
    inner = (document if "Event" in document else document["response"][0])["Event"]
    attributes = inner["Attribute"] + [one for each in inner.get("Object", []) for one in each["Attribute"]]
    read = rows((REAL / name).read_bytes())
    assert len(read) == len(attributes)
    assert {row.place for row in read} == {f"in.json: attribute {one['uuid']}" for one in attributes}
