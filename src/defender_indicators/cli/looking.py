"""``get`` and ``enrich``: what the tenant holds and knows of one value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from defender_indicators.cli import console
from defender_indicators.cli.options import TYPES, Options, tenant_options

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_ROW = ("id", "type", "value", "action", "scope", "createdByDisplayName", "expirationTime", "title")
_ALERT = ("time", "severity", "status", "id", "title")
_GAP = ("what", "reason", "remedy")


@click.command("get")
@click.argument("value", default="")
@click.option("--id", "number", default="", metavar="NUMBER", help="The row with this id, instead of a value.")
@tenant_options
def get_command(value: str, *, number: str, **common: Any) -> int:
    """Show the tenant's rows of VALUE, with every action and device group, or the row with an id."""
    from defender_indicators.cli.session import act  # noqa: PLC0415  # slow to import

    inputs = {"value": value, "id": number}
    return act(Options(**common), "get_indicator", lambda _: inputs, show=_show_rows)


@click.command("enrich")
@click.argument("value")
@click.option("--type", "kind", type=click.Choice(TYPES), default=None, help="Default: told by the value.")
@tenant_options
def enrich_command(value: str, *, kind: str | None, **common: Any) -> int:
    """Show what the tenant knows of VALUE: its rows, how many devices have met it, related alerts."""
    from defender_indicators.cli.session import act  # noqa: PLC0415  # slow to import

    inputs = {"value": value, "type": kind or ""}
    return act(Options(**common), "enrich_indicator", lambda _: inputs, show=_show_enrichment)


def _show_rows(found: Mapping[str, Any]) -> None:
    rows = found["indicators"]
    console.show("not in the tenant" if not rows else "1 row" if len(rows) == 1 else f"{len(rows)} rows")
    _table(_ROW, rows)


def _show_enrichment(found: Mapping[str, Any]) -> None:
    console.show(f"{found['value']} ({found['type']}): {found['verdict'].replace('_', ' ')}")
    _table(_ROW, found["in_tenant"])
    for name in ("prevalence", "file"):
        known = [f"{key.replace('_', ' ')} {value}" for key, value in found[name].items() if value != ""]
        if known:
            console.show(f"{name}: {', '.join(known)}")
    shown, total = len(found["alerts"]), found["alerts_total"]
    console.show(f"alerts: {total}" if shown == total else f"alerts: {total}, the newest {shown}")
    _table(_ALERT, found["alerts"])
    if found["gaps"]:
        console.show("not known:")
    _table(_GAP, found["gaps"])


def _table(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    cells: list[list[object]] = [[row.get(name, "") for name in columns] for row in rows]
    if cells:
        console.show_table(list(columns), cells)
