"""Delete indicators of the tenant; see the manifest beside this file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from defender_indicators.errors import InputError
from defender_indicators.planning.selection import chosen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from defender_indicators.context import Context


def run(inputs: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
    """Find the rows in a full listing and, unless this is a dry run, delete those that may go.

    Returns:
        An import report with one row for each row found, and one for each name that was not.
    """
    if not any(inputs[name] for name in ("ids", "values", "filter", "indicators")):
        raise InputError("$: name rows by ids, values, filter or indicators; nothing deletes everything")
    rows, missing = chosen(inputs, context.plans.snapshot, context.clock.now())
    plan = context.plans.delete(rows, missing, foreign=inputs["include_foreign"])
    if inputs["dry_run"] or context.dry_run:
        return context.preview(plan)
    report: Mapping[str, Any] = context.connector.apply(plan)
    return report
