"""``ledger``: the file that remembers every run. Checked, copied, saved from damage, made smaller."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from defender_indicators.cli import console
from defender_indicators.cli.options import Options, tenant_options
from defender_indicators.cli.summary import show_facts


@click.group("ledger")
def ledger_command() -> None:
    """Check, back up, recover or prune the ledger."""


@ledger_command.command("check")
@tenant_options
def check(**common: Any) -> int:
    """Look for damage in the ledger; changes nothing."""
    from defender_indicators.delivery.maintenance import ledger_check  # noqa: PLC0415  # slow to import

    options = Options(**common)
    path = _ledger_path(options)
    problems = ledger_check(path)
    if options.as_json:
        console.show_json({"schema_version": 1, "path": str(path), "ok": not problems, "problems": problems})
    elif problems:
        console.say("\n".join(f"{path}: {problem}" for problem in problems))
    else:
        console.show(f"{path}: sound")
    return 7 if problems else 0


@ledger_command.command("backup")
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@tenant_options
def backup(target: Path, **common: Any) -> int:
    """Copy the ledger to TARGET, also while a run is sending."""
    from defender_indicators.delivery.maintenance import ledger_backup  # noqa: PLC0415  # slow to import

    options = Options(**common)
    ledger_backup(_ledger_path(options), target)
    _tell(options, {"schema_version": 1, "backup": str(target)}, f"backed up to {target}")
    return 0


@ledger_command.command("recover")
@tenant_options
def recover(**common: Any) -> int:
    """Save what can be read of a damaged ledger into a new one; the damaged file is kept."""
    from defender_indicators.delivery.recovery import ledger_recover  # noqa: PLC0415  # slow to import

    options = Options(**common)
    saved = ledger_recover(_ledger_path(options))
    if options.as_json:
        console.show_json(saved)
    else:
        show_facts(saved)
    return 0


@ledger_command.command("prune")
@click.option("--older-than-days", type=click.IntRange(min=1), default=90, show_default=True, help="Age of what goes.")
@tenant_options
def prune(older_than_days: int, **common: Any) -> int:
    """Delete finished runs that are older than so many days."""
    from defender_indicators.delivery.maintenance import ledger_prune  # noqa: PLC0415  # slow to import

    options = Options(**common)
    count = ledger_prune(_ledger_path(options), older_than_days)
    _tell(options, {"schema_version": 1, "pruned": count}, f"deleted {count} finished runs")
    return 0


def _ledger_path(options: Options) -> Path:
    from defender_indicators.cli.session import ledger_path  # noqa: PLC0415  # slow to import

    return ledger_path(options)


def _tell(options: Options, document: Any, text: str) -> None:
    if options.as_json:
        console.show_json(document)
    else:
        console.show(text)
