"""``approve``, ``audit`` and ``kill-switch``: who may do what, what was done, and the way to stop all of it."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from defender_indicators.cli import console
from defender_indicators.cli.options import Options, tenant_options

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from defender_indicators.context import Context
    from defender_indicators.delivery import Ledger
    from defender_indicators.delivery.kill_switch import KillSwitch

DAMAGED = 7
NOT_APPROVED = 1


@click.command("approve")
@click.argument("run")
@click.option("--why", required=True, help="The reason, for the audit log.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@tenant_options
def approve_command(run: str, why: str, yes: bool, **common: Any) -> int:  # noqa: FBT001 - click's way of a flag
    """Release what the guard holds in RUN, for a day; `resume RUN` sends it then.

    RUN is a run's id, a plan's hash, or a plan file, which `apply` sends then.
    """
    from defender_indicators.cli.session import opened  # noqa: PLC0415  # slow to import
    from defender_indicators.delivery import approvals  # noqa: PLC0415  # slow to import

    options = Options(**common)
    with opened(options) as context:
        subject = _subject(context, run)
        if not (yes or _agreed(options, subject.waiting, subject.name)):
            return NOT_APPROVED
        guard = context.profile.guard
        given = approvals.approve(
            context.delivery.ledger,
            subject.plan_hash,
            context.author,
            why,
            context.clock.now(),
            hours=guard.approval_hours,
            author=subject.author,
            approver_differs=guard.approver_differs,
        )
    if options.as_json:
        rows = [{"code": code, "list": name, "rows": count} for (code, name), count in sorted(subject.waiting.items())]
        console.show_json({"schema_version": 1, "run_id": subject.run, **given._asdict(), "released": rows})
    else:
        console.show(f"approved until {given.expires}; `{subject.then}` sends the rows")
    return 0


class _Subject(NamedTuple):
    """What is approved: ``waiting`` counts rows by code and list, ``then`` is the command that sends them."""

    plan_hash: str
    author: str
    name: str
    then: str
    run: str
    waiting: Counter[tuple[str, str]]


def _subject(context: Context, named: str) -> _Subject:
    from defender_indicators.delivery import Limits, approvals  # noqa: PLC0415  # slow to import

    ledger = context.delivery.ledger
    if not Path(named).is_file():
        run = approvals.subject(ledger, named)
        waiting = approvals.releasable(ledger, run)
        return _Subject(run.plan_hash, run.author, f"run {run.id}", f"resume {run.id}", run.id, waiting)
    from defender_indicators.planning.plan_file import read_plan_file, require_applicable  # noqa: PLC0415  # slow to import

    found = read_plan_file(Path(named), Limits())
    require_applicable(found, context.plans.tenant, context.clock.now(), named)
    held = [change.line() for change in found.plan.changes if change.status == "held"]
    waiting = approvals.counted(held, named)
    return _Subject(found.hash, found.plan.author, f"plan {named}", f"apply {named}", "", waiting)


def _agreed(options: Options, waiting: Counter[tuple[str, str]], name: str) -> bool:
    """Show what would be released and ask."""
    if options.as_json:
        raise click.UsageError("with --json nobody is asked; add --yes")
    rows: list[list[object]] = [[code, name, count] for (code, name), count in sorted(waiting.items())]
    console.show_table(["held for", "list", "rows"], rows)
    try:
        return click.confirm(f"Release these {waiting.total()} rows of {name}?", err=True)
    except click.Abort as error:
        raise click.UsageError("nobody answered; add --yes") from error


@click.group("audit")
def audit_command() -> None:
    """Show, verify or export who did what, when and why."""


@audit_command.command("show")
@click.option("--run", default="", metavar="RUN", help="Only what concerns this run.")
@tenant_options
def show(run: str, **common: Any) -> int:
    """List the events, the newest last."""
    from defender_indicators.delivery import events  # noqa: PLC0415  # slow to import

    options = Options(**common)
    with _ledger(options) as ledger:
        found = [event.to_dict() for event in events.events(ledger.database, run)]
        end = events.head(ledger.database)
    if options.as_json:
        console.show_json({"schema_version": 1, "head": end.hash, "events": found})
    else:
        names = ("number", "at", "actor", "what", "run", "why")
        console.show_table(list(names), [[event[name] for name in names] for event in found])
    return 0


@audit_command.command("verify")
@click.option("--head", "anchor", default="", metavar="HASH", help="A hash noted before; it must be in the log.")
@tenant_options
def verify(anchor: str, **common: Any) -> int:
    """Prove that nothing was changed in, removed from or put between the events; prints the newest hash to note."""
    from defender_indicators.delivery import events  # noqa: PLC0415  # slow to import

    options = Options(**common)
    with _ledger(options) as ledger:
        problems = events.verify(ledger.database, anchor)
        end = events.head(ledger.database)
    if options.as_json:
        document = {"schema_version": 1, "ok": not problems, "events": end.number, "head": end.hash}
        console.show_json({**document, "problems": problems})
    elif problems:
        console.say("\n".join(problems))
    else:
        console.show(f"{end.number} events, unbroken; head {end.hash}")
    return DAMAGED if problems else 0


@audit_command.command("export")
@click.argument("target", type=click.Path(dir_okay=False))
@tenant_options
def export(target: str, **common: Any) -> int:
    """Write the events to the new file TARGET, one JSON object a line."""
    from defender_indicators.delivery import events  # noqa: PLC0415  # slow to import

    options = Options(**common)
    with _ledger(options) as ledger:
        count = events.export(ledger.database, Path(target))
    if options.as_json:
        console.show_json({"schema_version": 1, "events": count, "file": target})
    else:
        console.show(f"{count} events written to {target}")
    return 0


@click.group("kill-switch")
def kill_switch_command() -> None:
    """Stop every run of this machine, and let them start again."""


@kill_switch_command.command("on")
@click.option("--why", default="", help="The reason, for whoever finds it on.")
@tenant_options
def switch_on(why: str, **common: Any) -> int:
    """Stop: runs end after the calls in flight and can be resumed; none starts."""
    options = Options(**common)
    switch = _switch(options)
    switch.turn_on(why)
    _record(switch, "kill switch on", why)
    return _status(options, switch)


@kill_switch_command.command("off")
@click.option("--why", default="", help="The reason, for the audit log.")
@tenant_options
def switch_off(why: str, **common: Any) -> int:
    """Let runs start and resume again; starts none."""
    options = Options(**common)
    switch = _switch(options)
    was_on = switch.on
    switch.turn_off()
    if was_on:
        _record(switch, "kill switch off", why)
    return _status(options, switch)


@kill_switch_command.command("status")
@tenant_options
def status(**common: Any) -> int:
    """Say whether it is on."""
    options = Options(**common)
    return _status(options, _switch(options))


def _status(options: Options, switch: KillSwitch) -> int:
    on, why = switch.on, switch.why()
    if options.as_json:
        console.show_json({"schema_version": 1, "on": on, "why": why, "file": str(switch.file)})
    else:
        console.show(f"{'on' if on else 'off'}: {switch.file}" + (f" ({why})" if why else ""))
    return 0


def _switch(options: Options) -> KillSwitch:
    from defender_indicators.configuration import load_configuration  # noqa: PLC0415  # slow to import
    from defender_indicators.delivery.kill_switch import KillSwitch  # noqa: PLC0415  # slow to import

    return KillSwitch.of(load_configuration(options.config, os.environ).home)


def _record(switch: KillSwitch, what: str, why: str) -> None:
    """Tell every ledger that the switch stops; one that cannot be written does not keep it from stopping."""
    from defender_indicators.clock import SystemClock  # noqa: PLC0415  # slow to import
    from defender_indicators.delivery import Ledger, events  # noqa: PLC0415  # slow to import
    from defender_indicators.errors import LedgerError, LockedError  # noqa: PLC0415  # only here

    now = SystemClock().now().isoformat(timespec="seconds")
    for path in sorted(switch.file.parent.glob("ledgers/*.sqlite3")):
        try:
            with closing(Ledger(path)) as ledger, ledger.transaction():
                events.record(ledger.database, now, events.os_user(), what, why=why)
        except (LedgerError, LockedError) as error:
            console.say(f"not recorded: {error}")


def _ledger(options: Options) -> AbstractContextManager[Ledger]:
    from defender_indicators.cli.session import ledger_path  # noqa: PLC0415  # slow to import
    from defender_indicators.delivery import Ledger  # noqa: PLC0415  # slow to import
    from defender_indicators.delivery.maintenance import require  # noqa: PLC0415  # slow to import

    path = ledger_path(options)
    require(path)
    return closing(Ledger(path))
