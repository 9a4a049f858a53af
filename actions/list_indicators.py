"""List the tenant's indicators; see the manifest beside this file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from defender_indicators.planning.selection import listed, wish

if TYPE_CHECKING:
    from collections.abc import Mapping

    from defender_indicators.context import Context


def run(inputs: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
    """Read the whole tenant and choose.

    Returns:
        The rows that fit, and how many there are.
    """
    snapshot = context.plans.snapshot
    rows = wish(inputs).choose(snapshot, context.clock.now())
    shown = [listed(row, snapshot) for row in rows]
    return {"schema_version": 1, "total": len(snapshot.rows), "found": len(shown), "indicators": shown}
