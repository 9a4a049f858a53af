"""One command at work: the pack, the context it runs in, the bar, the signals, and the report at the end."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from defender_indicators.cli import console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from defender_indicators.cli.options import Options
    from defender_indicators.context import Context
    from defender_indicators.delivery import Progress, Report
    from defender_indicators.pack import Pack

HALTED = 4


def load_pack() -> Pack:
    """Return the pack that this command line belongs to.

    Raises:
        ManifestError: a file of the pack is wrong.
    """
    from defender_indicators.pack import Pack, content_root  # noqa: PLC0415  # slow to import

    return Pack(content_root())


def start_logging(options: Options) -> None:
    """Send log records to standard error, the ordinary ones only where they were asked for."""
    from defender_indicators.logs import configure_logging  # noqa: PLC0415  # only where something runs

    level = "debug" if options.verbose else "warning"
    configure_logging(level, "json" if options.log_format == "json" else "text", sys.stderr)


@contextmanager
def opened(options: Options, *, dry_run: bool = False, why: str = "", unattended: bool = False) -> Iterator[Context]:
    """Yield the context of one command and close it afterwards."""
    from defender_indicators.doors import open_context  # noqa: PLC0415  # slow to import

    start_logging(options)
    with open_context(
        tenant=options.tenant,
        config=options.config,
        ca_bundle=str(options.ca_bundle or ""),
        environ=os.environ,
        wait=not options.no_wait,
        dry_run=dry_run,
        prompt=console.say,
        why=why,
        unattended=unattended,
    ) as found:
        yield found


def ledger_path(options: Options) -> Path:
    """Return where the ledger of a tenant is; makes no call."""
    with opened(options) as context:
        return context.ledger_path


def act(  # noqa: PLR0913 - the wishes of a command, each with a default
    options: Options,
    name: str,
    inputs: Callable[[Pack], Mapping[str, Any]],
    *,
    dry_run: bool = False,
    show: Callable[[Mapping[str, Any]], None] | None = None,
    why: str = "",
    unattended: bool = False,
) -> int:
    """Run an action, show its outputs, and return the exit code.

    ``inputs`` may ask the pack what is wanted; ``show`` writes outputs for people where facts and tables will not do.
    """
    from defender_indicators.pack import run_action  # noqa: PLC0415  # slow to import

    with opened(options, dry_run=dry_run, why=why, unattended=unattended) as context:
        given = inputs(context.pack)
        return deliver(options, context, lambda: run_action(context.pack, name, given, context), show)


def control(options: Options, work: Callable[[Context], Report]) -> int:
    """Go on with a run, show its report, and return the exit code."""
    with opened(options) as context:
        return deliver(options, context, lambda: work(context))


def deliver(
    options: Options,
    context: Context,
    work: Callable[[], Mapping[str, Any]],
    show: Callable[[Mapping[str, Any]], None] | None = None,
) -> int:
    """Do work that may send, under the bar and the signals; show what came of it and return the exit code."""
    from defender_indicators.cli.progress import progress_bar  # noqa: PLC0415  # only where something runs
    from defender_indicators.cli.signals import guarded  # noqa: PLC0415  # only where something runs

    with guarded(context.stop) as guard:
        with progress_bar() as bar:

            def progress(now: Progress) -> None:
                guard.sending = now.total > 0
                bar(now)

            context.progress = progress
            outputs = work()
        code = show_outputs(options, outputs, show)
    return 128 + guard.number if guard.number else code


def show_outputs(
    options: Options, outputs: Mapping[str, Any], show: Callable[[Mapping[str, Any]], None] | None = None
) -> int:
    """Show what an action returned and return the exit code that belongs to it."""
    from defender_indicators.cli.summary import show_facts, show_report  # noqa: PLC0415  # only where something runs
    from defender_indicators.delivery import Report  # noqa: PLC0415  # loaded by the action already

    if isinstance(outputs, Report):
        if options.as_json:
            console.stream_json(outputs.write_json)
        else:
            show_report(outputs)
        return outputs.exit_code
    if options.as_json:
        console.show_json(outputs)
    else:
        (show or show_facts)(outputs)
    return 0 if outputs.get("ok", True) else HALTED
