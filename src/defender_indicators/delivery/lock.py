"""One sender per ledger: a kernel lock that dies with its holder, and a note that says who holds it."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from defender_indicators.clock import Clock
from defender_indicators.errors import LedgerError, LockedError

_NOTE_BYTES: Final = 512
_NOTE_READS: Final = 100
"""The first holder has the lock a moment before its note is there; this many readings take about a millisecond."""


@contextmanager
def sender_lock(ledger: Path, clock: Clock, wait: Callable[[str], bool]) -> Iterator[None]:
    """Hold the right to send.

    ``flock``, not ``lockf``: the latter is lost as soon as *any* descriptor of the file is closed.

    Args:
        ledger: the ledger's path; the lock is a file beside it.
        clock: dates the note.
        wait: called with the holder while the lock is taken; it returns after a short while, true to try again.

    Raises:
        LockedError: somebody else is sending and ``wait`` gave up.
    """
    path = _lock_of(ledger)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise LedgerError(f"{path}: {error.strerror}; the folder of the ledger must be yours and writable") from error
    try:
        while not _taken(descriptor):
            holder = holder_of(ledger)
            if not wait(holder):
                raise LockedError(f"{ledger.stem}: {holder} is sending; wait for it, or look with `runs`")
        note = {"pid": os.getpid(), "host": socket.gethostname(), "since": clock.now().isoformat(timespec="seconds")}
        # One write of one length: whoever reads meanwhile sees the old note or the new one, never half of it.
        os.pwrite(descriptor, json.dumps(note).encode().ljust(_NOTE_BYTES), 0)
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def holder_of(ledger: Path) -> str:
    """Return who holds the right to send, or held it last, in words."""
    for _ in range(_NOTE_READS):
        try:
            note = json.loads(_lock_of(ledger).read_bytes())
            return f"process {note['pid']} on {note['host']} (since {note['since']})"
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return "another process"


def _lock_of(ledger: Path) -> Path:
    return ledger.with_name(ledger.name + ".lock")
