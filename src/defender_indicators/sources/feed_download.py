"""One bounded GET whose answer goes into a file, and every failure as a clear error."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import IO, Final, NamedTuple

from requests import Response
from urllib3.exceptions import HTTPError

from defender_indicators.errors import InputError, LedgerError, PackError
from defender_indicators.transport import CHUNK, Http
from defender_indicators.wire import Exchange

_OK: Final = 200


class Received(NamedTuple):
    """The head of an answer, with lower-case names; ``cut`` says why its body ends too early, ``""`` if it does not."""

    status: int
    headers: Mapping[str, str]
    cut: str = ""


class Downloader(Http):
    """Carries out single downloads over the sockets and the TLS that every call takes; follows no redirect."""

    def download(  # noqa: PLR0913  # what bounds a call, each on its own
        self,
        url: str,
        place: str,
        headers: Mapping[str, str],
        target: IO[bytes],
        *,
        limit: int,
        seconds: float,
        resolve: Callable[[str, int], list[str]],
    ) -> Received:
        """Write the decoded body of a 200 to ``target``; the body of any other answer is not read.

        Args:
            url: where to; checked by the caller.
            place: what messages call it.
            headers: of the request.
            target: takes the body.
            limit: most bytes of the decoded body.
            seconds: for everything, first byte of DNS to last byte of the body.
            resolve: turns host and port into addresses that may be connected to. A proxy resolves by itself.

        Raises:
            InputError: no answer, or a body larger than ``limit``.
            LedgerError: ``target`` cannot be written.
        """
        with Exchange(seconds, None if self.proxies(url) else resolve) as call:
            try:
                response = self._open(url, headers, seconds)
            except PackError:
                raise
            except Exception as error:  # noqa: BLE001  # whatever the libraries raise, the caller needs one sentence
                why = f"no answer within {seconds:.0f} s" if call.cut else self._failure(error, call, url).detail
                raise InputError(f"{place}: cannot be fetched: {why}") from None
            with response:
                received = {name.lower(): value for name, value in response.raw.headers.itermerged()}
                cut = _read(response, place, target, limit) if response.status_code == _OK else ""
                if call.cut:
                    cut = f"not complete within {seconds:.0f} s"
                return Received(response.status_code, received, cut)

    def _open(self, url: str, headers: Mapping[str, str], seconds: float) -> Response:
        return self._session.get(
            url,
            headers={"Accept-Encoding": "gzip, deflate", **headers},
            timeout=(self._network.connect_timeout, seconds),
            proxies=self.proxies(url),
            allow_redirects=False,
            stream=True,
        )


def _read(response: Response, place: str, target: IO[bytes], limit: int) -> str:
    """Copy the body, decoded bit by bit; return why it ended too early."""
    size = 0
    try:
        while chunk := response.raw.read1(CHUNK, decode_content=True):  # what came before an early end is not lost
            size += len(chunk)
            if size > limit:
                raise InputError(f"{place}: larger than {limit // 2**20:,} MiB; split the feed, or give a smaller one")
            _write(target, chunk)
    except (HTTPError, HTTPException, OSError) as error:
        return f"the connection ended after {size:,} bytes ({type(error).__name__})"
    return ""


def _write(target: IO[bytes], chunk: bytes) -> None:
    try:
        target.write(chunk)
    except OSError as error:
        place = getattr(target, "name", "") or tempfile.gettempdir()
        raise LedgerError(
            f"{place}: a feed cannot be kept there: {error.strerror}; free space, or set TMPDIR"
        ) from None
