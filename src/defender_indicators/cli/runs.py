"""``runs``, ``show``, ``resume``, ``retry`` and ``verify``: runs that the ledger knows."""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from defender_indicators.cli import console
from defender_indicators.cli.options import Options, sending_options, tenant_options
from defender_indicators.cli.summary import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from defender_indicators.context import Context
    from defender_indicators.delivery import Report

_FORMS = ("json", "csv", "html")


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
@click.option("--output", "form", type=click.Choice(_FORMS), help="Form of the report; default: tables.")
@click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the report to FILE; without --output its ending says in which form.",
)
@tenant_options
def show_command(run: str, *, form: str | None, target: Path | None, **common: Any) -> int:
    """Show the report of RUN; its exit code is that of the run."""
    from defender_indicators.cli.session import opened, show_outputs  # noqa: PLC0415  # slow to import

    options = Options(**common)
    wanted = _form(form, target, as_json=options.as_json)
    with opened(options) as context:
        report = context.show(run)
        if not wanted:
            return show_outputs(options, report)
        write = _writer(wanted, report, context)
        if target is None:
            console.stream_json(write)
            return report.exit_code
        _write_file(target, write)
    if options.as_json:
        console.show_json({"schema_version": 1, "run_id": report["run_id"], "form": wanted, "file": str(target)})
    else:
        console.show(f"report of run {report['run_id']} written to {target}")
    return report.exit_code


def _form(form: str | None, target: Path | None, *, as_json: bool) -> str:
    """Return the form to write, ``""`` for what any other command shows."""
    if target is None:
        if as_json and form not in {None, "json"}:
            raise click.UsageError(f"--json and --output {form} both want standard output; add --to FILE")
        return form or ""
    wanted = form or target.suffix.removeprefix(".").lower()
    if wanted not in _FORMS:
        raise click.UsageError(f"--to {target}: its ending is none of {', '.join(_FORMS)}; add --output")
    return wanted


def _writer(form: str, report: Report, context: Context) -> Callable[[IO[bytes]], None]:
    if form == "json":
        return report.write_json
    from defender_indicators import export  # noqa: PLC0415  # only where it is wanted

    if form == "csv":
        return lambda stream: export.write_csv(stream, report)
    return lambda stream: export.write_html(stream, report, context.delivery.ledger.runs())


def _write_file(target: Path, write: Callable[[IO[bytes]], None]) -> None:
    from defender_indicators.errors import InputError  # noqa: PLC0415  # only where it is wanted
    from defender_indicators.private import whole_file  # noqa: PLC0415  # only where it is wanted

    try:
        with whole_file(target) as file:
            write(file)
    except OSError as error:
        raise InputError(f"{target}: cannot be written: {error.strerror}; name a file in a folder of yours") from error


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
