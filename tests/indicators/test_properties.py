"""What holds for every input, found or not yet thought of."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from defender_indicators.indicators import (
    CODES,
    Canonicaliser,
    Indicator,
    Policy,
    Rejection,
    infer_type,
    matching_key,
    row_from_api,
)
from defender_indicators.indicators.gate import explainer, schema, validator

NOW = datetime(2026, 1, 1, tzinfo=UTC)
JUDGE = Canonicaliser(Policy(now=NOW))
KEEP = Canonicaliser(Policy(now=NOW, legacy_actions="keep"))
FIELDS = [*schema()["properties"], *schema()["x-server-set"], "externalID", "Title", ""]
TYPES = schema()["properties"]["indicatorType"]["enum"]
ACTIONS = schema()["properties"]["action"]["enum"]

text = st.text(st.characters(), max_size=40)  # lone surrogates included
HOSTILE = "aA0.fF:/[]()-_@#?%*\\ \t\n\x00xnthps\u3002\uff0eé\u202e\ud800\uff11\uff21dot\uff0c"
wire = st.text(st.sampled_from(HOSTILE), max_size=40)
label = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
name = st.builds(lambda labels, tld: ".".join([*labels, tld]), st.lists(label, min_size=1, max_size=4),
                 st.sampled_from(["com", "example", "co.uk", "io", "xn--p1ai", "рф", "test"]))  # fmt: skip
address = st.one_of(st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(str))
url = st.builds("{}://{}{}{}".format, st.sampled_from(["http", "https", "hxxp", "HTTPS"]), st.one_of(name, address),
                st.sampled_from(["", ":80", ":443", ":8080"]), st.just("") | wire.map("/{}".format))  # fmt: skip
digits = st.sampled_from([32, 40, 64]).flatmap(lambda n: st.text("0123456789abcdefABCDEF", min_size=n, max_size=n))
value = st.one_of(wire, text, name, address, url, digits)
leaf = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), text, value)
anything = st.recursive(
    leaf, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(text, inner, max_size=4)), max_leaves=8
)
wild_row = st.dictionaries(st.one_of(st.sampled_from(FIELDS), text), anything, max_size=8)
near_row = st.builds(
    lambda base, extra: base | extra,
    st.fixed_dictionaries({
        "indicatorValue": value, "indicatorType": st.sampled_from(TYPES), "action": st.sampled_from(ACTIONS),
        "title": st.one_of(st.just("t"), text), "description": st.just("d"),
    }),
    st.one_of(
        st.just({}),
        st.dictionaries(st.sampled_from(FIELDS), anything, max_size=2),
        st.fixed_dictionaries({}, optional={
            "generateAlert": st.booleans(), "severity": st.sampled_from(["Low", "High"]), "category": st.integers(0, 9),
            "rbacGroupNames": st.lists(text, max_size=3), "rbacGroupIds": st.lists(st.integers(0, 9), max_size=3),
            "expirationTime": st.datetimes(datetime(2025, 12, 1), datetime(2030, 1, 1)).map(lambda t: t.isoformat() + "Z"),  # noqa: DTZ001, E501 - the zone is the Z
        }),
    ),
)  # fmt: skip
rows = st.one_of(near_row, near_row, wild_row, anything)


@given(rows)
@example({"indicatorValue": "\ud800"})
@example({"indicatorValue": "a", "indicatorType": "Url", "action": "Alert", "x": float("nan")})
@settings(max_examples=400, deadline=None)
def test_every_input_gets_a_verdict_and_never_an_exception(row):
    for judge in (JUDGE, KEEP):
        verdict = judge(row)
        if isinstance(verdict, Rejection):
            assert verdict.code in CODES
            assert all(len(part) <= 200 and part.isprintable() for part in verdict[:3])
            assert verdict.reason.isprintable()
            assert len(verdict.reason) < 1500
        else:
            json.loads(verdict.payload)
            assert validator().is_valid(json.loads(verdict.payload))


@given(near_row)
@settings(max_examples=400, deadline=None)
def test_canonical_form_is_a_fixed_point(row):
    first = JUDGE(row)
    if isinstance(first, Rejection):
        return
    second = JUDGE(json.loads(first.payload))
    assert isinstance(second, Indicator), second
    assert second[:5] == first[:5]
    assert matching_key(first.value) == first.value


@given(st.one_of(st.tuples(name, st.just("DomainName")), st.tuples(address, st.just("IpAddress")),
                 st.tuples(url, st.just("Url")), st.tuples(digits, st.just("FileSha256"))))  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_a_value_the_service_spelt_its_own_way_still_matches(pair):
    row = {"indicatorValue": pair[0], "indicatorType": pair[1], "action": "Allowed", "title": "t", "description": "d"}
    verdict = JUDGE(row)
    if isinstance(verdict, Rejection):
        return
    sent = verdict.value
    assert matching_key(f"  {sent}\n") == sent
    if verdict.type == "Url":
        scheme, _, rest = sent.partition("://")
        host, _, path = rest.partition("/")
        assert matching_key(f"{scheme.upper()}://{host.upper()}/{path}") == sent
        if not host.endswith("]") and ":" not in host:
            assert matching_key(f"{scheme}://{host}./{path}") == sent
    else:
        assert matching_key(sent.upper()) == sent
    if verdict.type == "DomainName":
        assert matching_key(sent + ".") == sent


@given(st.ip_addresses(v=6))
def test_every_form_of_an_ipv6_address_has_one_key(number):
    assert matching_key(number.compressed.upper()) == matching_key(number.exploded)


@given(st.one_of(text, value))
@settings(max_examples=300, deadline=None)
def test_bare_values_never_raise(bare):
    assert infer_type(bare) in {*TYPES, None}
    key = matching_key(bare)
    assert matching_key(key) == key


@given(rows)
@settings(max_examples=200, deadline=None)
def test_a_listing_never_raises(row):
    ours = row_from_api(row)
    assert ours is None or {"id", "type", "value", "action", "scope"} <= ours.keys()


@given(near_row)
@settings(max_examples=400, deadline=None)
def test_the_two_validators_agree_on_fuzzed_rows(row):
    try:
        fast = validator().is_valid(row)
    except ValueError:
        return  # a lone surrogate: JSON on the wire cannot carry it
    assert fast == explainer().is_valid(row)


@given(st.dictionaries(st.sampled_from(FIELDS), anything, max_size=6))
@settings(max_examples=300, deadline=None)
def test_the_two_validators_agree_on_wild_rows(row):
    try:
        fast = validator().is_valid(row)
    except ValueError:
        return  # a lone surrogate: JSON on the wire cannot carry it
    try:
        slow = explainer().is_valid(row)
    except (ValueError, RecursionError):
        pytest.fail("the explaining validator must be able to read what the fast one reads")
    assert fast == slow
