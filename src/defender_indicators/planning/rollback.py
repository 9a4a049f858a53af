"""The inverse of a run: what it created goes, what it deleted or overwrote comes back as the ledger knows it. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from defender_indicators.indicators import Indicator, row_from_api
from defender_indicators.planning.changes import Change, Wanted, deleting, writing
from defender_indicators.planning.comparison import differing
from defender_indicators.planning.snapshot import Row, Snapshot


class Done(NamedTuple):
    """One row that a run has changed: ``row`` in Microsoft's spelling as it was sent, ``id`` the service's."""

    operation: str
    row: Mapping[str, Any]
    id: str


def inverse(done: Sequence[Done], earlier: Iterable[Done], snapshot: Snapshot, began: str) -> list[Change]:
    """Return the changes that undo a run; rows that were changed since are left alone.

    Args:
        done: what the run did, by the ledger.
        earlier: what older runs imported, oldest first: what an overwritten row said before.
        snapshot: the tenant now.
        began: ISO moment at which the run began; a row that is older existed before it.
    """
    imports = {one.id: one.row for one in done if one.operation == "import"}
    before = {one.id: one.row for one in earlier}
    found: list[Change] = []
    for identifier, row in imports.items():
        listed = snapshot.by_id(identifier)
        if listed is None or not snapshot.own(listed) or not _as_sent(row, listed):
            continue
        if identifier in before:
            kind = "update" if before[identifier].get("action") == listed["action"] else "replace"
            found.append(_restored(before[identifier], len(found), identifier, kind))
        elif _created_since(listed, began):
            found.append(deleting("delete", listed, len(found), reason="the run created it"))
    gone = [one.row for one in done if one.operation == "delete" and _free(one.row, snapshot, imports)]
    back = [_restored(row, position, "", "add") for position, row in enumerate(gone, start=len(found))]
    return list(_linked(found, back))


def _linked(undone: Sequence[Change], back: Sequence[Change]) -> Iterator[Change]:
    """Yield the changes in order, a row that comes back for one that goes as the pair that they are.

    The other row goes once its predecessor is there; what allows goes first.
    """
    returning = {(change.type, change.value): change for change in back}
    gone: dict[int, int] = {}
    for change in undone:
        partner = returning.get((change.type, change.value)) if change.kind == "delete" else None
        if partner and change.action == "Allowed":
            gone[partner.position] = change.position
        yield change._replace(after=partner.position) if partner and change.action != "Allowed" else change
    yield from (change._replace(after=gone.get(change.position, change.after)) for change in back)


def _as_sent(row: Mapping[str, Any], listed: Row) -> bool:
    ours = row_from_api({"id": "", **row}) or {}
    same = all(ours.get(name) == listed[name] for name in ("action", "scope"))
    return same and not differing(row, listed, rolling=False)


def _free(row: Mapping[str, Any], snapshot: Snapshot, imports: Container[str]) -> bool:
    """Whether nobody but the run itself has put another row in the place of one that it deleted."""
    ours = row_from_api(row) or {}
    there = snapshot.of(ours["type"], ours["value"])
    return all(other["id"] in imports for other in there if other["scope"] == ours["scope"])


def _restored(row: Mapping[str, Any], position: int, identifier: str, kind: str) -> Change:
    frozen = {name: value for name, value in row.items() if name != "id"}
    ours = row_from_api({"id": "", **row}) or {}
    payload = orjson.dumps(frozen, option=orjson.OPT_SORT_KEYS)
    indicator = Indicator(ours["type"], ours["value"], ours["action"], ours["scope"], payload, ())
    return writing(kind, Wanted(position, indicator), identifier=identifier)._replace(reason="as it was before the run")


def _created_since(row: Row, began: str) -> bool:
    try:
        created = datetime.fromisoformat(str(row.get("creationTimeDateTimeUtc", "")))
        return created >= datetime.fromisoformat(began).replace(microsecond=0)
    except (ValueError, TypeError):
        return False
