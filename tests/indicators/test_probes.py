"""Every value of the probe table gets the verdict the table states, from both validators."""

import json
from pathlib import Path

import pytest

from defender_indicators.indicators import CODES, Indicator, Rejection, infer_type, matching_key
from defender_indicators.indicators.gate import explainer, validator

PROBES = json.loads(Path(__file__).with_name("probes.json").read_text(encoding="utf-8"))
ACCEPTED = [(kind, value, to) for kind, table in PROBES.items() for value, to in table["accepted"].items()]
REFUSED = [(kind, value, code) for kind, table in PROBES.items() for value, code in table["refused"].items()]


def _id(value):
    return ascii(value)[1:61]


def test_the_table_is_large_enough_to_mean_something():
    assert len(ACCEPTED) + len(REFUSED) >= 450
    assert {kind for kind, *_ in ACCEPTED} == {kind for kind, *_ in REFUSED} == set(PROBES)


@pytest.mark.parametrize(("kind", "value", "canonical"), ACCEPTED, ids=_id)
def test_accepts_in_canonical_form(judge, make_row, kind, value, canonical):
    verdict = judge(make_row(value, kind))
    assert isinstance(verdict, Indicator), verdict
    assert verdict.value == canonical
    if value.strip().lower().rstrip(".") not in {canonical.lower(), canonical.lower().rstrip("/")} and ":" not in value:
        assert verdict.notes


@pytest.mark.parametrize(("kind", "value", "code"), REFUSED, ids=_id)
def test_refuses_with_the_code(judge, make_row, kind, value, code):
    verdict = judge(make_row(value, kind))
    assert isinstance(verdict, Rejection), verdict
    assert verdict.code == code
    assert verdict.reason.startswith("indicatorValue: ")
    assert verdict.reason.endswith(f". {CODES[code]}.")
    assert verdict.reason.isprintable()


@pytest.mark.parametrize(("kind", "value", "canonical"), ACCEPTED, ids=_id)
def test_a_canonical_value_is_its_own_matching_key(kind, value, canonical):
    assert matching_key(canonical) == canonical
    assert matching_key(f" {canonical} ") == canonical


@pytest.mark.parametrize(("kind", "value", "canonical"), ACCEPTED, ids=_id)
def test_the_two_validators_agree_on_accepted_values(make_row, kind, value, canonical):
    for spelling in (value, canonical):
        row = make_row(spelling, kind)
        assert validator().is_valid(row) == explainer().is_valid(row)


@pytest.mark.parametrize(("kind", "value", "code"), REFUSED, ids=_id)
def test_the_two_validators_agree_on_refused_values(make_row, kind, value, code):
    row = make_row(value, kind)
    try:
        fast = validator().is_valid(row)
    except UnicodeEncodeError:
        return  # a lone surrogate, which the canonicaliser refuses before and after the gate
    assert fast == explainer().is_valid(row)


@pytest.mark.parametrize(("kind", "value", "canonical"), ACCEPTED, ids=_id)
def test_the_type_of_a_bare_value_is_inferred(kind, value, canonical):
    expected = "FileSha1" if kind == "CertificateThumbprint" else kind
    if canonical in {"host.corp.local", "xn--r8jz45g.xn--zckzah"}:
        expected = None  # no suffix anybody could register under
    assert infer_type(canonical) == expected
