"""How commands open what they read, and what they say about it on standard error."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from defender_indicators.cli import console
from defender_indicators.cli.session import opened
from defender_indicators.sources import load_policy, open_source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from defender_indicators.cli.options import Options
    from defender_indicators.sources import Source
    from defender_indicators.sources.feed import Feed
    from defender_indicators.sources.row import Row


@contextmanager
def opened_source(options: Options, location: str, policy: Path | None, **wishes: Any) -> Iterator[Source]:
    """Open what a command reads (see ``open_source``) and say how it is read.

    Raises:
        ConfigurationError: the policy file is wrong.
        InputError: the source cannot be read.
    """
    chosen = load_policy(policy) if policy else None
    fetching: dict[str, Any] = {"feeds": lambda: _feed(options), "headers": _headers(options, location)}
    with open_source(location, sys.stdin.buffer, policy=chosen, **fetching, **wishes) as source:
        console.say(f"Reading {source.name} as {source.format} ({source.detected_by}).")
        for notice in source.notices:
            console.say(f"Note: {notice}.")
        yield source


def rows_of_all(source: Source) -> Iterator[Row]:
    """Yield every row of a source and say what became of the rest.

    Raises:
        SourceCutOff: after the last row, where some are missing.
    """
    known = len(source.notices)
    yield from source.rows
    say_coverage(source, known)
    if source.cut_off:
        raise source.cut_off


def say_coverage(source: Source, known_notices: int) -> None:
    """Say how the files of a folder were read, of which nothing was known before, and what became of everything."""
    for notice in source.notices[known_notices:]:
        console.say(f"Note: {notice}.")
    console.say(f"{source.coverage}.")


def _feed(options: Options) -> Feed:
    from defender_indicators.feeds import feed_of  # noqa: PLC0415  # only where a feed is fetched

    with opened(options) as context:
        return feed_of(context)


def _headers(options: Options, location: str) -> dict[str, str]:
    if "://" not in location:
        return {}
    from defender_indicators.feeds import headers_of  # noqa: PLC0415  # only where a feed is fetched

    with opened(options) as context:
        return headers_of(context, location)
