"""``import`` and ``block``: indicators from a file, from standard input, or from the command line itself."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from defender_indicators.cli import console
from defender_indicators.cli.options import (
    ACTIONS,
    TYPES,
    AnyCase,
    Options,
    column_map,
    row_defaults,
    sending_options,
    source_options,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


@click.command("import")
@click.argument("file", metavar="SOURCE|-")
@click.option("--dry-run", is_flag=True, help="Show what would be sent; needs no network.")
@source_options
@click.option(
    "--action",
    type=AnyCase(ACTIONS),
    metavar="ACTION",
    help="Action of rows that have none: Allowed, Audit, Warn, Block, BlockAndRemediate; legacy: Alert, AlertAndBlock.",
)
@click.option("--expires", default="", metavar="30d|12h|TIME|never", help="End of rows that have none.")
@row_defaults
@click.option("--idempotency-key", default="", help="A second import with the same key does nothing.")
@click.option(
    "--legacy-actions",
    type=click.Choice(["translate", "keep"]),
    default=None,
    help="What to do with Alert and AlertAndBlock; default: the configuration's, else translate.",
)
@sending_options
def import_command(  # noqa: PLR0913  # one parameter per option
    file: str,
    *,
    dry_run: bool,
    chosen: str | None,
    policy: Path | None,
    columns: tuple[str, ...],
    feed: str,
    action: str | None,
    expires: str,
    title: str,
    description: str,
    severity: str | None,
    generate_alert: bool | None,
    idempotency_key: str,
    legacy_actions: str | None,
    **common: Any,
) -> int:
    """Import the indicators of SOURCE: a file, a folder, an https address, or standard input for '-'.

    Reads Microsoft's request body {"Indicators": [...]}, a JSON list, NDJSON, the Defender portal's CSV, STIX, MISP,
    any CSV, OpenIOC, reports, and plain lists of values. A plain list needs --action and --title, or --policy.
    """
    from defender_indicators.cli.reading import opened_source, rows_of_all  # noqa: PLC0415  # slow to import
    from defender_indicators.cli.session import act  # noqa: PLC0415  # slow to import
    from defender_indicators.delivery import RowStream  # noqa: PLC0415  # slow to import

    options = Options(**common)
    texts = {"action": action, "title": title, "description": description, "severity": severity}
    defaults = _defaults(expires=expires, generate_alert=generate_alert, **texts)
    wishes = {
        "chosen": chosen or "",
        "feed": feed,
        "columns": column_map(columns),
        "overrides": _overrides(defaults, expires),
    }
    with opened_source(options, file, policy, **wishes) as source:
        if source.format == "values" and not policy and not (action and title):
            raise click.UsageError(
                "A plain list of values needs --action and --title, or --policy; for example --action Block."
            )
        inputs = {"indicators": RowStream(rows_of_all(source)), "defaults": defaults, "dry_run": dry_run}
        optional = {"idempotency_key": idempotency_key, "legacy_actions": legacy_actions}
        inputs |= {name: value for name, value in optional.items() if value}
        return act(options, "import_indicators", lambda _: inputs, dry_run=dry_run)


@click.command("block")
@click.argument("values", nargs=-1, required=True, metavar="VALUE...")
@click.option("--type", "kind", type=click.Choice(TYPES), help="Default: told by the value.")
@click.option("--expires", default="90d", show_default=True, metavar="30d|12h|TIME|never", help="When the block ends.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent; needs no network.")
@row_defaults
@sending_options
def block_command(  # noqa: PLR0913  # one parameter per option
    values: tuple[str, ...],
    *,
    kind: str | None,
    expires: str,
    dry_run: bool,
    title: str,
    description: str,
    severity: str | None,
    generate_alert: bool | None,
    **common: Any,
) -> int:
    """Block single values: file hashes, IP addresses, domains, URLs."""
    from defender_indicators.cli.session import act  # noqa: PLC0415  # slow to import
    from defender_indicators.delivery import RowStream  # noqa: PLC0415  # slow to import
    from defender_indicators.sources.values import rows_of  # noqa: PLC0415  # slow to import

    title = title or "Blocked from the command line"
    texts = {"action": "Block", "title": title, "description": description, "severity": severity}
    defaults = _defaults(expires=expires, generate_alert=generate_alert, **texts)
    inputs = {"indicators": RowStream(rows_of(values, kind or "")), "defaults": defaults, "dry_run": dry_run}
    return act(Options(**common), "import_indicators", lambda _: inputs, dry_run=dry_run)


def _defaults(*, expires: str, generate_alert: bool | None, **fields: str | None) -> dict[str, str | bool]:
    """Return the fields that rows without them get; a title serves as description, which the service requires."""
    fields["description"] = fields["description"] or fields["title"]
    fields["expirationTime"] = _expiration(expires)
    if generate_alert is None and fields["action"] == "Audit":
        console.say("Note: Audit needs an alert, so that rows which do not say get generateAlert true.")
        generate_alert = True
    alert = {} if generate_alert is None else {"generateAlert": generate_alert}
    return alert | {name: value for name, value in fields.items() if value}


def _expiration(expires: str) -> str:
    from defender_indicators.clock import SystemClock  # noqa: PLC0415  # slow to import
    from defender_indicators.sources import parse_expiry  # noqa: PLC0415  # slow to import

    if not expires:
        return ""
    try:
        return parse_expiry(expires, SystemClock().now())
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--expires'") from None


def _overrides(defaults: Mapping[str, str | bool], expires: str) -> dict[str, Any]:
    """Return the same wishes for indicators that a policy makes rows of: there, too, an option has the last word."""
    from defender_indicators.clock import SystemClock  # noqa: PLC0415  # slow to import

    names = {"action": "action", "title": "title", "description": "description", "severity": "severity"}
    names["generateAlert"] = "generate_alert"
    found: dict[str, Any] = {names[name]: value for name, value in defaults.items() if name in names}
    if expires:
        end = defaults.get("expirationTime")
        found["lifetime"] = datetime.fromisoformat(str(end)) - SystemClock().now() if end else None
    return found
