"""``extract``: the indicators of anything that can be read, on standard output."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from defender_indicators.cli import console
from defender_indicators.cli.options import Options, column_map, source_options, tenant_options

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

    from defender_indicators.sources import Source

INCOMPLETE = 1
SHOWN = 20
_TABLE_ROWS = 1000
_OUTPUTS = ("ndjson", "json", "values", "portal-csv", "table")


@click.command("extract")
@click.argument("location", metavar="SOURCE|-")
@click.option("--output", type=click.Choice(_OUTPUTS), default="ndjson", show_default=True, help="Form of the result.")
@source_options
@tenant_options
def extract_command(  # noqa: PLR0913  # one parameter per option
    location: str,
    *,
    output: str,
    chosen: str | None,
    policy: Path | None,
    columns: tuple[str, ...],
    feed: str,
    **common: Any,
) -> int:
    """Print the indicators of SOURCE: a file, a folder, an https address, or standard input for '-'.

    Nothing is sent. Each indicator is printed once; what was left out is counted on standard error.
    """
    from defender_indicators.cli.reading import opened_source, say_coverage  # noqa: PLC0415  # slow to import

    options = Options(**common)
    wishes = {"chosen": chosen or "", "feed": feed, "columns": column_map(columns), "unique": True, "plain_lists": True}
    with opened_source(options, location, policy, **wishes) as source:
        known = len(source.notices)
        _show(source, "document" if options.as_json else output)
        say_coverage(source, known)
        return _faults(source)


def _show(source: Source, output: str) -> None:
    from defender_indicators.sources import extracted, indicators_of  # noqa: PLC0415  # loaded by now

    rows = indicators_of(source)
    if output == "document":
        console.show_json(extracted(source))
    elif output == "table":
        _show_table(rows)
    else:
        console.stream_json(lambda stream: _write(stream, rows, output))


def _write(stream: BinaryIO, rows: Iterable[dict[str, Any]], output: str) -> None:
    from defender_indicators.sources import writing  # noqa: PLC0415  # only where rows are written

    writing.WRITERS[output](stream, rows)


def _show_table(rows: Iterator[dict[str, Any]]) -> None:
    names = {"indicatorType": "type", "indicatorValue": "value", "action": "action", "title": "title"}
    shown: list[list[object]] = [[row.get(name, "") for name in names] for row in islice(rows, _TABLE_ROWS)]
    console.show_table(list(names.values()), shown)
    if more := sum(1 for _ in rows):
        console.show(f"…and {more:,} more; --output ndjson has them all")


def _faults(source: Source) -> int:
    """Say what could not be read, and return the exit code."""
    bad = source.coverage.first_bad
    for row in bad[:SHOWN]:
        console.say(f"Unreadable: {row.place}: {row.reason}.")
    if source.coverage.bad > SHOWN:
        console.say(f"…and {source.coverage.bad - SHOWN:,} more.")
    if source.cut_off:
        console.say(f"Incomplete: {source.cut_off}")
    return INCOMPLETE if source.cut_off or bad else 0
