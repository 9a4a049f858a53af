"""``emulate``: a Defender on this machine, for trying things out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from defender_indicators.errors import ConfigurationError

IDENTITIES = ("value", "value+type", "value+type+action+scope", "always_insert")
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("emulate")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: any free port of 127.0.0.1.")
@click.option("--state", type=_FILE, help="File that keeps the indicators across restarts.")
@click.option("--directory", type=click.Path(path_type=Path, file_okay=False), help="Folder for ca.pem and the secret.")
@click.option("--env-file", type=_FILE, help="File for the variables; it appears once the emulator answers.")
@click.option("--certificate", type=_FILE, help="PEM file that the application may sign in with.")
@click.option(
    "--window",
    "window_seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds that count as a minute.",
)
@click.option(
    "--identity",
    type=click.Choice(IDENTITIES),
    default="value+type+action+scope",
    show_default=True,
    help="Which rows the service takes for the same one.",
)
@click.option("--fault", "faults", multiple=True, metavar="SPEC", help="A fault to switch on; may be repeated.")
def emulate_command(*, port: int, window_seconds: float, identity: Any, **files: Any) -> int:
    """Serve an emulated Defender on loopback until Ctrl-C.

    Prints the environment variables that make this command line use it.
    """
    try:
        from defender_indicators.emulator import Settings, serve  # noqa: PLC0415  # an extra, and slow to import
    except ModuleNotFoundError as error:
        advice = "in a checkout: pip install '.[emulator]'"
        raise ConfigurationError(f"the emulator needs {error.name}; {advice}") from None
    serve(Settings(port=port, window_seconds=window_seconds, identity=identity), **files)
    return 0
