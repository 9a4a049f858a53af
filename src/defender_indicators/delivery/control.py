"""Run control: start, resume, retry and verify runs of one ledger. Every door ends here or in an action."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import uuid4

from defender_indicators.clock import Clock
from defender_indicators.delivery.answer import Transport
from defender_indicators.delivery.calls import CallBook
from defender_indicators.delivery.health import Health, Timing
from defender_indicators.delivery.ledger import Ledger
from defender_indicators.delivery.limiter import Window
from defender_indicators.delivery.lock import sender_lock
from defender_indicators.delivery.machine import Machine
from defender_indicators.delivery.outcome import RESUMABLE
from defender_indicators.delivery.plan import Plan
from defender_indicators.delivery.records import Run
from defender_indicators.delivery.report import Report
from defender_indicators.delivery.resume import reopen
from defender_indicators.delivery.sender import Sender, Stop, Wait
from defender_indicators.delivery.verify import Verifier
from defender_indicators.errors import InputError

_PROGRESS_SECONDS: Final = 0.1


class Progress(NamedTuple):
    """Where a run stands; ``waiting_seconds`` is 0 while it does not wait or waits for an answer."""

    total: int
    accepted: int
    refused: int
    other: int
    in_flight: int
    waiting_seconds: float
    waiting_reason: str


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

    def close(self) -> None:
        """Close the ledger; reports of this delivery end with it."""
        self.ledger.close()

    def deliver(self, plan: Plan, transport: Transport) -> Report:
        """Send a plan. The same plan again, or the same idempotency key, continues the run that is there.

        Raises:
            LockedError: another process is sending and nobody wants to wait.
            InputError: the idempotency key was used for other indicators.
        """
        with sender_lock(self._path, self._clock, self._patience):
            known = self._known(plan)
            if known is None:
                run_id = f"{self._clock.now():%Y%m%d-%H%M%S}-{uuid4().hex[:6]}"
                plan.write(self.ledger, run_id, self._clock.now().isoformat(timespec="seconds"))
                return self._send(self.ledger.run(run_id), transport)
            if known.state == "finished":
                return Report(self.ledger, known.id)
            return self._resume(known, transport)

    def resume(self, run_id: str, transport: Transport) -> Report:
        """Go on with a run, or with the oldest unfinished one for ``""``.

        Raises:
            InputError: there is no such run, or nothing to resume.
        """
        with sender_lock(self._path, self._clock, self._patience):
            unfinished = self.ledger.unfinished()
            if not run_id and not unfinished:
                raise InputError(f"{self._path}: every run is finished; there is nothing to resume")
            run = self.ledger.run(run_id or unfinished[0].id)
            if run.state == "finished":
                return Report(self.ledger, run.id)
            return self._resume(run, transport)

    def verify(self, run_id: str, transport: Transport) -> dict[str, Any]:
        """Read a run back (see :meth:`Verifier.verify`).

        Raises:
            InputError: there is no such run.
            ConnectorError: the tenant could not be listed to the end.
        """
        run = self.ledger.run(run_id)
        health = Health(self._timing, random.SystemRandom().uniform)
        book = CallBook(self.ledger, self._clock, self._windows)
        return Verifier(self.ledger, book, health, self._clock, self._stop.sleep).verify(run.id, transport)

    def _known(self, plan: Plan) -> Run | None:
        if plan.idempotency_key:
            run = self.ledger.run_by_key(plan.idempotency_key)
            if run and run.subject_hash != plan.subject_hash:
                raise InputError(f"idempotency key {plan.idempotency_key!r}: run {run.id} used it for other indicators")
            return run
        return next((run for run in self.ledger.unfinished() if run.plan_hash == plan.hash), None)

    def _resume(self, run: Run, transport: Transport) -> Report:
        reopen(self.ledger, run)
        return self._send(run, transport)

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
                open_rows = any(self.ledger.counts(other.id).get(status) for status in RESUMABLE)
                if other.id != run.id:
                    if not open_rows:
                        self.ledger.set_run(other.id, state="finished")
                    continue
                state = "halted" if health.halted else "paused" if open_rows else "finished"
                stopped = health.halted or (health.paused if open_rows else "")
                self.ledger.set_run(run.id, state=state, waited=waited, stopped=stopped)

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
