"""Feeds over https: fetched whole and within limits, remembered, never repeated by themselves.

A feed that the server says is unchanged is read from the kept body. A download that ends too early is handed on as far
as its last complete line and then raises `SourceCutOff`, so that nobody takes the missing rest for deleted.

Source: RFC 9110 (conditional requests, redirects).
"""

from __future__ import annotations

import base64
import io
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import PurePosixPath
from typing import IO, BinaryIO, Final, NamedTuple, cast
from urllib.parse import urldefrag, urljoin, urlsplit

from defender_indicators.clock import Clock
from defender_indicators.errors import InputError
from defender_indicators.network import Network
from defender_indicators.origin import same_origin
from defender_indicators.redaction import Secret
from defender_indicators.sources.feed_addresses import Reach
from defender_indicators.sources.feed_download import Downloader, Received
from defender_indicators.sources.feed_store import FeedStore
from defender_indicators.sources.observed import SourceCutOff

LARGEST_DOCUMENT: Final = 64 * 2**20
LARGEST_STREAM: Final = 2 * 2**30
"""Bytes of a decoded body, in memory and on disk."""
SECONDS: Final = 300.0
"""For a whole download, redirects included."""
_MOST_REDIRECTS: Final = 5
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_UNCHANGED: Final = 304
_OK: Final = 200
_SERVER_ERRORS: Final = 500
_CARRIED_ON: Final = ("accept", "user-agent", "if-none-match", "if-modified-since")
"""Headers that another host may see; every other one could hold a secret."""
_PAGE: Final = (b"<!doctype html", b"<html")
_LOOKED_AT: Final = 1024

_REMEDIES: Final = {
    401: "the server wants credentials or refuses these; check user, password or token of the feed",
    403: "these credentials may not read the feed; ask its owner for access",
    404: "there is no such feed; check the URL",
    406: "the server does not offer the wanted format; check the URL",
    407: "the proxy wants a password; give user and password in DEFENDER_PROXY",
    410: "the feed is gone; remove it, or ask its owner for the new URL",
    429: "too many requests; fetch the feed less often",
}


class FeedError(InputError):
    """A server answered, but not with a feed; ``status`` is the HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class FeedAnswer(NamedTuple):
    """A complete answer: the headers have lower-case names, the body is decoded."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class OpenFeed(NamedTuple):
    """A feed on disk, ready to be read from its first byte.

    ``place`` is what messages call it, ``extension`` that of the URL's path (lower case, no dot); ``is_unchanged``
    where the server said so and the kept body is read.
    """

    stream: BinaryIO
    place: str
    extension: str
    is_unchanged: bool


class Feed:
    """Fetches feeds; ``store`` None remembers nothing.

    ``allow_private`` lets a feed lie in a private network, ``allow_loopback`` on this machine, without TLS too.
    """

    def __init__(  # noqa: PLR0913  # what a feed may do, each on its own
        self,
        network: Network,
        clock: Clock,
        store: FeedStore | None = None,
        *,
        allow_private: bool = False,
        allow_loopback: bool = False,
        seconds: float = SECONDS,
    ) -> None:
        self._http = Downloader(replace(network, deadline=seconds), clock)
        self._clock, self._store, self._seconds = clock, store, seconds
        self._reach = Reach(allow_private=allow_private, allow_loopback=allow_loopback)

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> FeedAnswer:
        """Return a document of at most 64 MiB, without remembering it.

        Raises:
            InputError: the URL, the address or the answer is not what it should be; `FeedError` for a status.
            SourceCutOff: the body ended too early.
        """
        body = io.BytesIO()
        received, place = self._follow(url, headers or {}, body, LARGEST_DOCUMENT)
        _check(received, place, body.getvalue()[:_LOOKED_AT])
        if received.cut:
            raise SourceCutOff(f"{place}: {received.cut}; fetch it again", place)
        return FeedAnswer(received.status, received.headers, body.getvalue())

    @contextmanager
    def open(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[OpenFeed]:
        """Download a feed of at most 2 GiB to disk, or take the kept one, and give it to be read.

        Reading a feed that was cut off raises `SourceCutOff` behind its last complete line.

        Raises:
            InputError: as for `get`.
            LedgerError: the disk cannot take it.
        """
        with ExitStack() as stack:
            kept = self._store.recall(url) if self._store else None
            if kept:
                stack.enter_context(kept.body)
            draft = stack.enter_context(self._store.draft() if self._store else _nameless())
            asked = {**(headers or {}), **(kept.headers if kept else {})}
            received, place = self._follow(url, asked, draft, LARGEST_STREAM)
            is_unchanged = received.status == _UNCHANGED and kept is not None
            stream = kept.body if is_unchanged and kept else self._finished(url, received, place, draft)
            extension = PurePosixPath(urlsplit(url).path).suffix.lower().lstrip(".")
            yield OpenFeed(cast("BinaryIO", stream), place, extension, is_unchanged)

    def close(self) -> None:
        """Close the idle connections."""
        self._http.close()

    def _finished(self, url: str, received: Received, place: str, draft: IO[bytes]) -> IO[bytes]:
        draft.seek(0)
        _check(received, place, draft.read(_LOOKED_AT))
        if received.cut:
            return cast("IO[bytes]", _CutOff(draft, f"{place}: {received.cut}; fetch it again", place))
        if self._store:
            self._store.keep(url, draft, received.headers)
        draft.seek(0)
        return draft

    def _follow(self, url: str, headers: Mapping[str, str], target: IO[bytes], limit: int) -> tuple[Received, str]:
        """Return the first answer that is no redirect, and the place of the URL that was asked for."""
        first = self._reach.check(url)
        end = self._clock.boottime() + self._seconds
        for _ in range(_MOST_REDIRECTS + 1):
            place = self._reach.check(url)
            left = max(end - self._clock.boottime(), 0.001)
            received = self._http.download(
                urldefrag(url)[0], place, headers, target, limit=limit, seconds=left, resolve=self._reach.resolve
            )
            if received.status not in _REDIRECTS:
                return received, first
            url, headers = _redirected(url, received, place, headers)
        raise InputError(f"{first}: more than {_MOST_REDIRECTS} redirects; give the final URL")


def authorization(secret: Secret, user: str = "") -> dict[str, str]:
    """Return the header that shows ``secret``: as the password of ``user``, or without one as a bearer token."""
    if not user:
        return {"Authorization": f"Bearer {secret.reveal()}"}
    account = f"{user}:{secret.reveal()}".encode()
    return {"Authorization": f"Basic {base64.b64encode(account).decode('ascii')}"}


def _nameless() -> IO[bytes]:
    return tempfile.TemporaryFile()


def _redirected(url: str, received: Received, place: str, headers: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
    location = received.headers.get("location", "")
    try:
        target = urljoin(url, location)
        is_downgrade = urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https"
    except ValueError:
        location = ""
    if not location:
        raise FeedError(f"{place}: a redirect (HTTP {received.status}) to nowhere; give the final URL", received.status)
    if is_downgrade:
        raise FeedError(f"{place}: a redirect away from https; give the final https:// URL", received.status)
    if same_origin(target, url):
        return target, headers
    return target, {name: value for name, value in headers.items() if name.lower() in _CARRIED_ON}


def _check(received: Received, place: str, head: bytes) -> None:
    """Refuse what is no feed: an error, or the page of a sign-in or of a portal.

    Raises:
        FeedError: it is.
    """
    status = received.status
    if status != _OK:
        others = "check the URL" if status < _SERVER_ERRORS else "the server's own trouble; try again later"
        remedy = _REMEDIES.get(status, others)
        wait = received.headers.get("retry-after", "")
        after = f" (after {wait} s)" if wait.isascii() and wait.isdigit() else ""
        raise FeedError(f"{place}: HTTP {status}: {remedy}{after}", status)
    if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:20].lower().startswith(_PAGE):
        raise FeedError(
            f"{place}: a web page instead of a feed, maybe a sign-in page; check the URL and the credentials", status
        )


class _CutOff(io.RawIOBase):
    """The complete lines of a download that ended too early; reading on raises `SourceCutOff`."""

    def __init__(self, file: IO[bytes], message: str, place: str) -> None:
        super().__init__()
        self._file, self._message, self._place = file, message, place
        self._left = _behind_last_line(file)
        file.seek(0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # io hands over a memoryview
        data = self._file.read(min(len(buffer), self._left))
        if not data:
            raise SourceCutOff(self._message, self._place)
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)


def _behind_last_line(file: IO[bytes]) -> int:
    end = file.seek(0, os.SEEK_END)
    while end > 0:
        start = max(end - 2**16, 0)
        file.seek(start)
        if (found := file.read(end - start).rfind(b"\n")) >= 0:
            return start + found + 1
        end = start
    return 0
