"""What a person can do about a row, by its code."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def known_remedies() -> Mapping[str, str]:
    """Return the remedy of every code that a row can carry."""
    from defender_indicators import delivery, indicators, sources  # noqa: PLC0415  # only where a row failed

    return {**sources.CODES, **indicators.CODES, **delivery.CODES}
