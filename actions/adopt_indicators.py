"""Take rows of an older tool over; see the manifest beside this file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from defender_indicators.errors import InputError
from defender_indicators.planning.selection import listed, wish

if TYPE_CHECKING:
    from collections.abc import Mapping

    from defender_indicators.context import Context


def run(inputs: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
    """Choose rows from a full listing and note in the ledger that they belong to the set.

    Returns:
        The rows that were chosen, and how many were taken over.
    """
    names = ("application", "title", "owner")
    if not any(inputs[name].strip("*") for name in names):
        raise InputError("$: say which rows: application, title or owner, and more than *")
    snapshot = context.plans.snapshot
    rows = wish({name: inputs[name] for name in names}).choose(snapshot, context.clock.now())
    rows = [row for row in rows if not snapshot.set_of(row)]
    quiet = inputs["dry_run"] or context.dry_run
    adopted = 0 if quiet else context.plans.adopt(rows, inputs["set"])
    shown = [listed(row, snapshot) for row in rows]
    return {"schema_version": 1, "found": len(rows), "adopted": adopted, "indicators": shown}
