"""A call that came in and the answer that goes out, before anything touches the network."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn

import orjson

from defender_indicators.emulator.faults import Hits
from defender_indicators.emulator.store import Caller

Headers = tuple[tuple[str, str], ...]
NOBODY = Caller("", "", "", frozenset(), delegated=False)


@dataclass(slots=True)
class Call:
    """One request; ``headers`` have lower-case names."""

    endpoint: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    hits: Hits
    caller: Caller = NOBODY
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. ``ending`` says how the connection treats it, ``silence`` how many seconds pass before."""

    status: int = 200
    body: bytes = b""
    headers: Headers = (("content-type", "application/json; odata.metadata=minimal; charset=utf-8"),)
    ending: Literal["whole", "half", "close", "reset"] = "whole"
    silence: float = 0.0


@dataclass(slots=True)
class RefusedError(Exception):
    """The call ends here, with this answer."""

    reply: Reply = field(default_factory=Reply)


def answer(document: Any, status: int = 200) -> Reply:
    """Return a JSON answer."""
    return Reply(status, orjson.dumps(document))


_CODES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    413: "RequestEntityTooLarge",
    429: "TooManyRequests",
    500: "InternalServerError",
}


def error(status: int, code: str = "", text: str = "", headers: Headers = ()) -> Reply:
    """Return the documented error envelope; ``target`` is a correlation id.

    Source: common-errors.md.
    """
    code = code or _CODES.get(status, "InternalServerError" if status >= 500 else "BadRequest")  # noqa: PLR2004 - HTTP
    envelope = {"error": {"code": code, "message": text or code, "target": str(uuid.uuid4())}}
    return Reply(status, orjson.dumps(envelope), (("content-type", "application/json"), *headers))


def refuse(status: int, code: str = "", text: str = "", headers: Headers = ()) -> NoReturn:
    """End the call with the documented error envelope.

    Raises:
        RefusedError: always.
    """
    raise RefusedError(error(status, code, text, headers))
