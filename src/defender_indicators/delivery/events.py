"""The audit log: who did what, when and why, as an append-only chain of hashes in the ledger's table ``event``.

Every event is written in the transaction of the fact it tells, so neither exists without the other. The hash of an
event covers the hash before it: whoever changes, removes or reorders one must rewrite all that follow. Whoever can do
that, too, is found by a hash that was noted elsewhere before (``audit verify --head``).

Not to be mixed up with ``audit``, which checks whether the ledger agrees with itself.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import orjson

from defender_indicators.errors import InputError

START: Final = "0" * 64
"""What stands before the first event."""
_HEAD: Final = "event_head"
_NOTHING: Final[Mapping[str, Any]] = {}
_COLUMNS: Final = "number, at, actor, what, run, why, details"


class Source(Protocol):
    """What runs SQL: a ledger's database, or a bare connection."""

    def execute(self, sql: str, parameters: Any = ..., /) -> Any:
        """Run one statement."""


class Event(NamedTuple):
    """One event; ``number`` counts from 1, ``details`` is JSON without secrets or whole payloads."""

    number: int
    at: str
    actor: str
    what: str
    run: str
    why: str
    details: str
    hash: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; details that are no JSON any more stay text."""
        try:
            details = orjson.loads(self.details)
        except orjson.JSONDecodeError:
            details = self.details
        return {**self._asdict(), "details": details}


class Head(NamedTuple):
    """The end of the chain: the number of the last event and its hash."""

    number: int
    hash: str


def record(  # noqa: PLR0913 - the facts of one event
    source: Source,
    at: str,
    actor: str,
    what: str,
    *,
    run: str = "",
    why: str = "",
    details: Mapping[str, Any] = _NOTHING,
) -> None:
    """Append an event, inside the caller's transaction.

    Args:
        source: the ledger's database.
        at: calendar time, ISO with zone.
        actor: the person, or the program, whose doing it is.
        what: the fact, in a few fixed words (``run created``).
        run: the run that it is about.
        why: the reason that was given.
        details: more facts, plain data.
    """
    before = head(source)
    text = orjson.dumps(details, option=orjson.OPT_SORT_KEYS).decode()
    fields = (before.number + 1, at, _storable(actor), what, run, _storable(why), text)
    own = chained(before.hash, fields)
    source.execute(f"INSERT INTO event ({_COLUMNS}, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*fields, own))
    source.execute(
        "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (_HEAD, f"{before.number + 1} {own}"),
    )


def record_created(source: Source, run_id: str) -> None:
    """Append that a run was created, with what is held in it, inside the transaction that wrote it."""
    columns = "created, author, why, kind, total, plan_hash, retry_of"
    at, author, why, *facts = source.execute(f"SELECT {columns} FROM run WHERE id = ?", (run_id,)).fetchone()
    details = dict(zip(("kind", "rows", "plan", "retry_of"), facts, strict=True))
    count = "SELECT code, COUNT(*) FROM row WHERE run = ? AND status = 'held' GROUP BY code"
    details["held"] = dict(source.execute(count, (run_id,)).fetchall())
    record(source, at, author, "run created", run=run_id, why=why, details=details)


def head(source: Source) -> Head:
    """Return the end of the chain as it was noted, or the last event where that note is lost."""
    noted = source.execute("SELECT value FROM meta WHERE name = ?", (_HEAD,)).fetchone()
    if noted:
        number, _, found = noted[0].partition(" ")
        return Head(int(number) if number.isdecimal() else -1, found)
    last = source.execute("SELECT number, hash FROM event ORDER BY number DESC LIMIT 1").fetchone()
    return Head(*last) if last else Head(0, START)


def events(source: Source, run: str = "") -> Iterator[Event]:
    """Return the events, oldest first; of one run, or all for ``""``."""
    where, values = ("WHERE run = ?", (run,)) if run else ("", ())
    for row in source.execute(f"SELECT {_COLUMNS}, hash FROM event {where} ORDER BY number", values):
        yield Event(*row)


def verify(source: Source, anchor: str = "") -> list[str]:
    """Return what is wrong with the chain, one line each; nothing for a whole one.

    Args:
        source: the ledger's database.
        anchor: a hash that was noted outside the ledger; it must be in the chain.
    """
    problems: list[str] = []
    last, found = Head(0, START), anchor in ("", START)
    for event in events(source):
        if event.number != last.number + 1:
            problems.append(f"events {last.number + 1} to {event.number - 1} are missing")
        elif chained(last.hash, event[:-1]) != event.hash:
            problems.append(f"event {event.number}: not what was written, or not in its place")
        found = found or event.hash == anchor
        last = Head(event.number, event.hash)
    noted = head(source)
    if last != noted:
        problems.append(
            f"the chain ends with event {last.number}, the ledger noted event {noted.number} as the last one"
        )
    if not found:
        problems.append(f"{anchor}: not in the chain; events were cut off or rewritten since it was noted")
    return problems


def export(source: Source, target: Path) -> int:
    """Write all events to a new file that only its owner can read, one JSON object a line; returns how many.

    Raises:
        InputError: the file is there already, or cannot be written.
    """
    count = 0
    try:
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for event in events(source):
                file.write(orjson.dumps(event.to_dict()) + b"\n")
                count += 1
    except FileExistsError as error:
        raise InputError(f"{target}: exists already; name a new file") from error
    except OSError as error:
        raise InputError(f"{target}: cannot be written: {error.strerror}") from error
    return count


def os_user() -> str:
    """Return the name of the operating-system user, the number where it has none; the environment is not asked."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _storable(text: str) -> str:
    """Return text that has a place in JSON and in a database, whatever the command line was given."""
    return text.encode("utf-8", "backslashreplace").decode()


def chained(before: str, fields: tuple[Any, ...]) -> str:
    """Return the hash of an event, over the hash before it and all its other fields."""
    return sha256(before.encode() + orjson.dumps(fields)).hexdigest()
