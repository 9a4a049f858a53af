"""When an indicator ends: a moment with its zone, to the second, in the future.

Source: import-ti-indicators.md (``2021-12-12T00:00:00Z``), indicator-manage.md (deleted when the time passes).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

_FORM = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]((?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])(?:\.[0-9]{1,9})?"
    r"([Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])",
    re.ASCII,
)


@lru_cache(maxsize=1024)  # a feed gives the same moment to most of its rows
def utc_second(text: str) -> str | None:
    """Return ``YYYY-MM-DDTHH:MM:SSZ``, the fraction dropped; None when ``text`` is no moment with a zone."""
    parts = _FORM.fullmatch(text)
    if parts is None:
        return None
    try:
        moment = datetime.fromisoformat(f"{parts[1]}T{parts[2]}{parts[3].upper()}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=None).isoformat() + "Z"
