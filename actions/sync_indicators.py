"""Make a set of the tenant equal to a source; see the manifest beside this file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from defender_indicators.errors import InputError
from defender_indicators.feeds import source_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from defender_indicators.context import Context


def run(inputs: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
    """Compare the source with the tenant and, unless this is a dry run, carry out the difference.

    Returns:
        An import report; ``plan`` says what was planned.
    """
    if bool(inputs["source"]) + bool(inputs["text"]) + ("indicators" in inputs) != 1:
        raise InputError("$: give source, text or indicators, one of them; a source that is empty is none")
    wishes = {name: inputs[name] for name in ("defaults", "lifetime_days", "keep_missing")}
    wishes["set_name"] = inputs["set"]
    if inputs["source"] or inputs["text"]:
        with source_of(inputs, context, ranked=True) as source:
            plan = context.plans.sync(source.rows, source=source, **wishes)
    else:
        plan = context.plans.sync(inputs["indicators"], **wishes)
    if inputs["dry_run"] or context.dry_run:
        return context.preview(plan)
    report: Mapping[str, Any] = context.connector.apply(plan)
    return report
