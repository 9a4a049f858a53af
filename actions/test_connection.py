"""Test the connection; see the manifest beside this file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from defender_indicators.context import Context


def run(inputs: Mapping[str, Any], context: Context) -> Mapping[str, Any]:  # noqa: ARG001 - every handler takes both
    """Ask the connector to prove itself.

    Returns:
        Whether the connection works, who we are there, and what is missing.
    """
    outputs: Mapping[str, Any] = context.connector.check()
    return outputs
