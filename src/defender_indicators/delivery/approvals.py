"""Approvals: what the guard holds is released by a person, for one plan and for a day.

An approval is bound to the plan's hash, which names every byte that would be sent and every hold: a plan that was
edited, or that is held for other reasons, has another hash.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from defender_indicators.delivery import events
from defender_indicators.delivery.ledger import Ledger
from defender_indicators.delivery.records import Exceptional, Run
from defender_indicators.delivery.resume import can_be_released
from defender_indicators.errors import InputError

HOURS: Final = 24
"""How long an approval lasts."""
_LIST: Final = re.compile(r'"([^"]+)"')


class Approval(NamedTuple):
    """``at`` and ``expires`` are ISO with zone."""

    plan_hash: str
    approver: str
    at: str
    expires: str
    why: str


def approve(  # noqa: PLR0913 - the facts of an approval
    ledger: Ledger,
    plan_hash: str,
    approver: str,
    why: str,
    at: datetime,
    *,
    hours: float = HOURS,
    author: str = "",
    approver_differs: bool = False,
) -> Approval:
    """Write an approval down; a new one of the same person replaces the old one.

    Args:
        ledger: where the plan was or will be written.
        plan_hash: the plan.
        approver: who approves.
        why: the reason; it must say something.
        at: now.
        hours: how long it lasts.
        author: who wants the plan.
        approver_differs: refuse an approval by the author.

    Raises:
        InputError: no reason, or the author approves where somebody else must.
    """
    if not why.strip():
        raise InputError("approval: a reason is missing; say why with --why")
    if approver_differs and approver == author:
        raise InputError(f"plan {plan_hash[:12]}: {approver} approves what {author} planned; somebody else has to")
    expires = at + timedelta(hours=hours)
    given = Approval(plan_hash, approver, _text(at), _text(expires), why)
    with ledger.transaction():
        ledger.database.execute(
            f"INSERT INTO approval ({', '.join(Approval._fields)}) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (plan_hash, approver) DO UPDATE"
            " SET at = excluded.at, expires = excluded.expires, why = excluded.why",
            given,
        )
        facts = {"plan": plan_hash, "author": author, "expires": given.expires}
        events.record(ledger.database, given.at, approver, "approval given", why=why, details=facts)
    return given


def approved(
    ledger: Ledger, plan_hash: str, now: datetime, *, author: str = "", approver_differs: bool = False
) -> Approval | None:
    """Return the approval of a plan that lasts longest, None when there is none or all have expired.

    Args:
        ledger: where approvals are.
        plan_hash: the plan.
        now: an approval that ends before does not count, nor does one from the future.
        author: who wants the plan.
        approver_differs: whether an approval by the author does not count.
    """
    columns = ", ".join(Approval._fields)
    rows = ledger.database.execute(f"SELECT {columns} FROM approval WHERE plan_hash = ?", (plan_hash,))
    found = [
        given
        for given in map(Approval._make, rows)
        if datetime.fromisoformat(given.at) <= now < datetime.fromisoformat(given.expires)
        and not (approver_differs and given.approver == author)
    ]
    return max(found, key=lambda given: datetime.fromisoformat(given.expires), default=None)


def use(ledger: Ledger, given: Approval, run_id: str, at: datetime) -> None:
    """Record that an approval released rows of a run; inside the caller's transaction."""
    facts = {"plan": given.plan_hash, "given": given.at}
    events.record(ledger.database, _text(at), given.approver, "approval used", run=run_id, why=given.why, details=facts)


def subject(ledger: Ledger, named: str) -> Run:
    """Return the run with this id, or the newest one of the plan with this hash.

    Raises:
        InputError: there is none.
    """
    of_plan = [run for run in ledger.runs() if run.plan_hash == named]
    return of_plan[-1] if of_plan else ledger.run(named)


def releasable(ledger: Ledger, run: Run) -> Counter[tuple[str, str]]:
    """Count what an approval would release, by code and list (named in the reason in quotation marks, else ``""``).

    Raises:
        InputError: there is nothing that an approval could release.
    """
    held = [row for row in ledger.rows(run.id) if row.status == "held"]
    return counted(held, f"run {run.id}")


def counted(held: Sequence[Exceptional], place: str) -> Counter[tuple[str, str]]:
    """Count held rows that an approval releases, as :func:`releasable` does; ``place`` is where they stand.

    Raises:
        InputError: there is none.
    """
    found: Counter[tuple[str, str]] = Counter()
    for row in filter(can_be_released, held):
        named = _LIST.search(row.reason)
        found[row.code, named[1] if named else ""] += 1
    if found:
        return found
    if not held:
        raise InputError(f"{place}: nothing is held, there is nothing to approve")
    codes = ", ".join(f"{code} {count}" for code, count in sorted(Counter(row.code for row in held).items()))
    raise InputError(f"{place}: no approval releases what is held ({codes}); correct the source or the configuration")


def _text(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
