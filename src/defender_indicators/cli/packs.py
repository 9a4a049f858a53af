"""``validate``: every file of a pack, checked without running any of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from defender_indicators.cli import console
from defender_indicators.cli.options import Options, output_options


@click.command("validate")
@click.argument("pack", required=False, type=click.Path(path_type=Path, exists=True))
@output_options
def validate_command(pack: Path | None, **common: Any) -> int:
    """Check every file of the pack in folder PACK (by default this one), or one manifest or schema."""
    from defender_indicators.pack import content_root, validate  # noqa: PLC0415  # slow to import

    root = pack or content_root()
    problems = validate(root)
    if Options(**common).as_json:
        console.show_json({"schema_version": 1, "ok": not problems, "problems": problems})
    elif problems:
        console.say("\n".join(problems))
        console.say(f"{len(problems)} problem{'s' * (len(problems) > 1)} in {root}")
    else:
        console.show(f"{root}: every file is as it should be")
    return 2 if problems else 0
