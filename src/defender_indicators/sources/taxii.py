"""A collection of a TAXII 2.1 server, read page by page to its end.

Fetching is the caller's: this module only knows which page to ask for, and when a collection was read whole.

Source: TAXII 2.1 sections 3.4, 3.7 and 5.4.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import orjson

from defender_indicators.errors import ConnectorError, InputError
from defender_indicators.sources.observed import SourceCutOff
from defender_indicators.sources.stix import Reading, read_objects
from defender_indicators.sources.stix_markings import PREDEFINED

ACCEPT = "application/taxii+json;version=2.1"
PAGE = 1000
"""Objects asked for in one page; a server may give fewer."""
MOST_PAGES = 10_000
_COLLECTION = re.compile(r"(.*/collections/[^/]+)(?:/objects)?/?")
_OK = 200


class Answer(Protocol):
    """An answer read to its end."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def body(self) -> bytes:
        """The decoded body."""


Get = Callable[[str, Mapping[str, str]], Answer]
"""GET of a URL with headers; raises `InputError` or `ConnectorError` where there is no answer."""


def read_taxii(
    get: Get,
    url: str,
    place: str,
    *,
    added_after: str = "",
    authorize: Callable[[], Mapping[str, str]] = dict,
) -> Iterator[Reading]:
    """Yield what the indicators of a collection name.

    Args:
        get: fetches one page; it keeps to its own limits of size, time and addresses.
        url: of the collection, ``…/collections/ID/`` with or without ``objects/``; a query (``match[type]=…``) is kept.
        place: what the collection is called in messages.
        added_after: an ISO moment; only what the server got later is read.
        authorize: gives the headers that sign in; asked for every page, so that a rotated secret is picked up.

    Raises:
        InputError: no URL of a collection, or the first page cannot be had; nothing was read.
        SourceCutOff: a later page cannot be had, or the server says there is more and not where.
    """
    markings = {**PREDEFINED}
    for number, objects in enumerate(_pages(get, _objects_url(url, place, added_after), place, authorize), 1):
        yield from read_objects(objects, f"{place} page {number}", markings)


def _objects_url(url: str, place: str, added_after: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    found = _COLLECTION.fullmatch(parts.path)
    if not parts.hostname or not found:
        raise InputError(f"{place}: no URL of a TAXII collection; write https://HOST/API-ROOT/collections/ID/")
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name not in {"limit", "next"}]
    asked = [*kept, ("limit", str(PAGE)), *([("added_after", added_after)] if added_after else [])]
    return urlunsplit((parts.scheme, parts.netloc, f"{found[1]}/objects/", urlencode(asked), ""))


def _pages(get: Get, url: str, place: str, authorize: Callable[[], Mapping[str, str]]) -> Iterator[list[Any]]:
    """Yield the objects of each page; ``next`` goes back to where the collection is, wherever it points."""
    seen: set[str] = set()
    following = ""
    for number in range(1, MOST_PAGES + 1):
        asked = f"{url}&{urlencode({'next': following})}" if following else url
        headers = {"Accept": ACCEPT, **authorize()}
        try:
            envelope = _envelope(get(asked, headers), f"{place} page {number}")
        except (InputError, ConnectorError) as error:
            if number == 1:
                raise
            raise SourceCutOff(f"{error}; {number - 1} pages were read, the rest is missing", place) from None
        yield envelope.get("objects", [])
        if not envelope.get("more"):
            return
        following = envelope.get("next", "")
        if not following or following in seen:
            why = "names a page again that was read" if following else "names no next page"
            raise SourceCutOff(f"{place} page {number}: says that there is more and {why}; tell its operator", place)
        seen.add(following)
    raise SourceCutOff(f"{place}: more than {MOST_PAGES:,} pages; narrow it with match[type] or added_after", place)


def _envelope(answer: Answer, place: str) -> dict[str, Any]:
    """Return the envelope in an answer; an empty one stands for a collection without objects."""
    if answer.status != _OK:
        raise InputError(f"{place}: HTTP {answer.status}; check the URL, the credentials and the server")
    try:
        envelope = orjson.loads(answer.body)
    except orjson.JSONDecodeError as error:
        raise InputError(f"{place}: not JSON: {error}; check that the URL is that of a TAXII 2.1 collection") from None
    kinds = {"objects": list, "more": bool, "next": str}
    is_envelope = isinstance(envelope, dict) and (not envelope or envelope.keys() & kinds.keys())
    given = {key: value for key, value in envelope.items() if value is not None} if is_envelope else {"more": ""}
    if not all(isinstance(given.get(key, kind()), kind) for key, kind in kinds.items()):
        raise InputError(f"{place}: no TAXII 2.1 envelope; check that the URL is that of a collection")
    return given
