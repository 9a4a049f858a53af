"""What a change is: one line of a plan."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import orjson

from defender_indicators.delivery.records import NOTHING, Exceptional
from defender_indicators.indicators import Indicator, row_to_api
from defender_indicators.planning.snapshot import Row

WRITING: Final = frozenset({"add", "update", "renew", "replace"})
"""Changes that import a row."""
DELETING: Final = frozenset({"delete", "clear", "evict"})
"""Changes that delete a row: it left the source or was asked away (``delete``), makes way for another row of the same
value (``clear``), or for a better one in a full tenant (``evict``)."""


class Wanted(NamedTuple):
    """A row that shall be in the tenant.

    ``rank`` orders rows when there is no room for all, the highest stays: (priority, severity, confidence, newest).
    ``rolling``: its end is counted from now on, because the source names none.
    """

    position: int
    indicator: Indicator
    rank: tuple[Any, ...] = ()
    rolling: bool = False


class Change(NamedTuple):
    """One line of a plan.

    ``kind`` is one of ``WRITING``, ``DELETING``, or ``unchanged``, or ``rejected`` for a row that never was one.
    ``status`` is that of the report: ``pending`` for what will be sent. ``row`` is what will be sent: the frozen
    payload, or of a deletion the tenant's row. ``after`` is the position that must be accepted first. ``fields`` names
    what differs from the tenant. ``hard``: no approval releases it.
    """

    kind: str
    position: int
    value: str
    type: str
    action: str
    row: bytes = b""
    status: str = "pending"
    code: str = ""
    reason: str = ""
    id: str = ""
    scope: str = ""
    notes: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    lane: int = 0
    after: int = NOTHING
    hard: bool = False
    rank: tuple[Any, ...] = ()

    @property
    def operation(self) -> str:
        """``import`` or ``delete``."""
        return "delete" if self.kind in DELETING else "import"

    @property
    def sent(self) -> bool:
        """Whether the row will be sent."""
        return self.status == "pending"

    def stopped(self, status: str, code: str, reason: str, *, hard: bool = False) -> Change:
        """Return the change as one that will not be sent."""
        return self._replace(status=status, code=code, reason=reason, hard=hard)

    def line(self) -> Exceptional:
        """Return the ledger's line for a row that is not sent."""
        payload = None if self.hard or self.status not in {"held", "deferred"} else self.row
        return Exceptional(
            self.position,
            self.status,
            self.value,
            self.type,
            self.action,
            self.code,
            self.reason,
            self.id,
            self.notes,
            payload,
            self.operation,
            self.lane,
            self.after,
        )


def writing(  # noqa: PLR0913 - the facts of one change
    kind: str,
    wanted: Wanted,
    status: str = "pending",
    *,
    identifier: str = "",
    fields: tuple[str, ...] = (),
    after: int = NOTHING,
) -> Change:
    """Return a change that imports a wanted row."""
    what, value, action, scope, payload, notes = wanted.indicator
    return Change(
        kind,
        wanted.position,
        value,
        what,
        action,
        payload,
        status,
        id=identifier,
        scope=scope,
        notes=notes,
        fields=fields,
        after=after,
        rank=wanted.rank,
    )


def deleting(kind: str, row: Row, position: int, **more: Any) -> Change:
    """Return a change that deletes a row of the tenant."""
    frozen = orjson.dumps(row_to_api(row), option=orjson.OPT_SORT_KEYS)
    more.setdefault("notes", ())
    return Change(
        kind, position, row["value"], row["type"], row["action"], frozen, id=row["id"], scope=row["scope"], **more
    )
