"""When an indicator shall end, as people write it on a command line."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_SPAN = re.compile(r"([1-9][0-9]{0,4})([dhw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_ADVICE = "write 30d, 12h, 2w, never or 2027-01-01T00:00:00Z"


def parse_expiry(text: str, now: datetime) -> str:
    """Return the moment as ``YYYY-MM-DDTHH:MM:SSZ``; ``""`` for ``never``.

    Raises:
        ValueError: not a span or a moment with its zone, or already past; the message says what to write.
    """
    text = text.strip()
    if text.lower() == "never":
        return ""
    moment = _after(text.lower(), now) or _at(text)
    if moment <= now:
        raise ValueError(f"{text!r} is in the past; {_ADVICE}")
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _after(text: str, now: datetime) -> datetime | None:
    span = _SPAN.fullmatch(text)
    return now + int(span[1]) * _UNITS[span[2]] if span else None


def _at(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is neither a span nor a moment; {_ADVICE}") from None
    raise ValueError(f"{text!r} has no time zone; {_ADVICE}")
