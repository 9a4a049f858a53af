"""Judge indicators without sending them; see the manifest beside this file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from defender_indicators.context import Context


def run(inputs: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
    """Plan the rows and report the plan.

    Returns:
        An import report in which nothing has been sent.
    """
    plan = context.plan(inputs["indicators"], defaults=inputs["defaults"], legacy_actions=inputs["legacy_actions"])
    return context.preview(plan)
