"""Find rows that contradict each other; see the manifest beside this file."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from defender_indicators.planning.conflicts import conflicts_of, described, repair_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from defender_indicators.context import Context


def run(inputs: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
    """Look through a full listing; repair only where that was asked for and this is no dry run.

    Returns:
        The conflicts, and the report of the repair.
    """
    snapshot = context.plans.snapshot
    found = [one for one in conflicts_of(snapshot) if not inputs["kinds"] or one.kind in inputs["kinds"]]
    surplus = len(repair_of(found))
    report: Mapping[str, Any] = {}
    if inputs["repair"] and surplus and not context.dry_run:
        report = context.connector.apply(context.plans.repair(inputs["kinds"])).to_dict()
    return {
        "schema_version": 1,
        "found": len(found),
        "counts": dict(Counter(one.kind for one in found)),
        "conflicts": [described(one, snapshot) for one in found],
        "surplus": surplus,
        "repair": report,
    }
