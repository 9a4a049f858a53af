"""Read the tenant's rows of one value, or of one id; see the manifest beside this file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from defender_indicators.errors import InputError
from defender_indicators.lookup import row_by_id, rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from defender_indicators.context import Context


def run(inputs: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
    """Ask for the id, or for every usual spelling of the value.

    Returns:
        The rows found, each with its action and scope.
    """
    number, value = inputs["id"], inputs["value"].strip()
    if bool(number) == bool(value):
        raise InputError("give either an id or a value")
    rows = row_by_id(number, context.read) if number else rows_of(value, context.read)
    return {"found": len(rows), "indicators": rows}
