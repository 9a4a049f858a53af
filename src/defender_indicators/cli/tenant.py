"""``list``, ``delete``, ``capacity``, ``conflicts`` and ``adopt``: the tenant as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from defender_indicators.cli import console
from defender_indicators.cli.options import (
    Options,
    column_map,
    filter_options,
    sending_options,
    source_options,
    tenant_options,
    why_option,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_OUTPUTS = ("table", "ndjson", "json", "values", "portal-csv")
_ROW = ("id", "indicatorType", "indicatorValue", "action", "rbacGroupNames", "own", "set", "expirationTime", "title")
_CONFLICT = ("conflict", "type", "value")


@click.command("list")
@filter_options
@click.option("--output", type=click.Choice(_OUTPUTS), default="table", show_default=True, help="Form of the result.")
@tenant_options
def list_command(*, output: str, **given: Any) -> int:
    """List every indicator of the tenant, or those that fit.

    All outputs but the table can be imported again; --json tells besides who made each row.
    """
    from defender_indicators.cli.session import act  # noqa: PLC0415  # slow to import

    inputs = _filter(given)
    return act(Options(**given), "list_indicators", lambda _: inputs, show=lambda found: _show_rows(found, output))


@click.command("delete")
@click.argument("values", nargs=-1, metavar="[VALUE]…")
@click.option("--id", "ids", multiple=True, metavar="NUMBER", help="The row with this id; repeatable.")
@click.option("--from", "location", default="", metavar="SOURCE", help="The rows of a file, by value, action, devices.")
@filter_options
@click.option("--include-foreign", is_flag=True, help="Hold rows of others for an approval, instead of rejecting them.")
@click.option("--dry-run", is_flag=True, help="Show what would be deleted.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@why_option
@sending_options
def delete_command(  # noqa: PLR0913  # one parameter per option
    values: tuple[str, ...],
    *,
    ids: tuple[str, ...],
    location: str,
    include_foreign: bool,
    dry_run: bool,
    yes: bool,
    why: str,
    **given: Any,
) -> int:
    """Delete the rows of each VALUE, of an id, of a file, or all that fit a filter.

    Shows them and asks first; only rows of our own application go.
    """
    from defender_indicators.cli.session import act  # noqa: PLC0415  # slow to import

    chosen = {name: value for name, value in _filter(given).items() if value}
    options = Options(**given)
    inputs: dict[str, Any] = {"ids": list(ids), "values": list(values), "filter": chosen}
    inputs |= {"indicators": _rows(options, location), "include_foreign": include_foreign}
    if not (dry_run or yes):
        if options.as_json:
            raise click.UsageError("with --json nobody is asked; add --yes or --dry-run")
        code, shown = _done(options, "delete_indicators", inputs, dry_run=True, why=why)
        if not (shown["counts"]["pending"] or shown["counts"]["held"]) or not _agreed():
            return code
    return act(options, "delete_indicators", lambda _: inputs, dry_run=dry_run, why=why)


@click.command("capacity")
@click.argument("location", default="", metavar="[SOURCE]")
@click.option("--set", "set_name", default="", metavar="NAME", help="The set that SOURCE is for.")
@click.option("--soon-days", type=click.IntRange(1, 365), default=7, show_default=True, help="What ends within these.")
@source_options
@tenant_options
def capacity_command(location: str, *, set_name: str, soon_days: int, **given: Any) -> int:
    """Count the tenant's rows, and say what SOURCE would need and what of it would be left out."""
    from defender_indicators.cli.session import act  # noqa: PLC0415  # slow to import

    policy, columns, chosen, feed = (given.pop(name) for name in ("policy", "columns", "chosen", "feed"))
    inputs = {
        "source": location,
        "format": chosen or "",
        "policy": str(policy or ""),
        "columns": column_map(columns),
        "feed": feed,
        "set": set_name,
        "soon_days": soon_days,
    }
    return act(Options(**given), "check_capacity", lambda _: inputs)


@click.command("conflicts")
@click.option("--kind", "kinds", multiple=True, metavar="KIND", help="Only conflicts of this kind; repeatable.")
@click.option("--repair", is_flag=True, help="Delete the surplus rows of ours.")
@click.option("--dry-run", is_flag=True, help="With --repair: only show.")
@why_option
@sending_options
def conflicts_command(*, kinds: tuple[str, ...], repair: bool, dry_run: bool, why: str, **common: Any) -> int:
    """Find rows of the tenant that contradict or repeat each other, and what would mend them."""
    from defender_indicators.delivery.outcome import EXIT_CODES  # noqa: PLC0415  # slow to import

    inputs = {"kinds": list(kinds), "repair": repair}
    options = Options(**common)
    code, found = _done(options, "find_conflicts", inputs, dry_run=dry_run, why=why, show=_show_conflicts)
    return code or (EXIT_CODES[found["repair"]["outcome"]] if found["repair"] else 0)


@click.command("adopt")
@click.option("--set", "set_name", required=True, metavar="NAME", help="The set that takes the rows over.")
@click.option("--application", default="", metavar="PATTERN", help="Application that wrote the rows.")
@click.option("--title", default="", metavar="PATTERN", help="Title of the rows.")
@click.option("--owner", default="", metavar="TEXT", help="Part of the creator's name or id.")
@click.option("--dry-run", is_flag=True, help="Only show the rows.")
@why_option
@sending_options
def adopt_command(set_name: str, *, dry_run: bool, why: str, **given: Any) -> int:
    """Take rows that an older tool made over into a set; nothing changes in the tenant."""
    from defender_indicators.cli.session import act  # noqa: PLC0415  # slow to import

    inputs = {"set": set_name} | {name: given.pop(name) for name in ("application", "title", "owner")}
    return act(Options(**given), "adopt_indicators", lambda _: inputs, dry_run=dry_run, show=_show_adopted, why=why)


def _done(options: Options, name: str, inputs: Mapping[str, Any], **wishes: Any) -> tuple[int, Mapping[str, Any]]:
    """Run an action and show its outputs; return the exit code and the outputs."""
    from defender_indicators.cli.session import deliver, opened  # noqa: PLC0415  # slow to import
    from defender_indicators.pack import run_action  # noqa: PLC0415  # slow to import

    found: list[Mapping[str, Any]] = []
    show = wishes.pop("show", None)
    with opened(options, **wishes) as context:

        def work() -> Mapping[str, Any]:
            found.append(run_action(context.pack, name, inputs, context))
            return found[0]

        return deliver(options, context, work, show), found[0]


def _agreed() -> bool:
    try:
        return click.confirm("Delete them?", err=True)
    except click.Abort as error:
        raise click.UsageError("nobody answered; add --yes") from error


def _filter(given: dict[str, Any]) -> dict[str, Any]:
    """Take the options of a filter out, as inputs."""
    names = {"kinds": "types", "chosen_actions": "actions", "owner": "owner", "set_name": "set"}
    names |= {name: name for name in ("application", "title", "value", "text", "expires_within")}
    taken = {name: given.pop(option) for option, name in names.items()}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in taken.items()}


def _rows(options: Options, location: str) -> list[Any]:
    if not location:
        return []
    from defender_indicators.cli.reading import opened_source, rows_of_all  # noqa: PLC0415  # slow to import

    with opened_source(options, location, None) as source:
        return [row for row in rows_of_all(source) if isinstance(row, dict)]


def _show_rows(found: Mapping[str, Any], output: str) -> None:
    from defender_indicators.sources import writing  # noqa: PLC0415  # only where rows are written

    rows = found["indicators"]
    if output == "table":
        console.show(f"{found['found']:,} of {found['total']:,} rows")
        _table(_ROW, rows)
        return
    more = {"id", "own", "set", "createdBy", "createdByDisplayName", "createdBySource"}
    more |= {"creationTimeDateTimeUtc", "lastUpdateTime"}
    plain = [{name: value for name, value in row.items() if name not in more} for row in rows]
    console.stream_json(lambda stream: writing.WRITERS[output](stream, plain))


def _show_adopted(found: Mapping[str, Any]) -> None:
    console.show(f"{found['found']:,} found, {found['adopted']:,} adopted")
    _table(_ROW, found["indicators"])


def _show_conflicts(found: Mapping[str, Any]) -> None:
    console.show(f"{found['found']:,} conflicts; a repair deletes {found['surplus']:,} rows of ours")
    rows = [
        {**{name: conflict[name] for name in _CONFLICT}, **row}
        for conflict in found["conflicts"]
        for row in conflict["rows"]
    ]
    _table((*_CONFLICT, "id", "action", "scope", "created_by", "repair"), rows)
    if found["repair"]:
        console.show(f"repair: {found['repair']['outcome']}, run {found['repair']['run_id']}")


def _table(columns: tuple[str, ...], rows: list[Any]) -> None:
    cells: list[list[object]] = [[_word(row.get(name, "")) for name in columns] for row in rows]
    if cells:
        console.show_table(list(columns), cells)


def _word(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else ""
    return ", ".join(map(str, value)) if isinstance(value, list) else value
