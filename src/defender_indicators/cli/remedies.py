"""What a person can do about a row, by its code."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

AFTER_PLANNING = {
    "bisect_budget_spent": "Too many bad rows stood in one call to find them all; resume goes on looking.",
    "capacity_reached": "The tenant is full; delete indicators that are no longer needed, then resume.",
    "changed_elsewhere": "Look at the indicator in the portal; import it again if it is still wanted.",
    "isolated_by_bisect": "Sent alone, this row still makes the service refuse the call; correct it or leave it out.",
    "no_answer": "The service may or may not have it; resume finds out.",
    "not_sent": "It was not sent; resume when the service can be reached.",
    "refused_by_service": "The reason is Microsoft's own; correct the row, or retry when its cause is gone.",
    "row_not_answered": "The service's answer leaves this row out; resume asks again.",
    "too_large": "Sent alone, this row is still too large for the service; shorten its texts.",
    "untrustworthy_answer": "What answered was not the API; look at the proxy and the address, then resume.",
}
"""Code → remedy, for rows that were planned; readers and the canonicaliser have their own."""


def known_remedies() -> Mapping[str, str]:
    """Return the remedy of every code that a row can carry."""
    from defender_indicators import indicators, sources  # noqa: PLC0415  # only where a row failed

    return {**sources.CODES, **indicators.CODES, **AFTER_PLANNING}
