"""``sync``, ``plan``, ``apply``, ``rollback`` and ``replace``: changes that are planned against the tenant."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from defender_indicators.cli import console
from defender_indicators.cli.options import Options, column_map, sending_options, source_options, why_option

if TYPE_CHECKING:
    from collections.abc import Callable

    from defender_indicators.context import Context
    from defender_indicators.planning import Prepared

HELD = 6

_SET = click.option("--set", "set_name", required=True, metavar="NAME", help="The set that is kept equal to SOURCE.")
_KEEP = click.option("--keep-missing", is_flag=True, help="Delete nothing that left the source.")
_LIFETIME = click.option(
    "--lifetime-days", type=click.IntRange(0, 3650), default=90, show_default=True, help="Of rows that name no end."
)
_OUTPUT = click.option(
    "--output", "-o", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The plan file."
)


@click.command("sync")
@click.argument("location", metavar="SOURCE|-")
@_SET
@_KEEP
@_LIFETIME
@click.option("--dry-run", is_flag=True, help="Compare with the tenant and report; send nothing.")
@click.option("--unattended", is_flag=True, help="Nobody watches: fewer new blocks pass at once.")
@source_options
@why_option
@sending_options
def sync_command(location: str, *, dry_run: bool, unattended: bool, why: str, **given: Any) -> int:
    """Make a set of the tenant equal to SOURCE: a file, a folder, an https address, or standard input for '-'.

    Adds, updates, renews, replaces and deletes what differs, and nothing of others. What the guard holds waits for
    `approve`, then `resume`.
    """
    from defender_indicators.cli.session import act  # noqa: PLC0415  # slow to import

    wishes, options = _wishes(given, location)
    quiet = unattended or location.lower().startswith("https://")
    return act(options, "sync_indicators", lambda _: wishes, dry_run=dry_run, why=why, unattended=quiet)


@click.command("plan")
@click.argument("location", metavar="SOURCE|-")
@_SET
@_KEEP
@_LIFETIME
@_OUTPUT
@source_options
@why_option
@sending_options
def plan_command(location: str, *, output: Path, why: str, **given: Any) -> int:
    """Write to a file what `sync` would change, for `apply`."""
    from defender_indicators.feeds import source_of  # noqa: PLC0415  # slow to import

    wishes, options = _wishes(given, location)

    def work(context: Context) -> Prepared:
        chosen = {name: wishes[name] for name in ("lifetime_days", "keep_missing")}
        with source_of(wishes, context, ranked=True) as source:
            return context.plans.sync(source.rows, source=source, set_name=wishes["set"], **chosen)

    return _planned(options, output, why, work)


@click.command("rollback")
@click.argument("run")
@_OUTPUT
@why_option
@sending_options
def rollback_command(run: str, *, output: Path, why: str, **common: Any) -> int:
    """Write the plan that undoes RUN: what it created goes, what it deleted or overwrote comes back."""
    return _planned(Options(**common), output, why, lambda context: context.plans.rollback(run))


@click.command("apply")
@click.argument("plan", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Check the plan against the tenant and report; send nothing.")
@why_option
@sending_options
def apply_command(plan: Path, *, dry_run: bool, why: str, **common: Any) -> int:
    """Carry out exactly what a PLAN file says; refuse it when it is edited, expired, stale, or for another tenant."""
    from defender_indicators.cli.session import deliver, opened  # noqa: PLC0415  # slow to import
    from defender_indicators.delivery import Limits  # noqa: PLC0415  # slow to import
    from defender_indicators.planning.plan_file import read_plan_file  # noqa: PLC0415  # slow to import

    options = Options(**common)
    found = read_plan_file(plan, Limits())
    with opened(options, why=why) as context:

        def work() -> Any:
            ready = context.plans.applicable(found, str(plan))
            return context.preview(ready) if dry_run else context.connector.apply(ready)

        return deliver(options, context, work)


@click.command("replace")
@click.argument("location", metavar="SOURCE|-")
@click.option("--set", "set_name", default="", metavar="NAME", help="The set whose rows are replaced; default: none.")
@_LIFETIME
@click.option("--dry-run", is_flag=True, help="Compare with the tenant and report; send nothing.")
@source_options
@why_option
@sending_options
def replace_command(location: str, *, set_name: str, lifetime_days: int, dry_run: bool, why: str, **given: Any) -> int:
    """Change the action or the devices of values that the tenant holds to what SOURCE says, without a gap."""
    from defender_indicators.cli.reading import opened_source, rows_of_all  # noqa: PLC0415  # slow to import
    from defender_indicators.cli.session import act  # noqa: PLC0415  # slow to import

    policy, columns, chosen, feed = (given.pop(name) for name in ("policy", "columns", "chosen", "feed"))
    options = Options(**given)
    wishes = {"chosen": chosen or "", "feed": feed, "columns": column_map(columns), "plain_lists": True}
    with opened_source(options, location, policy, **wishes) as source:
        inputs = {"indicators": list(rows_of_all(source)), "set": set_name, "lifetime_days": lifetime_days}
        return act(options, "replace_indicators", lambda _: inputs, dry_run=dry_run, why=why)


def _wishes(given: dict[str, Any], location: str) -> tuple[dict[str, Any], Options]:
    """Return the inputs of a sync, and what is left for the caller."""
    names = ("set_name", "keep_missing", "lifetime_days", "chosen", "policy", "columns", "feed")
    taken = {name: given.pop(name) for name in names}
    wishes = {
        "source": "" if location == "-" else location,
        "text": sys.stdin.buffer.read().decode("utf-8", "replace") if location == "-" else "",
        "set": taken["set_name"],
        "format": taken["chosen"] or "",
        "policy": str(taken["policy"] or ""),
        "columns": column_map(taken["columns"]),
        "feed": taken["feed"],
        "keep_missing": taken["keep_missing"],
        "lifetime_days": taken["lifetime_days"],
    }
    return wishes, Options(**given)


def _planned(options: Options, output: Path, why: str, work: Callable[[Context], Prepared]) -> int:
    """Make a plan, write it to a file that is whole or not there, and show what it would do."""
    from defender_indicators.cli.session import deliver, opened  # noqa: PLC0415  # slow to import
    from defender_indicators.errors import InputError  # noqa: PLC0415  # slow to import
    from defender_indicators.private import write_whole  # noqa: PLC0415  # slow to import

    with opened(options, why=why) as context:

        def show() -> Any:
            plan = work(context)
            content = context.plans.file(plan).to_bytes()
            try:
                write_whole(output, content)
            except OSError as error:
                raise InputError(f"{output}: cannot be written: {error.strerror}; nothing was sent") from None
            return context.preview(plan)

        code = deliver(options, context, show)
    waiting = f", `approve {output}` releases what is held" if code == HELD else ""
    console.say(f"Plan written to {output}; `apply {output}` carries it out{waiting}.")
    return code
