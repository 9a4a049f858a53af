"""Reading back: page through the tenant's indicators and compare them with what was sent. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from defender_indicators import strict_json
from defender_indicators.delivery.answer import Answer
from defender_indicators.indicators import row_from_api

PAGE_ROWS: Final = 2000
"""Rows asked for at once: at about 1 kB a row well below the 8 MiB that the connector reads."""
_FIRST_PAGE: Final = f"/api/indicators?$top={PAGE_ROWS}&$skip="
_COMPARED: Final = (
    "title",
    "description",
    "severity",
    "recommendedActions",
    "generateAlert",
    "educateUrl",
    "expirationTime",
)

Key = tuple[str, str]
"""(type, canonical value)"""


class Found(Enum):
    """What the tenant holds of one sent row."""

    EQUAL = "equal"
    OLDER = "older"
    CHANGED = "changed"
    ABSENT = "absent"


class Finding(NamedTuple):
    """``ids`` are all rows of the same identity, the best match first; more than one means doubles.

    ``fresh``: the tenant's row was changed after ours was sent, so our call may be what changed it.
    """

    found: Found
    ids: Sequence[str]
    fresh: bool = False


class Reading:
    """One listing in progress. Only rows with a wanted key are kept.

    Attributes:
        path: the next page to ask for; ``""`` when the listing is complete.
        failures: answers in a row that were no page.
        total: rows seen.
    """

    def __init__(self, wanted: set[Key]) -> None:
        self._wanted = wanted
        self._rows: dict[Key, list[dict[str, Any]]] = {}
        self._skip = 0
        self._links: set[str] = set()
        self.path = f"{_FIRST_PAGE}0"
        self.failures = 0
        self.total = 0

    def page(self, answer: Answer) -> str:
        """Take one page in.

        Returns:
            ``""``, or why the answer is no page; an incomplete listing proves nothing.
        """
        problem, rows, following = _page(answer)
        if following and following in self._links:
            problem = "the service names a next page that was read already"
        if problem:
            self.failures += 1
            return problem
        self.failures = 0
        self.total += len(rows)
        for raw in rows:
            row = row_from_api(raw)
            if row is not None and (row["type"], row["value"]) in self._wanted:
                self._rows.setdefault((row["type"], row["value"]), []).append(row)
        self._links.add(following)
        self._skip += len(rows)
        self.path = following or (f"{_FIRST_PAGE}{self._skip}" if len(rows) >= PAGE_ROWS else "")
        return ""

    def find(self, sent: Mapping[str, Any], sent_wall: str) -> Finding:
        """Say what became of a row that was sent (Microsoft's spelling) at ``sent_wall`` (ISO 8601, ``""``: never)."""
        ours = row_from_api({"id": "", **sent})
        if ours is None:
            return Finding(Found.ABSENT, ())
        rows = self._rows.get((ours["type"], ours["value"]), [])
        same = [row for row in rows if row["action"] == ours["action"] and row["scope"] == ours["scope"]]
        same.sort(key=lambda row: not _equal(ours, row))
        ids = list(dict.fromkeys(row["id"] for row in same))
        if not same:
            return Finding(Found.ABSENT, ())
        if _equal(ours, same[0]):
            return Finding(Found.EQUAL, ids, _after(same[0].get("lastUpdateTime"), sent_wall))
        fresh = any(_after(row.get("lastUpdateTime"), sent_wall) for row in same)
        return Finding(Found.CHANGED if fresh else Found.OLDER, ids, fresh)

    def sees(self, keys: set[Key]) -> bool:
        """Whether the listing holds at least one of these rows."""
        return any(key in self._rows for key in keys)


def _page(answer: Answer) -> tuple[str, list[Any], str]:
    if answer.failure is not None:
        return answer.detail or answer.failure.value, [], ""
    if answer.status != HTTPStatus.OK:
        return f"HTTP {answer.status}", [], ""
    try:
        document = strict_json.loads(answer.body)
    except ValueError as error:
        return f"the page is not the API's JSON ({error})", [], ""
    rows = document.get("value") if isinstance(document, dict) else None
    if not isinstance(rows, list):
        return "the page holds no list of rows", [], ""
    following = document.get("@odata.nextLink")
    return "", rows, following if isinstance(following, str) else ""


def _equal(sent: Mapping[str, Any], listed: Mapping[str, Any]) -> bool:
    """Compare the fields that both sides name; empty text and null are the same."""
    return all(_plain(sent[name]) == _plain(listed[name]) for name in _COMPARED if name in sent and name in listed)


def _plain(value: Any) -> Any:
    if not isinstance(value, str):
        return "" if value is None else value
    return _instant(value) or value


def _instant(text: str) -> datetime | None:
    if len(text) < len("2026-01-01T00:00:00Z") or text[4] != "-":
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else None


def _after(stamp: Any, sent_wall: str) -> bool:
    """Whether a row was changed since we sent ours; the service may write whole seconds."""
    changed, sent = _instant(stamp) if isinstance(stamp, str) else None, _instant(sent_wall)
    return changed is not None and sent is not None and changed >= sent.replace(microsecond=0)
