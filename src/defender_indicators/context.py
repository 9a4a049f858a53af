"""What an action runs in: the connector, the clock, the ledger, and the few wishes of the caller.

Everything is made when it is first needed, so a dry run asks for no credentials and a listing of runs for no network.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from defender_indicators.clock import Clock, SystemClock
from defender_indicators.configuration import Profile, load_configuration
from defender_indicators.credentials import NoCredential
from defender_indicators.delivery import Delivery, Limits, Plan, Progress, Report, Stop, Timing, Transport
from defender_indicators.delivery.records import Run
from defender_indicators.errors import ConfigurationError, InputError
from defender_indicators.indicators import Canonicaliser, Policy
from defender_indicators.pack import Pack, content_root
from defender_indicators.planned import Planned
from defender_indicators.product import Product

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
    ) -> None:
        self._make_profile = profile
        self.clock: Clock = clock or SystemClock()
        self.log = log or logging.getLogger("defender_indicators")
        self.wait = wait
        self.dry_run = dry_run
        self.stop = Stop()
        self.progress: Callable[[Progress], None] = lambda _: None
        self._prompt = prompt
        self._plans: list[Planned] = []

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
    ) -> Planned:
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
        plan = Planned(
            rows,
            Canonicaliser(policy),
            limits=limits,
            idempotency_key=idempotency_key,
            retry_of=retry_of,
            clock=self.clock,
        )
        self._plans.append(plan)
        return plan

    def runs(self) -> list[dict[str, Any]]:
        """Return the runs of this tenant, oldest first, each with its id, state, rows, counts and outcome."""
        return [_listed(run, self.show(run.id)) for run in self.delivery.ledger.runs()]

    def show(self, run_id: str) -> Report:
        """Return the report of a run as it stands; ``""`` is the newest."""
        return Report(self.delivery.ledger, self.delivery.ledger.run(run_id).id)

    def resume(self, run_id: str = "") -> Report:
        """Go on with a run, or with the oldest unfinished one."""
        return self.delivery.resume(run_id, self._sender())

    def retry(self, run_id: str) -> Report:
        """Send the rows of a run that another attempt can help, in a new run.

        Raises:
            InputError: there is no such row.
        """
        report = self.show(run_id)
        if not report["retry_with"]:
            raise InputError(f"run {report['run_id']}: no row that another attempt could help; `show` says why")
        plan = self.plan(report["retry_with"], retry_of=report["run_id"])
        return self.delivery.deliver(plan, self._sender())

    def verify(self, run_id: str) -> dict[str, Any]:
        """Read a run back from the tenant."""
        return self.delivery.verify(run_id, self._sender())

    def close(self) -> None:
        """Close what was opened; reports end with it."""
        for plan in self._plans:
            plan.close()
        for name in ("delivery", "connector"):
            if name in self.__dict__:
                self.__dict__[name].close()

    def _deliver(self, plan: Plan, transport: Transport) -> Report:
        self._sender()
        return self.delivery.deliver(plan, transport)

    def _sender(self) -> Transport:
        """Return the connector; who cannot sign in is told before a run is written or changed."""
        if isinstance(self.profile.credential, NoCredential):
            raise ConfigurationError(self.profile.credential.remedy)
        sender: Transport = self.connector
        return sender

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


@contextmanager
def open(  # noqa: A001, PLR0913 - read as `context.open`; the wishes of a caller
    *,
    environ: Mapping[str, str],
    tenant: str = "",
    config: Path | None = None,
    ca_bundle: str = "",
    wait: bool = True,
    dry_run: bool = False,
    prompt: Callable[[str], None] | None = None,
) -> Iterator[Context]:
    """Yield the context of one caller and close it afterwards.

    Args:
        environ: the environment; for the default tenant it wins over the file.
        tenant: a profile of the configuration; ``""`` is the default one.
        config: the configuration file; None is the environment's, or none.
        ca_bundle: PEM file that wins over the profile's.
        wait: whether to wait while another process sends for the same tenant.
        dry_run: plan and report, send nothing.
        prompt: shows a person the text of a device-code sign-in.
    """

    def profile() -> Profile:
        found = load_configuration(config, environ).profile(tenant)
        return replace(found, network=replace(found.network, ca_bundle=ca_bundle)) if ca_bundle else found

    context = Context(profile, wait=wait, dry_run=dry_run, prompt=prompt)
    try:
        yield context
    finally:
        context.close()
