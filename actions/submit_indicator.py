"""Submit one indicator given as plain values; see the manifest beside this file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from defender_indicators.context import Context


def run(inputs: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
    """Make one row of the inputs and deliver it as an import does.

    Returns:
        An import report with one row.
    """
    row = {name: value for name, value in inputs.items() if name != "dry_run" and value != ""}
    if "rbacGroupNames" in row:
        row["rbacGroupNames"] = [name.strip() for name in row["rbacGroupNames"].split(",") if name.strip()]
    plan = context.plan([row])
    if inputs["dry_run"] or context.dry_run:
        return context.preview(plan)
    report: Mapping[str, Any] = context.connector.import_indicators(plan)
    return report
