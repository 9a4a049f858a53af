"""Count the tenant's rows, and what an input would need; see the manifest beside this file."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from defender_indicators.feeds import source_of
from defender_indicators.planning.capacity import demand, summary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from defender_indicators.context import Context


def run(inputs: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
    """List the tenant, and plan the input as a sync that deletes nothing.

    Returns:
        Counts of rows, and which rows of the input would be left out.
    """
    plans, snapshot = context.plans, context.plans.snapshot
    wishes: dict[str, Any] = {"set_name": inputs["set"] or "capacity-check", "keep_missing": True, "guarded": False}
    if inputs["source"]:
        with source_of(inputs, context, ranked=True) as source:
            changes = plans.sync(source.rows, source=source, **wishes).changes
    else:
        changes = plans.sync(inputs["indicators"], **wishes).changes
    counted = summary((), snapshot, plans.room)
    return {
        "schema_version": 1,
        **{name: counted[name] for name in ("limit", "reserve", "total", "own", "foreign", "free")},
        "expiring": snapshot.expiring(context.clock.now() + timedelta(days=inputs["soon_days"])),
        "owners": snapshot.by_owner(),
        **demand(changes),
    }
