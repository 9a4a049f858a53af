"""Does the tenant's row say what the wanted one says, and is it time to renew it? Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final

from defender_indicators.planning.snapshot import Row

_PLAIN: Final = {
    "title": "",
    "description": "",
    "severity": "",
    "recommendedActions": "",
    "educateUrl": "",
    "generateAlert": False,
}
"""Fields that are compared as they are, and what the service leaves out."""
_EARLIEST: Final = 0.5
_LATEST: Final = 0.25
"""A row is renewed when between half and a quarter of its life is left; where in between, its value decides, so that
rows added on one day are not all renewed on one day."""


def differing(wanted: Mapping[str, Any], row: Row, *, rolling: bool) -> tuple[str, ...]:
    """Return the names of the fields that an update would change.

    Args:
        wanted: Microsoft's spelling, as it would be sent.
        row: what the tenant holds.
        rolling: whether the end of the wanted row is counted from now on: it moves with every run and is no
            difference, see :func:`due`.
    """
    found = [name for name in _PLAIN if name in wanted and wanted[name] != row.get(name, _PLAIN[name])]
    if "mitreTechniques" in wanted and sorted(wanted["mitreTechniques"]) != sorted(row.get("mitreTechniques") or ()):
        found.append("mitreTechniques")
    expiry = wanted.get("expirationTime", "")
    if expiry and not rolling and expiry != row.get("expirationTime", ""):
        found.append("expirationTime")
    return tuple(found)


def due(wanted: Mapping[str, Any], row: Row, now: datetime) -> bool:
    """Whether a row whose end moves with every run is to be renewed now, or ends later than it may."""
    if "expirationTime" not in wanted:
        return False
    end, ends = datetime.fromisoformat(wanted["expirationTime"]), _moment(row.get("expirationTime"))
    return ends is None or ends > end + timedelta(days=1) or ends - now < (end - now) * _share(row["value"])


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _share(value: str) -> float:
    number = int.from_bytes(blake2b(value.encode("utf-8", "replace"), digest_size=4).digest(), "big")
    return _LATEST + (_EARLIEST - _LATEST) * number / 2**32
