"""The entry point: finds the command, runs it, and turns whatever happens into one line and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING

import click

from defender_indicators import __version__
from defender_indicators.cli import console
from defender_indicators.cli.signals import Interrupted
from defender_indicators.errors import PackError

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = "defender-indicators"
UNEXPECTED = 4
"""Exit code of a defect of ours: as for a halted run, somebody must look before anything is tried again."""
USAGE = 2
INTERRUPTED = 130

COMMANDS = {
    "import": ("importing", "Import the indicators of a file."),
    "extract": ("extracting", "Print the indicators of a file, a folder or a feed."),
    "block": ("importing", "Block single values."),
    "sync": ("syncing", "Make a set of the tenant equal to a source."),
    "plan": ("syncing", "Write what a sync would change to a file."),
    "apply": ("syncing", "Carry out a plan file."),
    "rollback": ("syncing", "Write the plan that undoes a run."),
    "replace": ("syncing", "Change the action or the devices of indicators."),
    "list": ("tenant", "List the tenant's indicators."),
    "delete": ("tenant", "Delete indicators of the tenant."),
    "capacity": ("tenant", "Count the tenant's rows, and what a source would need."),
    "conflicts": ("tenant", "Find rows that contradict each other."),
    "adopt": ("tenant", "Take rows of an older tool over."),
    "run": ("actions", "Run one action of the pack."),
    "actions": ("actions", "List the actions of the pack, or describe one."),
    "get": ("looking", "Show the tenant's rows of a value, or of an id."),
    "enrich": ("looking", "Show what the tenant knows of a value."),
    "test-connection": ("actions", "Prove that sign-in and permission work."),
    "guard": ("guarding", "Say whether and why a block would be held."),
    "validate": ("packs", "Check every file of a pack."),
    "runs": ("runs", "List the runs in the ledger."),
    "show": ("runs", "Show the report of a run."),
    "resume": ("runs", "Go on with an unfinished run."),
    "retry": ("runs", "Send again, as a new run, what a new try can help."),
    "verify": ("runs", "Read back from Defender what a run has sent."),
    "approve": ("governing", "Release what the guard holds in a run."),
    "kill-switch": ("governing", "Stop every run, and let them start again."),
    "audit": ("governing", "Show, verify or export who did what, and why."),
    "ledger": ("ledger", "Check, back up, recover or prune the ledger."),
    "emulate": ("emulate", "Serve an emulated Defender on this machine."),
    "completion": ("completion", "Print a shell's completion script."),
}
"""Command → its module and its one-line help, so that ``--help`` imports none of them."""


HELP = """Put threat indicators into Microsoft Defender for Endpoint and keep them right.

\b
Exit codes:
  0  every row is accepted, unchanged or a duplicate
  1  some rows are refused, rejected or quarantined
  2  bad input, usage or manifest; nothing was sent
  3  another run is sending for this tenant
  4  halted, somebody must look: sign-in, settings, TLS, a defect
  5  paused, can be resumed
  6  held, needs an approval
  7  ledger or disk, or the result could not be written
  130, 143  stopped by a signal, can be resumed
"""
"""Of the whole program; the backspace tells click to keep the lines as they are."""


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is called, not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Return the names of all commands, in the order of a user's day."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        """Return a command, importing its module."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"defender_indicators.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, f"{cmd_name.replace('-', '_')}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's signature
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(
    cls=LazyGroup, help=HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name=PROGRAM)
def root() -> None:
    """Every command of the program."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; never raises, never shows a traceback unasked.

    Args:
        arguments: without the program's name; the process's own when None.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    console.prepare(as_json="--json" in given)
    try:
        code = _run(given)
    except Exception as error:  # noqa: BLE001  # the last line of defence: a user never meets a traceback
        code = _unexpected(error, verbose="--verbose" in given)
    return console.finish(code)


def _run(arguments: list[str]) -> int:
    if os.name == "nt":
        return console.fail("PlatformError", "Windows is not supported; run it on Linux, macOS or WSL", USAGE)
    try:
        code = root.main(arguments, prog_name=PROGRAM, standalone_mode=False)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        return _usage(error)
    except PackError as error:
        return console.fail(type(error).__name__, str(error), error.exit_code)
    except (click.Abort, Interrupted) as stop:
        return console.fail("Interrupted", "stopped by a signal", getattr(stop, "exit_code", INTERRUPTED))
    return code if isinstance(code, int) else 0


def _usage(error: click.ClickException) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        console.say(error.format_message())
        return USAGE
    context = getattr(error, "ctx", None)
    hint = f"\nTry '{context.command_path} --help'." if context else ""
    return console.fail("UsageError", error.format_message() + hint, USAGE)


def _unexpected(error: Exception, *, verbose: bool) -> int:
    if verbose:
        from traceback import format_exception  # noqa: PLC0415  # only a defect needs it

        from defender_indicators.redaction import redact  # noqa: PLC0415  # only a defect needs it

        console.say(redact("".join(format_exception(error))))
    hint = "" if verbose else " Add --verbose for the details."
    return console.fail("UnexpectedError", f"Unexpected {type(error).__name__}; this is a defect.{hint}", UNEXPECTED)
