"""What a new run of a set makes of the older ones, so that a ledger does not grow with runs that changed nothing."""

from __future__ import annotations

from typing import Final

import orjson

from defender_indicators.delivery import Ledger

_KEPT: Final = 3
"""So many runs of a set that changed nothing stay to be shown; the audit log remembers all of them."""
_ANEW: Final = "the next sync of the set planned this row anew"


def retire(ledger: Ledger, kind: str, set_name: str) -> None:
    """Forget idle runs of a set and close those that only wait for room, inside the caller's transaction.

    What did not fit is planned anew with every run, so that it is not sent for ever by runs that wait.
    """
    execute = ledger.database.execute
    idle = []
    for run in ledger.runs():
        if run.kind != kind or orjson.loads(run.facts).get("set") != set_name:
            continue
        counts = {status for status, count in ledger.counts(run.id).items() if count}
        if run.state == "finished" and counts <= {"unchanged", "duplicate"}:
            idle.append(run.id)
        elif run.state == "paused" and "deferred" in counts and not counts & {"pending", "unknown"}:
            execute(
                "UPDATE row SET status = 'superseded', code = 'superseded', reason = ?, payload = NULL"
                " WHERE run = ? AND status = 'deferred'",
                (_ANEW, run.id),
            )
            if not ledger.counts(run.id).get("deferred"):
                ledger.set_run(run.id, state="finished", stopped="")
    for run_id in idle[:-_KEPT]:
        execute("DELETE FROM row WHERE run = ?", (run_id,))
        execute("DELETE FROM run WHERE id = ?", (run_id,))
