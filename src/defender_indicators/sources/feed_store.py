"""The last good body of each feed, with what the server needs to say that nothing has changed.

Two files a feed, named after the hash of its URL, for the URL may hold a secret: ``HASH.body`` and ``HASH.json``. The
second one is written last and holds the hash of the first, so that a crash between them only costs a download.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final, NamedTuple
from urllib.parse import urlsplit

from defender_indicators.errors import LedgerError
from defender_indicators.private import private_folder, write_whole

_log = logging.getLogger(__name__)
_VERSION: Final = 1
_BLOCK: Final = 1024 * 1024


class Kept(NamedTuple):
    """A body that is known to be whole, open for reading, and the headers that ask whether it is still the newest."""

    body: IO[bytes]
    headers: dict[str, str]


class FeedStore:
    """Bodies of feeds in one private folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def recall(self, url: str) -> Kept | None:
        """Return what is kept of a feed; None where that is nothing, incomplete, or open to others."""
        note, body = self._paths(url)
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            with _private(note) as file:
                kept = json.loads(file.read())
            names = {"If-None-Match": kept["etag"], "If-Modified-Since": kept["last_modified"]}
            file = _private(body)
            if kept["schema_version"] == _VERSION and _digest(file) == kept["sha256"]:
                file.seek(0)
                return Kept(file, {name: str(value) for name, value in names.items() if value})
            file.close()
        return None

    @contextmanager
    def draft(self) -> Iterator[IO[bytes]]:
        """Give a file to download into; it is gone afterwards unless it was kept.

        Raises:
            LedgerError: the folder cannot be written.
        """
        try:
            private_folder(self._folder)
            file = self._temporary()
        except OSError as error:
            raise LedgerError(
                f"{self._folder}: a feed cannot be kept there: {error.strerror}; free space, or fix its owner"
            ) from None
        try:
            with file:
                yield file
        finally:
            Path(file.name).unlink(missing_ok=True)

    def keep(self, url: str, draft: IO[bytes], headers: Mapping[str, str]) -> None:
        """Keep a complete draft if the server can be asked about it; what cannot be kept is downloaded again."""
        etag, modified = headers.get("etag", ""), headers.get("last-modified", "")
        if not (etag or modified):
            return
        note, body = self._paths(url)
        try:
            draft.flush()
            os.fsync(draft.fileno())
            draft.seek(0)
            digest = _digest(draft)
            Path(draft.name).replace(body)
            facts = {"host": urlsplit(url).hostname, "etag": etag, "last_modified": modified, "sha256": digest}
            write_whole(note, json.dumps({"schema_version": _VERSION, **facts}).encode())
        except OSError as error:
            _log.warning("%s: the feed is not kept and will be downloaded again: %s", self._folder, error.strerror)

    def _temporary(self) -> IO[bytes]:
        return tempfile.NamedTemporaryFile(dir=self._folder, prefix=".draft-", delete=False)  # mode 0600

    def _paths(self, url: str) -> tuple[Path, Path]:
        name = hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()
        return self._folder / f"{name}.json", self._folder / f"{name}.body"


def _digest(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while block := file.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()


def _private(path: Path) -> IO[bytes]:
    """Open a file that nobody else could have written; a link is not followed."""
    file = open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb")  # noqa: PTH123, SIM115  # a descriptor, handed on
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode) or status.st_mode & 0o077:
        file.close()
        raise OSError(f"{path}: open to others")
    return file
