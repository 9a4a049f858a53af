"""Say what the tenant knows of one observable; see the manifest beside this file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from defender_indicators.enrichment import enrich

if TYPE_CHECKING:
    from collections.abc import Mapping

    from defender_indicators.context import Context


def run(inputs: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
    """Read rows, statistics and alerts; what may not be read becomes a gap.

    Returns:
        The verdict, and what it rests on.
    """
    sees_all = context.connector.sees_all
    return enrich(inputs["value"], inputs["type"], context.read, sees_all, context.clock.now())
