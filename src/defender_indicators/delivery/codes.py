"""What became of a row that was planned: one stable code each, with its meaning and remedy.

What is wrong with a row itself has codes of its own, in ``indicators`` and ``sources``. The service's codes are not
ours to keep stable; they stand in the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "duplicate": "An earlier row says exactly the same; nothing to do",
        "repeated_with_changes": "A later row is the same indicator with other details; the later one is sent",
        "conflicting_actions": "Rows want different actions for one indicator; all are rejected, keep one of them",
        "superseded": "A newer run took over this indicator before the row was sent; look at that run's report",
        "refused_by_service": "The reason is Microsoft's own; correct the row, or retry when its cause is gone, "
        "as when a full tenant has room again",
        "changed_elsewhere": "The indicator was changed or removed in the tenant; look, then import it again if wanted",
        "first_step_not_done": "The row waits for another one that was not accepted; see to that one, then resume",
        "lost_with_ledger": "The ledger was damaged and recovered, and knows nothing of this row any more; "
        "look in the tenant, or import it again",
        "capacity_reached": "The tenant is full; delete indicators that are no longer needed, then resume",
        "bisect_budget_spent": "Too many bad rows stood in one call to find them all; resume goes on looking",
        "isolated_by_bisect": "Sent alone, the row still makes the service refuse the call; correct it or leave it out",
        "too_large": "Sent alone, the row is still too large for the service; shorten its texts",
        "row_not_answered": "The service's answer leaves this row out; resume asks again, or look in the portal",
        "id_not_known": "The service did not say which row the new version became; resume looks before it deletes",
        "not_sent_yet": "Its turn has not come; resume",
        "call_refused": "The service refused a call that held this row; resume looks for the row at fault",
        "no_answer": "The call went out and no answer came back; resume finds out",
        "server_error": "The service failed while it had the row; resume finds out",
        "untrustworthy_answer": "What answered was not the API; look at the proxy and the address, then resume",
    }
)
"""Code → meaning and remedy."""

_BATCH_CODES: Final[Mapping[str, Sequence[str]]] = {
    "pending": ("not_sent_yet", "call_refused"),
    "unknown": (
        *("no_answer", "server_error", "untrustworthy_answer", "row_not_answered"),
        *("bisect_budget_spent", "call_refused", "id_not_known"),
    ),
    "deferred": ("bisect_budget_spent", "capacity_reached"),
    "quarantined": ("isolated_by_bisect", "too_large", "row_not_answered"),
}


def code_of(status: str, noted: str) -> str:
    """Return the code of rows whose batch has this status; ``noted`` is what the ledger has beside the batch.

    A batch keeps the code of its last verdict when its state moves on; only a code of the state it is in now is shown.
    """
    known = _BATCH_CODES[status]
    return noted if noted in known else known[0]


def code_of_doubt(given: str) -> str:
    """Return our code for an answer that decided nothing; a code of the service's says only that it failed."""
    return given if given in _BATCH_CODES["unknown"] else "server_error"
