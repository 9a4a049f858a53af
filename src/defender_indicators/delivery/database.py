"""Opening the ledger's SQLite file safely, and turning every disk fault into one clear :class:`LedgerError`."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from defender_indicators.delivery.lock import holder_of
from defender_indicators.delivery.tables import SCHEMA_VERSION, SQLITE_TYPES, TABLES, UPGRADES
from defender_indicators.errors import LedgerError, LockedError
from defender_indicators.private import private_folder

BUSY_SECONDS: Final = 5.0
MIN_FREE_BYTES: Final = 32 * 1024 * 1024
"""Room for the answers of four calls in flight; with less left nothing more is sent."""
_REMEDY: Final = "set DEFENDER_INDICATORS_HOME to a local folder of yours"
_NETWORK_FILESYSTEMS: Final = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "ceph"})


class Database:
    """One connection with ``BEGIN IMMEDIATE`` transactions; belongs to the process that opened it.

    Args:
        path: the file, or None for a private temporary database (a dry run).
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._pid = os.getpid()
        if path is not None:
            _check_place(path)
        with explained(path):
            self._connection = sqlite3.connect(str(path or ""), timeout=BUSY_SECONDS, isolation_level=None)
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    def _prepare(self) -> None:
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            self._connection.execute(f"PRAGMA {pragma}")
        if self.path is not None:
            self.path.chmod(0o600)
        problems = [line for (line,) in self._connection.execute("PRAGMA quick_check(3)")]
        if problems != ["ok"]:
            raise LedgerError(f"{self.path}: the ledger is damaged ({problems[0]}); see `ledger recover`")
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise LedgerError(
                f"{self.path}: written by a newer version (schema {version}, this one knows {SCHEMA_VERSION}); upgrade"
            )
        if version < SCHEMA_VERSION:
            with self.transaction():
                _migrate(self._connection)
        if self._connection.execute("PRAGMA foreign_key_check(batch)").fetchone():
            raise LedgerError(f"{self.path}: the ledger is damaged (batches without a run); see `ledger recover`")

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        with explained(self.path):
            return self._own().cursor(lambda owner: _Cursor(owner, self.path)).execute(sql, parameters)

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for every row."""
        with explained(self.path):
            self._own().executemany(sql, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what happens inside, or undo all of it."""
        with explained(self.path):
            connection = self._own()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def require_room(self) -> None:
        """Refuse to go on when the disk could not hold the answers.

        Raises:
            LedgerError: less than ``MIN_FREE_BYTES`` are free.
        """
        if self.path is None:
            return
        volume = os.statvfs(self.path)
        if volume.f_bavail * volume.f_frsize < MIN_FREE_BYTES:
            raise LedgerError(f"{self.path}: less than {MIN_FREE_BYTES >> 20} MiB free; nothing was sent, free space")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _own(self) -> sqlite3.Connection:
        if os.getpid() != self._pid:
            raise LedgerError(f"{self.path}: the ledger was opened before a fork; open it in the process that uses it")
        return self._connection


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring the tables to this version, inside the caller's transaction; another process may have been faster."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    steps = [TABLES] if version == 0 else [UPGRADES[step] for step in range(version, SCHEMA_VERSION)]
    for statement in (statement for step in steps for statement in step):
        # SQLite keeps the text; without the blanks all of it fits into the first page, and damage elsewhere spares it.
        connection.execute(" ".join(statement.format_map(SQLITE_TYPES).split()))
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


class _Cursor(sqlite3.Cursor):
    """Explains what goes wrong while rows are fetched, too."""

    def __init__(self, connection: sqlite3.Connection, path: Path | None) -> None:
        super().__init__(connection)
        self._path = path

    def __next__(self) -> Any:
        try:
            return super().__next__()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise _explanation(self._path, error) from error

    def fetchone(self) -> Any:
        """Return the next row, or None."""
        return next(self, None)

    def fetchall(self) -> list[Any]:
        """Return all rows that are left."""
        return list(self)


@contextmanager
def explained(path: Path | None) -> Iterator[None]:
    """Turn SQLite's errors into ours.

    Raises:
        LockedError: another process kept the file busy for too long.
        LedgerError: anything else.
    """
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise _explanation(path, error) from error


def _explanation(path: Path | None, error: Exception) -> LedgerError | LockedError:
    name = path or "temporary ledger"
    if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
        holder = holder_of(path) if path else "another process"
        return LockedError(f"{name}: kept busy for {BUSY_SECONDS:.0f} s, last known sender: {holder}; try again")
    return LedgerError(f"{name}: {error}; check the disk, then `ledger check`")


def _check_place(path: Path) -> None:
    folder = path.parent
    try:
        private_folder(folder)
        if path.is_symlink():
            raise LedgerError(f"{path}: is a symbolic link; the ledger must be a plain file")
        for place in (folder, path):
            if place.exists() and place.stat().st_uid != os.geteuid():
                raise LedgerError(f"{place}: belongs to another user; {_REMEDY}")
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            raise LedgerError(f"{path}: is not a plain file")
    except OSError as error:
        raise LedgerError(f"{path}: {error.strerror}; {_REMEDY}") from error
    if recovered_of(path).exists():
        raise LedgerError(f"{path}: its recovery was interrupted; `ledger recover` once more")
    if not os.access(folder, os.W_OK):
        raise LedgerError(f"{folder}: is read-only; {_REMEDY}")
    kind = filesystem_of(folder)
    if kind in _NETWORK_FILESYSTEMS:
        raise LedgerError(f"{folder}: lies on {kind}, where locks cannot be trusted; {_REMEDY}")


def recovered_of(path: Path) -> Path:
    """Return the file that holds a recovered ledger until it has taken the damaged one's place."""
    return path.with_name(path.name + ".recovered")


def filesystem_of(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> str:
    """Return the kind of file system a folder lies on, ``""`` where the system does not say."""
    if not mounts.exists():
        return ""
    lines = [line.split() for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines()]
    places = {Path(fields[1].replace("\\040", " ")): fields[2] for fields in lines}
    resolved = folder.resolve()
    return next((places[place] for place in (resolved, *resolved.parents) if place in places), "")
