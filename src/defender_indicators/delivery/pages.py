"""Walking through the tenant's list, page by page, to its end. Pure."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from defender_indicators import strict_json
from defender_indicators.delivery.answer import Answer, Call

PAGE_ROWS: Final = 10_000
"""Rows asked for at once: the most that ``$top`` allows (Source: get-ti-indicators-collection.md)."""
PAGE_BYTES: Final = 64 * 1024 * 1024
"""Bytes of one decoded page: a row takes about 1 kB, six times as much is still read."""
SURELY_SHORT: Final = 1000
"""A first page of fewer rows is the whole list; a longer one may be all that the service gives at once."""
_ADDRESS: Final = f"/api/indicators?$top={PAGE_ROWS}&$skip="


class Pages:
    """One walk in progress.

    A link of the service leads to the next page. Without one the walk goes on at ``$skip`` after every page that may
    have been cut: one as long as those before it, for the service may ignore ``$top`` or cap it. Pages are not one
    moment: a row removed meanwhile may hide another one, a row that comes twice is given once.

    Attributes:
        path: the next page to ask for; ``""`` when the list was read to its end.
        failures: answers in a row that were no page.
        total: rows read.
    """

    def __init__(self) -> None:
        self.path = f"{_ADDRESS}0"
        self.failures = 0
        self.total = 0
        self._links: set[str] = set()
        self._ids: set[object] = set()
        self._longest = 0

    def call(self) -> Call:
        """Return the request for the next page."""
        return Call("GET", self.path, most_bytes=PAGE_BYTES)

    def take(self, answer: Answer) -> tuple[str, list[Any]]:
        """Take one page in.

        Returns:
            ``""`` and the rows as the service wrote them, or why the answer is no page; an incomplete walk proves
            nothing.
        """
        problem, rows, following = _page(answer)
        if following and following in self._links:
            problem = "the service names a next page that was read already"
        if problem:
            self.failures += 1
            return problem, []
        self.failures = 0
        self.total += len(rows)
        cut = len(rows) >= max(self._longest, SURELY_SHORT)
        self._longest = max(self._longest, len(rows))
        self._links.add(following)
        self.path = following or (f"{_ADDRESS}{self.total}" if cut else "")
        return "", [row for row in rows if self._is_new(row)]

    def _is_new(self, row: Any) -> bool:
        identifier = row.get("id") if isinstance(row, dict) else None
        if not isinstance(identifier, str | int):
            return True
        known = identifier in self._ids
        self._ids.add(identifier)
        return not known


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
