"""Extract indicators from what teams have; see the manifest beside this file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from defender_indicators.errors import InputError
from defender_indicators.feeds import source_of
from defender_indicators.sources import extracted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from defender_indicators.context import Context


def run(inputs: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
    """Read a source to its end.

    Returns:
        Its indicators, with a count of everything that was read.
    """
    if bool(inputs["source"]) == bool(inputs["text"]):
        raise InputError("$: give either source or text, one of them")
    with source_of(inputs, context, unique=True) as source:
        return extracted(source)
