"""Change the action or the devices of indicators; see the manifest beside this file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from defender_indicators.context import Context


def run(inputs: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
    """Plan the pairs of import and deletion and, unless this is a dry run, carry them out.

    Returns:
        An import report; the deletions follow the rows of the input.
    """
    plan = context.plans.replace(inputs["indicators"], set_name=inputs["set"], lifetime_days=inputs["lifetime_days"])
    if inputs["dry_run"] or context.dry_run:
        return context.preview(plan)
    report: Mapping[str, Any] = context.connector.apply(plan)
    return report
