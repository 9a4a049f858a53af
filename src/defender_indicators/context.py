"""What an action runs in: the connector, the clock, the ledger, and the few wishes of the caller.

Everything is made when it is first needed, so a dry run asks for no credentials and a listing of runs for no network.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from defender_indicators.clock import Clock, SystemClock
from defender_indicators.configuration import Profile
from defender_indicators.credentials import NoCredential
from defender_indicators.delivery import Delivery, Ledger, Limits, Plan, Progress, Report, Stop, Timing, Transport
from defender_indicators.delivery.deliverable import Deliverable
from defender_indicators.delivery.events import os_user
from defender_indicators.delivery.kill_switch import KillSwitch
from defender_indicators.delivery.records import Run
from defender_indicators.delivery.report import DRY_RUN
from defender_indicators.errors import ConfigurationError, InputError
from defender_indicators.guard import Guard, GuardSettings, Hold, Warninglists, brakes
from defender_indicators.indicators import Canonicaliser, Indicator, Policy
from defender_indicators.pack import Pack, content_root
from defender_indicators.product import Product

if TYPE_CHECKING:
    from defender_indicators.plans import Plans

_LOCK_POLL_SECONDS: Final = 0.2
_DURATIONS: Final = {
    "backoff_seconds": "backoff",
    "backoff_cap_seconds": "backoff_cap",
    "breaker_pause_seconds": "breaker_pause",
    "throttle_default_seconds": "throttle_default",
    "wall_budget_seconds": "wall_budget",
    "reconcile_after_seconds": "reconcile_after",
}


class Context:
    """One caller's view of the pack.

    Args:
        profile: makes the tenant's settings; called when something needs them.
        clock: time, as an argument.
        log: where warnings go.
        wait: whether to wait while another process sends for the same tenant.
        dry_run: plan and report, send nothing.
        prompt: shows a person the text of a device-code sign-in.
        author: who plans; the operating system's user when empty.
        why: the reason, for the record.
        unattended: nobody watches, so that fewer new blocks pass at once.
        guarding: makes the guard's settings and the folder of its index where a profile is not needed yet.

    Attributes:
        progress: called while a run is under way; set it to show one.
        stop: ask it to end a run early.
    """

    def __init__(  # noqa: PLR0913 - the wishes of a caller, each with a default
        self,
        profile: Callable[[], Profile],
        *,
        clock: Clock | None = None,
        log: logging.Logger | None = None,
        wait: bool = True,
        dry_run: bool = False,
        prompt: Callable[[str], None] | None = None,
        author: str = "",
        why: str = "",
        unattended: bool = False,
        guarding: Callable[[], tuple[GuardSettings, Path]] | None = None,
    ) -> None:
        self._make_profile = profile
        self._guarding = guarding or (lambda: (self.profile.guard, self.profile.home))
        self.author = author or os_user()
        self.why = why
        self.unattended = unattended
        self.clock: Clock = clock or SystemClock()
        self.log = log or logging.getLogger("defender_indicators")
        self.wait = wait
        self.dry_run = dry_run
        self.stop = Stop()
        self.progress: Callable[[Progress], None] = lambda _: None
        self._prompt = prompt
        self._open: list[Plan | Ledger] = []

    @cached_property
    def pack(self) -> Pack:
        """The pack that this runtime was installed with."""
        return Pack(content_root())

    @cached_property
    def product(self) -> Product:
        """What the connector's manifest says."""
        return Product.from_manifest(self.pack.connector.product)

    @cached_property
    def profile(self) -> Profile:
        """The tenant's settings."""
        return self._make_profile()

    @cached_property
    def guard(self) -> Callable[[Indicator], Hold | None]:
        """What is asked of every row that is to be sent."""
        settings, home = self._guarding()
        lists = Warninglists(home / "guard", settings, self._prompt or self.log.info)
        return Guard(settings, lists, self.product.every_host).judge

    @cached_property
    def plans(self) -> Plans:
        """What plans changes of the tenant as it is."""
        from defender_indicators.plans import Plans  # noqa: PLC0415  # only where a tenant is compared

        return Plans(self)

    @cached_property
    def connector(self) -> Any:
        """The one client."""
        connector = self.pack.connector.load()
        return connector(
            self.profile, self.product, clock=self.clock, log=self.log, prompt=self._prompt, deliver=self._deliver
        )

    @cached_property
    def ledger_path(self) -> Path:
        """Where the ledger of this tenant and application is."""
        return self.profile.home / "ledgers" / f"{'_'.join(self.connector.identity())}.sqlite3"

    @cached_property
    def delivery(self) -> Delivery:
        """What sends, resumes and reads back."""
        self.stop.kill_switch = KillSwitch.of(self.profile.home)
        timing: dict[str, Any] = {
            _DURATIONS[name]: value for name, value in self.profile.delivery.items() if name in _DURATIONS
        }
        return Delivery(
            self.ledger_path,
            clock=self.clock,
            windows={**self.product.limits, **self.profile.limits},
            timing=replace(Timing(), **timing),
            stop=self.stop,
            progress=lambda now: self.progress(now),  # noqa: PLW0108  # a caller may set it later
            patience=self._patience,
        )

    def plan(
        self,
        rows: Iterable[object],
        *,
        defaults: Mapping[str, object] | None = None,
        legacy_actions: str = "",
        idempotency_key: str = "",
        retry_of: str = "",
    ) -> Plan:
        """Check, canonicalise and deduplicate rows; nothing is sent.

        Args:
            rows: dicts in Microsoft's spelling, or a ``RowStream``.
            defaults: fields (Microsoft's names) for rows that lack them.
            legacy_actions: ``translate`` or ``keep``; ``""`` is what the configuration says.
            idempotency_key: the same key again continues or shows the run that is there.
            retry_of: the run that this one repeats a part of.
        """
        legacy = legacy_actions or self._configured_legacy_actions()
        policy = Policy(now=self.clock.now(), defaults=defaults or {}, legacy_actions=legacy)  # type: ignore[arg-type]  # checked by the manifest
        limits = Limits(self.product.batch_rows, self.product.batch_bytes)
        plan = Plan(
            rows,
            Canonicaliser(policy),
            limits=limits,
            guard=self.guard,
            brake=self._brake,
            idempotency_key=idempotency_key,
            retry_of=retry_of,
            author=self.author,
            why=self.why,
        )
        self._open.append(plan)
        return plan

    def preview(self, plan: Deliverable) -> Report:
        """Return what a plan would do, as a report in which nothing has been sent."""
        ledger = Ledger(None)
        self._open.append(ledger)
        plan.write(ledger, DRY_RUN, self.clock.now().isoformat(timespec="seconds"))
        return Report(ledger, DRY_RUN)

    def runs(self) -> list[dict[str, Any]]:
        """Return the runs of this tenant, oldest first, each with its id, state, rows, counts and outcome."""
        return [_listed(run, self.show(run.id)) for run in self.delivery.ledger.runs()]

    def show(self, run_id: str) -> Report:
        """Return the report of a run as it stands; ``""`` is the newest."""
        return Report(self.delivery.ledger, self.delivery.ledger.run(run_id).id)

    def resume(self, run_id: str = "") -> Report:
        """Go on with a run, or with the oldest unfinished one."""
        return self.delivery.resume(run_id, self.sender())

    def retry(self, run_id: str) -> Report:
        """Send the rows of a run that another attempt can help, in a new run.

        Raises:
            InputError: there is no such row.
        """
        report = self.show(run_id)
        if (kind := report["plan"]["kind"]) != "import":
            raise InputError(f"run {report['run_id']}: a {kind} is not retried but resumed, or planned anew")
        if not report["retry_with"]:
            raise InputError(f"run {report['run_id']}: no row that another attempt could help; `show` says why")
        plan = self.plan(report["retry_with"], retry_of=report["run_id"])
        return self.delivery.deliver(plan, self.sender())

    def verify(self, run_id: str) -> dict[str, Any]:
        """Read a run back from the tenant."""
        return self.delivery.verify(run_id, self.sender())

    def read(self, path: str) -> dict[str, Any] | None:
        """Return the JSON object at a path of the API (see :meth:`Delivery.read`)."""
        return self.delivery.read(path, self.sender())

    def close(self) -> None:
        """Close what was opened; reports end with it."""
        for each in self._open:
            each.close()
        for name in ("delivery", "connector"):
            if name in self.__dict__:
                self.__dict__[name].close()

    def _deliver(self, plan: Deliverable, transport: Transport) -> Report:
        self.sender()
        return self.delivery.deliver(plan, transport)

    def sender(self) -> Transport:
        """Return the connector; who cannot sign in is told before a run is written or changed."""
        if isinstance(self.profile.credential, NoCredential):
            raise ConfigurationError(self.profile.credential.remedy)
        sender: Transport = self.connector
        return sender

    def _brake(self, new_blocks: int) -> Hold | None:
        return brakes.new_blocks(new_blocks, self._guarding()[0], unattended=self.unattended)

    def _configured_legacy_actions(self) -> str:
        """Ask the configuration where there is one: a dry run needs none, a delivery says what is wrong."""
        try:
            return self.profile.legacy_actions
        except ConfigurationError:
            return "translate"

    def _patience(self, holder: str) -> bool:
        if not self.wait:
            return False
        self.progress(Progress(0, 0, 0, 0, 0, _LOCK_POLL_SECONDS, f"{holder} is sending for this tenant"))
        return self.stop.sleep(_LOCK_POLL_SECONDS)


def _listed(run: Run, report: Report) -> dict[str, Any]:
    own = {name: getattr(run, name) for name in ("created", "state", "total", "retry_of", "stopped")}
    counts = {status: count for status, count in report["counts"].items() if count}
    return {"run_id": run.id, "outcome": report["outcome"], "counts": counts, **own}
