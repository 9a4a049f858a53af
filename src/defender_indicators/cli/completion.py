"""``completion``: the script that lets a shell complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from defender_indicators.cli import console
from defender_indicators.cli.entry import PROGRAM, root


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_command(shell: str) -> int:
    """Print a shell's completion script.

    For bash: defender-indicators completion bash > ~/.local/share/bash-completion/completions/defender-indicators
    """
    writer = get_completion_class(shell)
    if writer is None:
        raise click.UsageError(f"no completion for {shell}")
    script = writer(root, {}, PROGRAM, f"_{PROGRAM.replace('-', '_').upper()}_COMPLETE")
    console.show(script.source())
    return 0
