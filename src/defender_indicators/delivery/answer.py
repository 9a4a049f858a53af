"""The seam between delivery and HTTP: one call goes out, one raw answer comes back, nobody has judged it yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Protocol


class Failure(Enum):
    """Why there is no complete HTTP answer."""

    NOT_SENT = "not_sent"
    """The service cannot have seen the request: DNS, refused or timed-out connection, proxy 502/503."""
    LOST = "lost"
    """The request may have been carried out: reset, timeout, truncated or undecodable answer."""
    GARBLED = "garbled"
    """Something answered, but not in HTTP: a garbage status line, endless headers. As doubtful as LOST."""
    FATAL = "fatal"
    """Trying again cannot help and must not happen: TLS, a redirect, a proxy that wants a password."""


MOST_BYTES: Final = 8 * 1024 * 1024
"""Bytes of a decoded answer; a longer one is given up while it is read."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request. ``path`` is relative to the API host (``/api/indicators/import``) or a pinned absolute URL.

    ``most_bytes`` is how long the decoded answer may be.
    """

    method: str
    path: str
    body: bytes = b""
    request_id: str = ""
    most_bytes: int = MOST_BYTES


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    ``status`` is 0 and ``failure`` is set when no complete HTTP answer was read; otherwise ``failure`` is None.
    ``headers`` have lower-case names; a header sent twice is joined with ``", "``. ``body`` is decoded, no longer
    than the call allowed.
    ``detail`` says the cause in one redacted line.
    """

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    failure: Failure | None = None
    detail: str = ""


class Transport(Protocol):
    """What delivery needs from a connector."""

    def sign_in(self, *, renew: bool = False, claims: str = "") -> None:
        """Make sure a usable token is at hand; with ``renew`` drop the one we have first.

        Raises:
            AuthenticationError: the credentials are wrong; trying again cannot help.
            TransportError, ThrottledError, ServerError: the sign-in service cannot be reached or is busy.
        """

    def send(self, call: Call) -> Answer:
        """Send one call and return what came back; never raises, never retries, never follows a redirect."""
