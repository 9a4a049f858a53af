import pytest

from defender_indicators.indicators import Indicator
from defender_indicators.indicators.expiration import utc_second


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("2027-01-01t00:00:00z", "2027-01-01T00:00:00Z"),
        ("2027-01-01 00:00:00Z", "2027-01-01T00:00:00Z"),
        ("2027-01-01T00:00:00.0Z", "2027-01-01T00:00:00Z"),
        ("2027-01-01T00:00:00.999999999Z", "2027-01-01T00:00:00Z"),
        ("2027-01-01T02:30:00+02:30", "2027-01-01T00:00:00Z"),
        ("2026-12-31T19:00:00.5-05:00", "2027-01-01T00:00:00Z"),
        ("2028-02-29T12:00:00Z", "2028-02-29T12:00:00Z"),
        ("2100-12-31T23:59:59Z", "2100-12-31T23:59:59Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ("0999-01-01T00:00:00Z", "0999-01-01T00:00:00Z"),
    ],
)
def test_a_moment_with_a_zone_becomes_utc_to_the_second(given, sent):
    assert utc_second(given) == sent


@pytest.mark.parametrize(
    "given",
    [
        "", "2027-01-01", "2027-01-01T00:00:00", "2027-01-01T00:00Z", "2027-02-29T00:00:00Z", "2100-02-29T00:00:00Z",
        "2027-13-01T00:00:00Z", "2027-00-01T00:00:00Z", "2027-01-32T00:00:00Z", "2027-01-01T24:00:00Z",
        "2027-01-01T23:60:00Z", "2027-01-01T23:59:60Z", "2027-01-01T00:00:00+0000", "2027-01-01T00:00:00+24:00",
        "2027-01-01T00:00:00 Z", "2027-01-01T00:00:00Z\n", " 2027-01-01T00:00:00Z", "20270101T000000Z", "30d", "never",
        "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "٢٠٢٧-01-01T00:00:00Z", "1798761600", "2027-W01-1",
    ],
)  # fmt: skip
def test_anything_else_is_no_moment(judge, make_row, given):
    assert utc_second(given) is None
    if given:
        verdict = judge(make_row(expirationTime=given))
        assert verdict.code == "bad_expiration"
        assert "2030-01-31T00:00:00Z" in verdict.reason


def test_it_must_lie_in_the_future_to_the_second(judge, make_row):
    assert judge(make_row(expirationTime="2026-01-01T00:00:00Z")).code == "expired"
    assert judge(make_row(expirationTime="2026-01-01T00:00:00.9Z")).code == "expired"
    assert isinstance(judge(make_row(expirationTime="2026-01-01T00:00:01Z")), Indicator)


def test_a_row_without_one_stays_for_ever(judge, make_row, payload):
    assert "expirationTime" not in payload(judge(make_row()))
    assert "expirationTime" not in payload(judge(make_row(expirationTime=None)))


def test_a_number_is_not_a_moment(judge, make_row):
    assert judge(make_row(expirationTime=1798761600)).code == "not_a_string"
