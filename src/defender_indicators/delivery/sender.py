"""The thin shell around the machine: one coordinator, up to four threads that only turn bytes into a raw answer."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from defender_indicators.clock import Clock
from defender_indicators.delivery.answer import Answer, Failure, Transport
from defender_indicators.delivery.classify import Verdict
from defender_indicators.delivery.kill_switch import KillSwitch
from defender_indicators.delivery.machine import Machine
from defender_indicators.delivery.steps import Finished, Send, SignIn, Ticket
from defender_indicators.errors import ConnectorError

_LOG: Final = logging.getLogger(__name__)
GRACE_SECONDS: Final = 8.0
"""How long calls in flight may take to come back once somebody asked us to stop."""
_TICK: Final = 0.25
"""How often a wait is looked at again: to notice a request to stop, and to move the progress display."""


class Stop:
    """A request to stop, from a signal handler, another thread, or the kill switch where there is one."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self.signal = 0
        self.kill_switch: KillSwitch | None = None

    def request(self, signal_number: int = 0) -> None:
        """Ask for the end: no new call, a little patience for those in flight."""
        self.signal = signal_number
        self._event.set()

    def sleep(self, seconds: float) -> bool:
        """Wait so many seconds; returns false as soon as somebody asks for the end."""
        return not self._event.wait(seconds)

    @property
    def requested(self) -> bool:
        """Whether somebody asked."""
        return self._event.is_set() or self._switched

    @property
    def reason(self) -> str:
        """Why the run stops, where it was asked to."""
        return self.kill_switch.reason if self.kill_switch and self._switched else "stopped on request"

    def require_off(self) -> None:
        """Refuse to start a run while the kill switch is on.

        Raises:
            StoppedError: it is on.
        """
        if self.kill_switch:
            self.kill_switch.require_off()

    @property
    def _switched(self) -> bool:
        return self.kill_switch is not None and self.kill_switch.on


@dataclass(frozen=True, slots=True)
class Wait:
    """What the sender waits for: ``seconds`` from now (0: an answer), and why."""

    seconds: float
    reason: str
    in_flight: int


class Sender:
    """Drives a machine with a transport until nothing is left to do.

    Args:
        notify: called from the coordinator's thread after every change and while waiting.
    """

    def __init__(
        self, machine: Machine, transport: Transport, clock: Clock, stop: Stop, notify: Callable[[Wait], None]
    ) -> None:
        self._machine = machine
        self._transport = transport
        self._clock = clock
        self._stop = stop
        self._notify = notify
        self._tickets: queue.SimpleQueue[Ticket | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[Ticket, Answer]] = queue.SimpleQueue()
        self._stop_at = 0.0
        self.waited = 0.0

    def run(self) -> None:
        """Send everything there is to send; returns early when asked to stop, with calls in flight left in doubt."""
        workers = self._machine.health.timing.calls_in_flight
        for number in range(workers):
            # Daemons: a call that hangs must not keep a process alive that was told to end.
            threading.Thread(target=self._work, name=f"defender-send-{number}", daemon=True).start()
        try:
            while self._turn():
                pass
        finally:
            for _ in range(workers):
                self._tickets.put(None)

    def _turn(self) -> bool:
        if self._stop.requested and not self._stop_at:
            self._stop_at = self._clock.boottime() + GRACE_SECONDS
            self._machine.health.pause(self._stop.reason)
        step = self._machine.step()
        if isinstance(step, Finished):
            return False
        if isinstance(step, SignIn):
            self._sign_in(step)
        elif isinstance(step, Send):
            self._tickets.put(step.ticket)
            self._notify(Wait(0.0, "", self._machine.in_flight))
        else:
            self._wait(step.until, step.reason)
        return not (self._stop_at and self._clock.boottime() >= self._stop_at)

    def _sign_in(self, step: SignIn) -> None:
        try:
            self._transport.sign_in(renew=step.renew, claims=step.claims)
        except ConnectorError as error:
            self._machine.sign_in_failed(error)
        else:
            self._machine.signed_in()

    def _work(self) -> None:
        while (ticket := self._tickets.get()) is not None:
            self._answers.put((ticket, self._send(ticket)))

    def _send(self, ticket: Ticket) -> Answer:
        """A machine that was suspended in between must not send what was allowed long ago."""
        if self._clock.boottime() - ticket.opened > self._machine.health.timing.stale_send:
            return Answer(failure=Failure.NOT_SENT, detail="the machine slept between permission and sending")
        try:
            return self._transport.send(ticket.call)
        except Exception as error:  # noqa: BLE001 - whatever broke, the request may have left, and somebody waits
            return Answer(failure=Failure.LOST, detail=f"the connector broke: {type(error).__name__}")

    def _wait(self, until: float | None, reason: str) -> None:
        started = self._clock.boottime()
        left = _TICK if until is None else max(0.0, until - started)
        self._notify(Wait(0.0 if until is None else left, reason, self._machine.in_flight))
        try:
            ticket, answer = self._answers.get(timeout=max(0.001, min(left, _TICK)))
        except queue.Empty:
            pass
        else:
            verdict = self._machine.answered(ticket, answer)
            _log_call(ticket, answer, verdict, self._clock.boottime())
            self._notify(Wait(0.0, "", self._machine.in_flight))
        if until is not None:
            self.waited += self._clock.boottime() - started


def _log_call(ticket: Ticket, answer: Answer, verdict: Verdict, now: float) -> None:
    batch = ticket.batch
    fields = {
        "call": ticket.call.path.partition("?")[0],
        "request_id": ticket.call.request_id,
        "correlation_id": verdict.target,
        "run": batch.run if batch else "",
        "rows": len(batch.positions) if batch else 0,
        "refused": len(verdict.refused),
        "status": answer.status,
        "seconds": round(now - ticket.opened, 3),
    }
    words = verdict.reason or f"HTTP {answer.status}"
    _LOG.info("%s %s: %s", ticket.call.method, fields["call"], words, extra={**fields, "verdict": verdict.kind.value})
