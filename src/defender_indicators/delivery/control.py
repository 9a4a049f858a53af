"""Run control: start, resume, retry and verify runs of one ledger. Every door ends here or in an action."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from defender_indicators.clock import Clock
from defender_indicators.delivery import events
from defender_indicators.delivery.answer import Transport
from defender_indicators.delivery.approvals import Approval, approved, use
from defender_indicators.delivery.calls import CallBook
from defender_indicators.delivery.deliverable import Deliverable, Progress
from defender_indicators.delivery.document import document
from defender_indicators.delivery.health import Health, Timing
from defender_indicators.delivery.ledger import Ledger
from defender_indicators.delivery.limiter import Window
from defender_indicators.delivery.lister import Lister
from defender_indicators.delivery.lock import sender_lock
from defender_indicators.delivery.machine import Machine
from defender_indicators.delivery.outcome import RESUMABLE, outcome_of
from defender_indicators.delivery.records import Run
from defender_indicators.delivery.report import Report
from defender_indicators.delivery.resume import releasable, reopen
from defender_indicators.delivery.sender import Sender, Stop, Wait
from defender_indicators.delivery.verify import Verifier
from defender_indicators.errors import InputError

_PROGRESS_SECONDS: Final = 0.1
_INDICATORS: Final = "/api/indicators"


class Delivery:
    """Delivers plans to one (cloud, tenant, application).

    Args:
        path: the ledger.
        windows: the product's limits per endpoint.
        progress: called about ten times a second while a run is under way.
        patience: called with the holder while another process sends; returns false to give up.
    """

    def __init__(  # noqa: PLR0913 - everything a run needs from outside
        self,
        path: Path,
        *,
        clock: Clock,
        windows: Mapping[str, Sequence[Window]],
        timing: Timing,
        stop: Stop,
        progress: Callable[[Progress], None],
        patience: Callable[[str], bool],
    ) -> None:
        self.ledger = Ledger(path)
        self._path = path
        self._clock = clock
        self._windows = windows
        self._timing = timing
        self._stop = stop
        self._progress = progress
        self._patience = patience
        self._shown = 0.0
        self._held = ExitStack()
        self._holding = False

    def close(self) -> None:
        """Close the ledger; reports of this delivery end with it."""
        self._held.close()
        self.ledger.close()

    def hold(self) -> bool:
        """Keep other runs of this tenant away until the end, for a caller who plans on what it reads from now on.

        Returns:
            Whether that is new; what was read before may be out of date.

        Raises:
            LockedError: another process is sending and nobody wants to wait.
        """
        if self._holding:
            return False
        self._held.enter_context(sender_lock(self._path, self._clock, self._patience))
        self._holding = True
        return True

    def _exclusive(self) -> AbstractContextManager[object]:
        return nullcontext() if self._holding else sender_lock(self._path, self._clock, self._patience)

    def deliver(self, plan: Deliverable, transport: Transport) -> Report:
        """Send a plan. The same plan again, or the same idempotency key, continues the run that is there.

        Raises:
            LockedError: another process is sending and nobody wants to wait.
            InputError: the idempotency key was used for other indicators.
        """
        with self._exclusive():
            known = self._known(plan)
            if known is None:
                self._stop.require_off()
                run_id = f"{self._clock.now():%Y%m%d-%H%M%S}-{uuid4().hex[:6]}"
                plan.write(self.ledger, run_id, self._clock.now().isoformat(timespec="seconds"))
                known = self.ledger.run(run_id)
                return self._resume(known, transport) if self._approval(known) else self._send(known, transport)
            return self._continue(known, transport)

    def resume(self, run_id: str, transport: Transport) -> Report:
        """Go on with a run, or with the oldest unfinished one for ``""``; rows that were approved are sent, too.

        Raises:
            InputError: there is no such run, or nothing to resume.
        """
        with self._exclusive():
            unfinished = self.ledger.unfinished()
            if not run_id and not unfinished:
                raise InputError(f"{self._path}: every run is finished; there is nothing to resume")
            return self._continue(self.ledger.run(run_id or unfinished[0].id), transport)

    def verify(self, run_id: str, transport: Transport) -> dict[str, Any]:
        """Read a run back (see :meth:`Verifier.verify`).

        Raises:
            InputError: there is no such run.
            ConnectorError: the tenant could not be listed to the end.
        """
        run = self.ledger.run(run_id)
        return Verifier(self.ledger, self._lister()).verify(run.id, transport)

    def listing(self, transport: Transport) -> Iterator[list[Any]]:
        """Return all of the tenant's rows, as :meth:`Lister.rows` does.

        Raises:
            ConnectorError: the tenant could not be listed to the end.
        """
        return self._lister().rows(transport)

    def read(self, path: str, transport: Transport) -> dict[str, Any] | None:
        """Return the JSON object at a path, None when there is no such thing (404).

        Raises:
            AuthorizationError: a permission is missing; the service's words say which.
            ConnectorError: it could not be read.
        """
        endpoint = "list" if _INDICATORS in path else "read"
        return document(path, self._lister().read(path, transport, endpoint))

    def _lister(self) -> Lister:
        health = Health(self._timing, random.SystemRandom().uniform)
        book = CallBook(self.ledger, self._clock, self._windows)
        return Lister(self.ledger, book, health, self._clock, self._stop.sleep)

    def _known(self, plan: Deliverable) -> Run | None:
        if plan.idempotency_key:
            run = self.ledger.run_by_key(plan.idempotency_key)
            if run and run.subject_hash != plan.subject_hash:
                raise InputError(f"idempotency key {plan.idempotency_key!r}: run {run.id} used it for other indicators")
            return run
        same = (run for run in self.ledger.unfinished() if run.plan_hash == plan.hash)
        return next((run for run in same if not self._planned_anew(run)), None)

    def _planned_anew(self, run: Run) -> bool:
        """Whether a run only waits for room that the plan of a newer sync has looked for, and not found, again."""
        counts = self.ledger.counts(run.id)
        return run.kind == "sync" and not (counts.get("pending") or counts.get("unknown"))

    def _continue(self, run: Run, transport: Transport) -> Report:
        if run.state == "finished":
            if not self._approval(run):
                return Report(self.ledger, run.id)
            for other in self.ledger.unfinished():
                if other.plan_hash == run.plan_hash:
                    raise InputError(f"run {run.id}: run {other.id} is the same plan, unfinished; resume that one")
        return self._resume(run, transport)

    def _resume(self, run: Run, transport: Transport) -> Report:
        self._stop.require_off()
        given = self._approval(run)
        reopen(self.ledger, run, released=given is not None, beside=lambda: self._use(given, run))
        return self._send(run, transport)

    def _approval(self, run: Run) -> Approval | None:
        """Return the approval that releases rows of a run, None where there is none or nothing to release."""
        given = approved(self.ledger, run.plan_hash, self._clock.now())
        return given if given and releasable(self.ledger, run.id) else None

    def _use(self, given: Approval | None, run: Run) -> None:
        if given:
            use(self.ledger, given, run.id, self._clock.now())

    def _send(self, run: Run, transport: Transport) -> Report:
        health = Health(self._timing, random.SystemRandom().uniform)
        machine = Machine(self.ledger, run, CallBook(self.ledger, self._clock, self._windows), health, self._clock)
        machine.start()
        sender = Sender(machine, transport, self._clock, self._stop, lambda wait: self._show(run, wait))
        try:
            sender.run()
        finally:
            self._shown = 0.0
        self._finish(run, health, run.waited + sender.waited)
        self._show(run, Wait(0.0, "", 0))
        return Report(self.ledger, run.id)

    def _finish(self, run: Run, health: Health, waited: float) -> None:
        with self.ledger.transaction():
            for other in self.ledger.unfinished():
                counts = self.ledger.counts(other.id)
                open_rows = any(counts.get(status) for status in RESUMABLE)
                if other.id != run.id:
                    if not open_rows:
                        self.ledger.set_run(other.id, state="finished")
                        self._record_end(other, "finished", "", counts)
                    continue
                state = "halted" if health.halted else "paused" if open_rows else "finished"
                stopped = health.halted or (health.paused if open_rows else "")
                self.ledger.set_run(run.id, state=state, waited=waited, stopped=stopped)
                self._record_end(run, state, stopped, counts)

    def _record_end(self, run: Run, state: str, stopped: str, counts: Mapping[str, int]) -> None:
        outcome = outcome_of(counts, halted=state == "halted")
        facts = {"state": state, "outcome": outcome, "stopped": stopped, "counts": counts}
        now = self._clock.now().isoformat(timespec="seconds")
        events.record(self.ledger.database, now, run.author, "run ended", run=run.id, details=facts)

    def _show(self, run: Run, wait: Wait) -> None:
        now = self._clock.boottime()
        if self._shown and now - self._shown < _PROGRESS_SECONDS:
            return
        self._shown = now
        counts = self.ledger.counts(run.id)
        accepted, refused = counts.get("accepted", 0), counts.get("refused", 0)
        waiting = sum(counts.get(status, 0) for status in ("pending", "unknown"))
        other = run.total - accepted - refused - waiting
        self._progress(Progress(run.total, accepted, refused, other, wait.in_flight, wait.seconds, wait.reason))
