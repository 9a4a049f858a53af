"""The tenant at one moment: every row, whose it is, and how much room there is.

Source: get-ti-indicators-collection.md, ti-indicator.md.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from defender_indicators.indicators import row_from_api

APPLICATION: Final = "defender-indicators"
"""What ``application`` says on rows that were imported one by one; a set's rows add ``/`` and its name."""

Row = Mapping[str, Any]
"""One row as ``indicators.row_from_api`` returns it."""


def tag(set_name: str) -> str:
    """Return the ``application`` of the rows that a set keeps; the service never changes it afterwards."""
    return f"{APPLICATION}/{set_name}"


class Snapshot:
    """A complete listing.

    Args:
        rows: raw rows of the service, in any order; what is no row at all is left out.
        app_id: our application (client) id.
        adopted: ids of rows of others that were taken over → the set that keeps them.

    Attributes:
        rows: every row, once.
    """

    def __init__(self, rows: Iterable[object], app_id: str, adopted: Mapping[str, str] | None = None) -> None:
        app_id, adopted = app_id.lower(), adopted or {}
        by_id: dict[str, dict[str, Any]] = {}
        for raw in rows:
            row = row_from_api(raw)
            if row is not None:
                by_id[row["id"]] = row
        self.rows: list[dict[str, Any]] = list(by_id.values())
        self._by_id = by_id
        self._sets = {row["id"]: _set_of(row, adopted) for row in self.rows if _made_by(row, app_id, adopted)}
        self._by_value: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in self.rows:
            self._by_value[row["type"], row["value"]].append(row)

    def of(self, kind: str, value: str) -> list[Row]:
        """Return the rows of one type and canonical value, whatever their action and scope."""
        return self._by_value.get((kind, value), [])

    def by_id(self, identifier: str) -> Row | None:
        """Return a row by its id."""
        return self._by_id.get(identifier)

    def values(self) -> Iterable[tuple[tuple[str, str], list[Row]]]:
        """Return the rows grouped by type and canonical value."""
        return self._by_value.items()

    def own(self, row: Row) -> bool:
        """Whether our application made the row, or it was adopted."""
        return row["id"] in self._sets

    def set_of(self, row: Row) -> str:
        """Return the set that keeps a row; ``""`` for a row of ours in none, and for rows of others."""
        return self._sets.get(row["id"], "")

    def ids_of(self, set_name: str) -> set[str]:
        """Return the ids of the rows that a set keeps; of ``""`` those of ours in none."""
        return {identifier for identifier, name in self._sets.items() if name == set_name}

    def count(self) -> dict[str, int]:
        """Return ``total``, ``own`` and ``foreign`` rows."""
        own = len(self._sets)
        return {"total": len(self.rows), "own": own, "foreign": len(self.rows) - own}

    def by_owner(self) -> dict[str, int]:
        """Return rows per creator, as the service names it."""
        names = (str(row.get("createdByDisplayName") or row.get("createdBy") or "(unknown)") for row in self.rows)
        return dict(Counter(names).most_common())

    def expiring(self, before: datetime) -> int:
        """Return how many rows end before a moment."""
        limit = before.strftime("%Y-%m-%dT%H:%M:%SZ")
        return sum("" < str(row.get("expirationTime", "")) < limit for row in self.rows)


def _made_by(row: Row, app_id: str, adopted: Mapping[str, str]) -> bool:
    return str(row.get("createdBy", "")).lower() == app_id or row["id"] in adopted


def _set_of(row: Row, adopted: Mapping[str, str]) -> str:
    first, _, rest = str(row.get("application", "")).partition("/")
    return adopted.get(row["id"], rest if first == APPLICATION else "")
