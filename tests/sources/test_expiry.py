from datetime import UTC, datetime

import pytest

from defender_indicators.sources import parse_expiry

NOW = datetime(2026, 2, 27, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("30d", "2026-03-29T23:30:00Z"),
        ("12h", "2026-02-28T11:30:00Z"),
        ("2W", "2026-03-13T23:30:00Z"),
        ("2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        (" 2027-01-01T00:00:00+02:00 ", "2026-12-31T22:00:00Z"),
        ("never", ""),
    ],
)
def test_reads_spans_and_moments(text, moment):
    assert parse_expiry(text, NOW) == moment


@pytest.mark.parametrize(
    "text",
    [
        *("", "30", "0d", "-1d", "1.5d", "d", "999999d", "٣d", "tomorrow", "2027-01-01", "2027-01-01T00:00:00"),
        *("2020-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
    ],
)
def test_refuses_everything_else_and_says_what_to_write(text):
    with pytest.raises(ValueError, match="write 30d, 12h"):
        parse_expiry(text, NOW)
