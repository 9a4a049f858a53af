"""``guard``: whether values would be held, and by which lists."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from defender_indicators.cli import console
from defender_indicators.cli.options import ACTIONS, TYPES, AnyCase, Options, tenant_options
from defender_indicators.cli.session import start_logging

if TYPE_CHECKING:
    from defender_indicators.guard import Guard, Warninglists

HELD = 6
REJECTED = 1


@click.command("guard")
@click.argument("values", nargs=-1, metavar="VALUE…")
@click.option("--lists", "show_lists", is_flag=True, help="Show the lists in use.")
@click.option("--type", "kind", type=AnyCase(TYPES), metavar="TYPE", help="Type of the values; default: their looks.")
@click.option("--action", type=AnyCase(ACTIONS), default="Block", metavar="ACTION", help="Default: Block.")
@tenant_options
def guard_command(values: tuple[str, ...], kind: str | None, action: str, *, show_lists: bool, **common: Any) -> int:
    """Say whether the guard would hold a row with each VALUE, and why; nothing is sent.

    Exits with 6 when one would be held, with 1 when one cannot be an indicator.
    """
    if bool(values) == show_lists:
        raise click.UsageError("give values, or --lists")
    options = Options(**common)
    start_logging(options)
    guard, lists = _guard(options)
    if show_lists:
        return _show_lists(lists, as_json=options.as_json)
    verdicts = [_verdict(guard, value, kind, action) for value in values]
    if options.as_json:
        console.show_json({"schema_version": 1, "results": verdicts})
    else:
        rows = [[each["value"], each["status"], each["code"], each["reason"]] for each in verdicts]
        console.show_table(["value", "status", "code", "reason"], rows)
    statuses = {each["status"] for each in verdicts}
    return HELD if "held" in statuses else REJECTED if "rejected" in statuses else 0


def _guard(options: Options) -> tuple[Guard, Warninglists]:
    from defender_indicators.configuration import load_configuration  # noqa: PLC0415  # slow to import
    from defender_indicators.guard import Guard, Warninglists  # noqa: PLC0415  # slow to import
    from defender_indicators.product import load_product  # noqa: PLC0415  # slow to import

    configuration = load_configuration(options.config, os.environ)
    settings = configuration.guard(options.tenant)
    lists = Warninglists(configuration.home / "guard", settings, console.say)
    return Guard(settings, lists, load_product().every_host), lists


def _verdict(guard: Guard, value: str, kind: str | None, action: str) -> dict[str, Any]:
    from defender_indicators.clock import SystemClock  # noqa: PLC0415  # slow to import
    from defender_indicators.indicators import (  # noqa: PLC0415  # slow to import
        Canonicaliser,
        Policy,
        Rejection,
        infer_type,
    )

    row = {
        "indicatorValue": value,
        "indicatorType": kind or infer_type(value) or "DomainName",
        "action": action,
        "title": "guard",
        "description": "guard",
        "generateAlert": True,
    }
    judged = Canonicaliser(Policy(now=SystemClock().now()))(row)
    said = {"value": judged.value, "type": judged.type, "action": judged.action}
    if isinstance(judged, Rejection):
        return {**said, "status": "rejected", "code": judged.code, "reason": judged.reason, "hard": True, "list": ""}
    hold = guard.judge(judged)
    if hold is None:
        return {**said, "status": "passed", "code": "", "reason": "", "hard": False, "list": ""}
    return {**said, "status": "held", **hold._asdict()}


def _show_lists(lists: Warninglists, *, as_json: bool) -> int:
    from defender_indicators.guard.lists import available, version  # noqa: PLC0415  # only here
    from defender_indicators.guard.never_block import HOSTS, NETWORKS  # noqa: PLC0415  # only here

    used = lists.lists
    others = sorted(set(available()) - {each.folder for each in used})
    if as_json:
        warninglists = [each._asdict() for each in used]
        fixed = {name: [*HOSTS.get(name, ()), *NETWORKS.get(name, ())] for name in {**HOSTS, **NETWORKS}}
        document = {"never_block": fixed, "warninglists": warninglists, "not_in_use": others}
        console.show_json({"schema_version": 1, "pymispwarninglists": version(), **document})
        return 0
    rows: list[list[object]] = [[each.folder, f"{each.entries:,}", each.version, each.name] for each in used]
    console.show_table(["warninglist", "entries", "version", "name"], rows)
    console.show(f"\npymispwarninglists {version()}; not in use: {', '.join(others)}")
    console.show("Never blocked, whatever is configured: " + "; ".join(dict.fromkeys([*HOSTS, *NETWORKS])))
    return 0
