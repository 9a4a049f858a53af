"""How long the service asks us to wait, whatever spelling it chose."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

_RETRY_AFTER_RANGE: Final = (1.0, 3600.0)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read ``Retry-After`` (seconds or a date, relative to the answer's own ``Date``), clamped to 1 … 3600 s.

    Returns None when the header is absent or unreadable; the longest when it was sent twice.
    """
    text = headers.get("retry-after", "").strip()
    waits = [_seconds(part) for part in text.split(",")]
    known = [wait for wait in waits if wait is not None]
    longest = max(known) if known else _until(text, headers.get("date", ""))
    low, high = _RETRY_AFTER_RANGE
    return None if longest is None else min(high, max(low, longest))


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if seconds == seconds else None  # noqa: PLR0124 - only a NaN differs from itself


def _until(text: str, date: str) -> float | None:
    end, start = _date(text), _date(date)
    return (end - start).total_seconds() if end and start else None


def _date(text: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
