import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from defender_indicators.indicators import Canonicaliser, Indicator, Policy

HASH = "220e7d15b011d7fac48f2bd61114db1022197f7f"
FILES = ("FileSha1", "FileSha256", "FileMd5")
VALUES = {
    "FileSha1": HASH, "FileSha256": HASH + "0" * 24, "FileMd5": HASH[:32], "CertificateThumbprint": HASH,
    "IpAddress": "8.8.8.8", "DomainName": "evil.example", "Url": "https://evil.example/a",
}  # fmt: skip
MICROSOFTS_EXAMPLE = json.loads("""
[
  {"indicatorValue": "220e7d15b011d7fac48f2bd61114db1022197f7f", "indicatorType": "FileSha1", "title": "demo",
   "application": "demo-test", "expirationTime": "2021-12-12T00:00:00Z", "action": "Alert",
   "severity": "Informational", "description": "demo2", "recommendedActions": "nothing",
   "rbacGroupNames": ["group1", "group2"]},
  {"indicatorValue": "2233223322332233223322332233223322332233223322332233223322332222",
   "indicatorType": "FileSha256", "title": "demo2", "application": "demo-test2",
   "expirationTime": "2021-12-12T00:00:00Z", "action": "Alert", "severity": "Medium", "description": "demo2",
   "recommendedActions": "nothing", "rbacGroupNames": []}
]
""")


def test_microsofts_own_example_passes_at_its_time(payload):
    judge = Canonicaliser(Policy(now=datetime(2021, 1, 1, tzinfo=UTC)))
    first, second = (judge(row) for row in MICROSOFTS_EXAMPLE)
    assert (first.type, first.value, first.action) == ("FileSha1", HASH, "Audit")
    assert (first.scope, second.scope) == ('["group1","group2"]', "")
    sent = payload(second)
    assert sent.pop("externalId").startswith("di-")
    assert sent == MICROSOFTS_EXAMPLE[1] | {"action": "Audit", "generateAlert": True}


def test_microsofts_own_example_has_expired_since(judge):
    assert [judge(row).code for row in MICROSOFTS_EXAMPLE] == ["expired", "expired"]


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("action", ["Allowed", "Audit", "Warn", "Block", "BlockAndRemediate"])
def test_a_type_takes_the_actions_the_service_documents(judge, make_row, kind, action):
    verdict = judge(make_row(VALUES[kind], kind, action=action, generateAlert=True))
    network = kind in {"IpAddress", "DomainName", "Url"}
    certificate = kind == "CertificateThumbprint"
    if (network and action == "BlockAndRemediate") or (certificate and action in {"Audit", "Warn", "Block"}):
        assert verdict.code == "action_not_supported_for_type"
    else:
        assert (verdict.type, verdict.action) == (kind, action)


@pytest.mark.parametrize(
    ("kind", "legacy", "modern"),
    [
        *((kind, "Alert", "Audit") for kind in (*FILES, "IpAddress", "DomainName", "Url")),
        *((kind, "AlertAndBlock", "BlockAndRemediate") for kind in (*FILES, "CertificateThumbprint")),
        *((kind, "AlertAndBlock", "Block") for kind in ("IpAddress", "DomainName", "Url")),
    ],
)
@pytest.mark.parametrize("alert", [..., False, True])
def test_a_legacy_action_is_translated_with_an_alert_and_a_note(  # noqa: PLR0917 - fixtures and parameters
    judge, make_row, payload, kind, legacy, modern, alert
):
    verdict = judge(make_row(VALUES[kind], kind, action=legacy, generateAlert=alert))
    assert verdict.action == payload(verdict)["action"] == modern
    assert payload(verdict)["generateAlert"] is True
    assert verdict.notes == (f"legacy action {legacy} sent as {modern} with an alert",)


def test_a_certificate_has_no_alert_to_translate(judge, make_row):
    verdict = judge(make_row(HASH, "CertificateThumbprint", action="Alert"))
    assert verdict.code == "action_not_supported_for_type"
    assert verdict.action == "Alert"


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("legacy", ["Alert", "AlertAndBlock"])
def test_legacy_actions_can_be_kept(now, make_row, payload, kind, legacy):
    verdict = Canonicaliser(Policy(now=now, legacy_actions="keep"))(make_row(VALUES[kind], kind, action=legacy))
    assert payload(verdict)["action"] == legacy
    assert "generateAlert" not in payload(verdict)
    assert verdict.notes == ()


@pytest.mark.parametrize("alert", [..., False, None])
def test_audit_needs_an_alert(judge, make_row, alert):
    verdict = judge(make_row(action="Audit", generateAlert=alert))
    assert verdict.code == "audit_needs_alert"
    assert "set generateAlert to true" in verdict.reason


@pytest.mark.parametrize(
    ("fields", "code", "words"),
    [
        ({"titel": "x"}, "unknown_field", "'titel' is no field"),
        ({"Title": "x"}, "unknown_field", "case counts"),
        ({"id": "1"}, "unknown_field", "'id' is set by the service"),
        ({"sourceType": "x"}, "unknown_field", "remove it"),
        ({"\x1b[31m": "x"}, "unknown_field", r"'\x1b[31m' is no field"),
        ({"title": ...}, "missing_field", "title missing"),
        ({"title": ""}, "missing_field", "title missing"),
        ({"title": " \t"}, "missing_field", "title: "),
        ({"description": None}, "missing_field", "description missing"),
        ({"action": None}, "missing_field", "action missing"),
        ({"indicatorType": ...}, "missing_field", "indicatorType missing"),
        ({"indicatorValue": ""}, "missing_field", "indicatorValue missing"),
        ({"indicatorType": "domainname"}, "unknown_type", "DomainName"),
        ({"indicatorType": "WebCategory"}, "unknown_type", "WebCategory"),
        ({"indicatorType": 4}, "not_a_string", "indicatorType: 4"),
        ({"indicatorType": []}, "not_a_string", "indicatorType: a list"),
        ({"action": "block"}, "unknown_action", "Block"),
        ({"action": ["Block"]}, "not_a_string", "action: a list"),
        ({"severity": "high"}, "unknown_severity", "'high' is none of Informational, Low, Medium, High"),
        ({"severity": 3}, "not_a_string", "severity: 3"),
        ({"generateAlert": "True"}, "wrong_type", "generateAlert: 'True'"),
        ({"generateAlert": 1}, "wrong_type", "generateAlert: 1"),
        ({"generateAlert": 0.5}, "wrong_type", "generateAlert: 0.5"),
        ({"title": True}, "not_a_string", "title: true"),
        ({"rbacGroupNames": "a,b"}, "wrong_type", "rbacGroupNames: 'a,b'"),
        ({"rbacGroupNames": ["a", 1]}, "not_a_string", "rbacGroupNames[1]: 1"),
        ({"rbacGroupNames": ["a"] * 1001}, "too_long", "rbacGroupNames: 1001 where at most 1000 fit"),
        ({"rbacGroupIds": ["1"]}, "wrong_type", "rbacGroupIds[0]: '1'"),
        ({"rbacGroupIds": [2**31]}, "out_of_range", "rbacGroupIds[0]: 2147483648"),
        ({"category": 1.5}, "wrong_type", "category: 1.5"),
        ({"category": True}, "wrong_type", "category: true"),
        ({"notificationId": 256}, "out_of_range", "notificationId: 256"),
        ({"lookBackPeriod": 10**5000}, "not_json", ""),
        ({"lookBackPeriod": 10**30}, "out_of_range", "a huge number"),
        ({"title": "x" * 4001}, "too_long", "title: 4001 where at most 4000 fit"),
        ({"certificateInfo": {"issuer": 1}}, "not_a_string", "certificateInfo.issuer: 1"),
        ({"certificateInfo": {"thumb": "x"}}, "unknown_field", "certificateInfo: 'thumb' is no field"),
        ({"educateUrl": "https://help.example/"}, "educate_url_not_supported", "action: 'Allowed'"),
        ({"mitreTechniques": [["T1566"]]}, "not_a_string", "mitreTechniques[0]: a list"),
        ({"title": b"x"}, "not_a_string", "title: of the type bytes"),
        ({"category": float("nan")}, "wrong_type", "category: nan"),
    ],
)
def test_a_bad_field_is_named_with_its_remedy(judge, make_row, fields, code, words):
    verdict = judge(make_row(**fields))
    assert verdict.code == code
    assert words in verdict.reason


@pytest.mark.parametrize("row", [None, [], "evil.example", 1, True, [{}], ("a",), object()])
def test_only_an_object_is_a_row(judge, row):
    verdict = judge(row)
    assert verdict.code == "not_an_object"
    assert verdict[:3] == ("", "", "")


def test_a_field_name_that_is_not_text_is_refused(judge, make_row):
    assert judge(make_row() | {1: "x"}).code == "not_an_object"


class Text(str):
    """What a reader of some other format may hand over."""

    __slots__ = ()


@pytest.mark.parametrize("fields", [{"title": Text("t")}, {"certificateInfo": {"issuer": Text("t")}}])
def test_text_that_is_more_than_text_is_refused(judge, make_row, fields):
    assert judge(make_row(**fields)).code == "not_json"


def test_what_is_nested_beyond_reading_is_refused(judge, make_row):
    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert judge(make_row(title=deep)).code in {"not_json", "not_a_string"}
    assert judge(make_row(rbacGroupNames=deep)).code in {"not_json", "not_a_string"}


@pytest.mark.parametrize(("action", "kind"), [("Block", "Url"), ("Warn", "Url"), ("Block", "DomainName")])
def test_an_education_page_goes_with_block_and_warn_on_web_addresses(judge, make_row, action, kind):
    row = make_row(VALUES[kind], kind, action=action, educateUrl="https://help.example/")
    assert isinstance(judge(row), Indicator)
    row |= {"indicatorType": "IpAddress", "indicatorValue": "8.8.8.8"}
    assert judge(row).code == "educate_url_not_supported"


def test_empty_fields_say_nothing_but_false_zero_and_empty_lists_do(judge, make_row, payload):
    sent = payload(
        judge(make_row(severity="", recommendedActions=None, generateAlert=False, category=0, mitreTechniques=[]))
    )
    assert {"severity", "recommendedActions"}.isdisjoint(sent)
    assert (sent["generateAlert"], sent["category"], sent["mitreTechniques"]) == (False, 0, [])


def test_defaults_fill_what_a_row_leaves_open(now, make_row, payload):
    judge = Canonicaliser(Policy(now=now, defaults={"title": "default", "severity": "Low", "action": ""}))
    sent = payload(judge(make_row(title="", severity="High", action="Block")))
    assert (sent["title"], sent["severity"], sent["action"]) == ("default", "High", "Block")


def test_a_default_is_judged_like_the_row(now, make_row):
    judge = Canonicaliser(Policy(now=now, defaults={"expirationTime": "2020-01-01T00:00:00Z"}))
    assert judge(make_row()).code == "expired"


def test_the_clock_of_the_policy_may_stand_in_any_zone(make_row):
    judge = Canonicaliser(Policy(now=datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))))
    assert judge(make_row(expirationTime="2026-01-01T00:00:00Z")).code == "expired"
    assert isinstance(judge(make_row(expirationTime="2026-01-01T00:00:01Z")), Indicator)


def test_application_and_external_id_are_filled_only_when_empty(judge, make_row, payload):
    given = payload(judge(make_row(application="mine", externalId="x-1")))
    assert (given["application"], given["externalId"]) == ("mine", "x-1")
    filled = payload(judge(make_row(application="", rbacGroupNames=["b", "a"])))
    key = b'DomainName\0evil.example\0["a","b"]'
    assert filled["application"] == "defender-indicators"
    assert filled["externalId"] == "di-" + hashlib.sha256(key).hexdigest()[:32]


def test_the_external_id_depends_on_type_value_and_scope_only(judge, make_row, payload):
    first, second, scoped = (
        payload(judge(make_row(value, title=title, rbacGroupNames=groups)))["externalId"]
        for value, title, groups in [
            ("evil.example", "a", []),
            ("EVIL[.]example.", "b", None),
            ("evil.example", "a", ["g"]),
        ]
    )
    assert first == second != scoped


def test_the_documented_misspelling_of_external_id_is_corrected(judge, make_row, payload):
    verdict = judge(make_row(externalID="x-1"))
    assert payload(verdict)["externalId"] == "x-1"
    assert verdict.notes == ("externalID sent as externalId",)
    assert payload(judge(make_row(externalID="x-1", externalId="x-2")))["externalId"] == "x-2"


@pytest.mark.parametrize(
    ("names", "ids", "scope"),
    [
        ([], [], ""), (None, None, ""), (["b", "a", "b"], None, '["a","b"]'), (None, [7, 3, 7], "[3,7]"),
        (["ü"], [1.0], '["ü",1]'), (["A", "a"], [], '["A","a"]'),
    ],
)  # fmt: skip
def test_a_scope_is_sorted_and_without_doubles_while_the_payload_keeps_its_order(  # noqa: PLR0917 - as above
    judge, make_row, payload, names, ids, scope
):
    verdict = judge(make_row(rbacGroupNames=names, rbacGroupIds=ids))
    assert verdict.scope == scope
    assert payload(verdict).get("rbacGroupNames") == names
    assert payload(verdict).get("rbacGroupIds") == ids


def test_a_payload_is_compact_sorted_and_writes_whole_numbers_as_such(judge, make_row):
    verdict = judge(make_row(category=1.0, rbacGroupIds=[2.0], title="ä"))
    ours = json.dumps(json.loads(verdict.payload), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert verdict.payload == ours.encode()
    assert b'"category":1,' in verdict.payload
    assert b'"rbacGroupIds":[2]' in verdict.payload


def test_the_row_itself_is_left_alone(judge, make_row):
    row = make_row("EVIL[.]example", action="Alert", externalID="x", category=1.0)
    before = json.dumps(row)
    judge(row)
    assert json.dumps(row) == before


def test_the_same_row_in_another_order_is_the_same_indicator(judge, make_row):
    row = make_row(severity="High")
    assert judge(row) == judge(dict(reversed(row.items())))


def test_a_rejection_shows_what_was_given_made_safe(judge, make_row):
    verdict = judge(make_row("\x1b[31mevil\u202e" + "x" * 500, action=7, indicatorType={"a": "secret"}))
    assert verdict.value.startswith(r"\x1b[31mevil\u202exxx")
    assert len(verdict.value) == 200
    assert (verdict.type, verdict.action) == ("", "7")
    assert "secret" not in str(verdict)


def test_notes_are_kept_with_a_rejection_and_not_repeated(judge, make_row):
    verdict = judge(make_row(" 10[.]0[.]0[.]1 ", "IpAddress"))
    assert verdict.code == "private_address"
    assert verdict.notes == ("surrounding white space removed", "defanging undone")


@pytest.mark.parametrize(("kind", "limit"), [("DomainName", 253), ("Url", 2048), ("Url", 8192), ("FileSha1", 8192)])
def test_a_value_too_long_is_refused_never_cut(judge, make_row, kind, limit):
    prefix, suffix = {"DomainName": ("a.", "example"), "Url": ("https://evil.example/", ""), "FileSha1": ("", "")}[kind]
    value = prefix + "a" * (limit + 1 - len(prefix) - len(suffix)) + suffix
    assert judge(make_row(value, kind)).code == "too_long"


@pytest.mark.parametrize(
    "value", ["a." * 2000 + "example", "É." * 200 + "example", "http://" + "a." * 200 + "example/"]
)
def test_a_name_too_long_is_refused_before_it_is_worked_on(judge, make_row, value):
    assert judge(make_row(value, "Url" if "://" in value else "DomainName")).code == "too_long"


def test_percent_encoding_may_make_a_url_too_long(judge, make_row):
    assert judge(make_row("http://evil.example/" + "é" * 400, "Url")).code == "too_long"


@pytest.mark.parametrize(
    ("value", "kind", "note"),
    [
        ("8.8.8.8/32", "IpAddress", "prefix length of a single address dropped"),
        ("2001:4860::1/128", "IpAddress", "prefix length of a single address dropped"),
        ("192.0.2.1", "IpAddress", "address reserved for documentation: no traffic can match it"),
        ("2001:db8::1", "IpAddress", "address reserved for documentation: no traffic can match it"),
        ("::ffff:8.8.8.8", "IpAddress", "IPv4 address taken out of its IPv6-mapped form"),
        ("evil.example.", "DomainName", "trailing dot dropped"),
        ("b\u00fccher.example", "DomainName", "international name written in its ASCII form"),
        ("evil\u3002example", "DomainName", "full-width characters and ideographic dots replaced"),
        ("https://u@evil.example/", "Url", "user name dropped: it is no part of what is visited"),
        ("https://evil.example/a#b", "Url", "fragment dropped: browsers never send it"),
        ("https://evil.example:443/", "Url", "default port dropped"),
        ("https://evil.example/\u00e9", "Url", "characters beyond ASCII percent-encoded"),
        (
            ":".join([HASH[i : i + 2] for i in range(0, 40, 2)]),
            "CertificateThumbprint",
            "separators between the digits removed",
        ),
    ],
)
def test_what_was_changed_is_noted(judge, make_row, value, kind, note):
    assert judge(make_row(value, kind)).notes == (note,)
