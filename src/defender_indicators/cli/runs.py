"""``runs``, ``show``, ``resume``, ``retry`` and ``verify``: runs that the ledger knows."""

from __future__ import annotations

from typing import Any

import click

from defender_indicators.cli import console
from defender_indicators.cli.options import Options, sending_options, tenant_options
from defender_indicators.cli.summary import counted


@click.command("runs")
@tenant_options
def runs_command(**common: Any) -> int:
    """List the runs in the ledger, the newest last."""
    from defender_indicators.cli.session import opened  # noqa: PLC0415  # slow to import

    options = Options(**common)
    with opened(options) as context:
        found = context.runs()
    if options.as_json:
        console.show_json({"schema_version": 1, "runs": found})
    elif found:
        rows: list[list[object]] = [
            [run["run_id"], run["created"], run["state"], run["total"], counted(run["counts"]), run["retry_of"]]
            for run in found
        ]
        console.show_table(["run", "created", "state", "rows", "counts", "retry of"], rows)
    else:
        console.show("no runs yet")
    return 0


@click.command("show")
@click.argument("run")
@tenant_options
def show_command(run: str, **common: Any) -> int:
    """Show the report of RUN; its exit code is that of the run."""
    from defender_indicators.cli.session import opened, show_outputs  # noqa: PLC0415  # slow to import

    options = Options(**common)
    with opened(options) as context:
        return show_outputs(options, context.show(run))


@click.command("resume")
@click.argument("run", default="")
@sending_options
def resume_command(run: str, **common: Any) -> int:
    """Go on with RUN, by default with the oldest unfinished one; sends nothing twice that was answered."""
    from defender_indicators.cli.session import control  # noqa: PLC0415  # slow to import

    return control(Options(**common), lambda context: context.resume(run))


@click.command("retry")
@click.argument("run")
@sending_options
def retry_command(run: str, **common: Any) -> int:
    """Send again, as a new run, the rows of RUN that a new try can help: refused, deferred, unknown, pending."""
    from defender_indicators.cli.session import control  # noqa: PLC0415  # slow to import

    return control(Options(**common), lambda context: context.retry(run))


@click.command("verify")
@click.argument("run")
@sending_options
def verify_command(run: str, **common: Any) -> int:
    """Read back from Defender what RUN has sent, and show what is missing or different there."""
    from defender_indicators.cli.session import opened, show_outputs  # noqa: PLC0415  # slow to import

    options = Options(**common)
    with opened(options) as context:
        found = context.verify(run)
        show_outputs(options, found)
    return 0 if found["ok"] else 1
