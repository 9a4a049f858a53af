"""Import any number of indicators; see the manifest beside this file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from defender_indicators.context import Context


def run(inputs: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
    """Plan the rows and, unless this is a dry run, deliver the plan.

    Returns:
        An import report.
    """
    plan = context.plan(
        inputs["indicators"],
        defaults=inputs["defaults"],
        legacy_actions=inputs["legacy_actions"],
        idempotency_key=inputs["idempotency_key"],
    )
    if inputs["dry_run"] or context.dry_run:
        return context.preview(plan)
    report: Mapping[str, Any] = context.connector.import_indicators(plan)
    return report
