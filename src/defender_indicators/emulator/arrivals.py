"""What the server saw: every call, in order of arrival, whatever became of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(slots=True)
class Arrival:
    """One call. ``status`` is 0 while it is being served, and for ever when no complete answer was given."""

    time: float
    """Seconds since boot when the head of the request had been read."""
    endpoint: str
    method: str
    path: str
    request_id: str
    """The ``client-request-id`` header, ``""`` without one."""
    tenant: str = ""
    app: str = ""
    rows: int = 0
    body_sha256: str = ""
    status: int = 0
    faults: tuple[str, ...] = ()
    """Names of the fault switches that hit this call."""
    ended: float = 0.0
    """Seconds since boot when the answer was handed to the network."""


def most_calls_in_any_window(arrivals: Iterable[Arrival], seconds: float) -> int:
    """Return the largest number of calls that any window of this length holds."""
    times = sorted(arrival.time for arrival in arrivals)
    most = first = 0
    for last, time in enumerate(times):
        while time - times[first] >= seconds:
            first += 1
        most = max(most, last - first + 1)
    return most
