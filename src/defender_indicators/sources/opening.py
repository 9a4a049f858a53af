"""A file, a folder, a feed or standard input, opened: its format found, its rows ready to be streamed."""

from __future__ import annotations

import re
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlsplit

from defender_indicators.clock import SystemClock
from defender_indicators.errors import InputError
from defender_indicators.sources.coverage import Coverage
from defender_indicators.sources.detection import Detected
from defender_indicators.sources.observed import SourceCutOff
from defender_indicators.sources.piece import Piece, open_file
from defender_indicators.sources.source import SHIPPED, Source, Wishes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from defender_indicators.sources.feed import Feed
    from defender_indicators.sources.policy import Policy
    from defender_indicators.sources.row import Row

_ADDRESS = re.compile(r"(?:taxii\+)?https?://", re.IGNORECASE)
_COLLECTION = re.compile(r".*/collections/[^/]+(?:/objects)?/?")


@contextmanager
def open_source(  # noqa: PLR0913  # the wishes of a caller, each with a default
    location: str,
    stdin: BinaryIO,
    *,
    chosen: str = "",
    policy: Policy | None = None,
    overrides: Mapping[str, object] | None = None,
    feed: str = "",
    now: datetime | None = None,
    columns: Mapping[str, str] | None = None,
    ranked: bool = False,
    unique: bool = False,
    plain_lists: bool = False,
    feeds: Callable[[], Feed] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Iterator[Source]:
    """Open a file, a folder, an ``https://`` address, a TAXII collection, or standard input for ``-``.

    Args:
        location: where it is.
        stdin: what ``-`` stands for.
        chosen: the format; ``""`` finds it out, for each file of a folder by itself.
        policy: what rows are made of indicators, and what rows get that lack fields; None is the shipped policy for
            formats that need one, and nothing for rows that speak for themselves.
        overrides: settings (names of ``policy.Settings``) that have the last word over the policy.
        feed: the name of the feed in rules and titles; ``""`` is the file's or the host's.
        now: the moment (aware) that ends are judged against.
        columns: field → column of a table.
        ranked: add what a planner chooses by and leave ends open (see ``mapping.Mapper``).
        unique: leave out repeated rows.
        plain_lists: apply the shipped policy to plain lists, too.
        feeds: makes what fetches addresses; None fetches without proxy and remembers nothing.
        headers: what the request for a feed carries beside its own, as its credentials.

    Raises:
        InputError: it cannot be read, is empty, or is not UTF-8.
    """
    instant = now or SystemClock().now()
    wishes = Wishes(
        chosen, policy, overrides or {}, feed, instant, columns or {}, ranked, unique=unique, plain_lists=plain_lists
    )
    if location == "-":
        yield wishes.source(Piece("standard input", "", stdin), Coverage())
    elif _ADDRESS.match(location):
        with closing((feeds or _feeds)()) as feed_reader:
            yield from _fetched(location, wishes, feed_reader, headers or {})
    elif Path(location).is_dir():
        yield _folder(Path(location), wishes)
    else:
        with open_file(Path(location)) as piece:
            yield wishes.source(piece, Coverage())


def _fetched(location: str, wishes: Wishes, feed: Feed, headers: Mapping[str, str]) -> Iterator[Source]:
    """Yield the source at an address: a collection of a TAXII server where its path says so, else a feed."""
    if not location.lower().startswith("taxii+") and not _COLLECTION.fullmatch(urlsplit(location).path):
        with feed.open(location, headers) as fetched:
            yield wishes.source(Piece(fetched.place, fetched.extension, fetched.stream), Coverage())
        return
    from defender_indicators.sources.feed_addresses import place_of  # noqa: PLC0415  # only where one is read
    from defender_indicators.sources.taxii import read_taxii  # noqa: PLC0415  # only where one is read

    url = location[len("taxii+") :] if location.lower().startswith("taxii+") else location
    place = place_of(urlsplit(url))
    found = read_taxii(feed.get, url, place, authorize=lambda: headers)
    yield wishes.source_of(found, place, Detected("stix", "TAXII, its address"), Coverage())


def _feeds() -> Feed:
    from defender_indicators.network import Network  # noqa: PLC0415  # only where a feed is fetched
    from defender_indicators.sources.feed import Feed  # noqa: PLC0415  # only where a feed is fetched

    return Feed(Network(), SystemClock())


def _folder(path: Path, wishes: Wishes) -> Source:
    from defender_indicators.sources.folder import read_folder  # noqa: PLC0415  # only where a folder is read

    files = read_folder(path)
    whole = Source(path.name or str(path), "folder", f"{len(files)} files, each by itself", iter(()))
    whole.rows = _rows_of_all(path, files, wishes, whole)
    return whole


def _rows_of_all(folder: Path, files: Iterable[Path], wishes: Wishes, whole: Source) -> Iterator[Row]:
    """Yield the rows of file after file; one that cannot be read is missing, the others are not."""
    for file in files:
        name = str(file.relative_to(folder))
        try:
            with open_file(file, name) as piece:
                source = wishes.source(piece, whole.coverage)
                whole.notices += tuple(_named(piece, each) for each in source.notices if each not in whole.notices)
                yield from source.rows
                whole.failures += source.failures
        except InputError as error:
            whole.failures.append(SourceCutOff(str(error), name))


def _named(piece: Piece, notice: str) -> str:
    return notice if notice == SHIPPED else f"{piece.name}: {notice}"
