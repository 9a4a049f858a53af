"""Where tokens outlive a run, for those who asked for it: a private file, or the keyring of the operating system."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from pathlib import Path
from typing import Final, Protocol

import msal  # type: ignore[import-untyped]  # it ships no types

from defender_indicators.errors import ConfigurationError
from defender_indicators.private import private_folder

_log = logging.getLogger(__name__)
_SERVICE: Final = "defender-indicators tokens"


class Store(Protocol):
    """One text that is kept."""

    def load(self) -> str:
        """Return the text, ``""`` when there is none."""

    def save(self, text: str) -> None:
        """Replace the text."""


class FileStore:
    """A file of mode 0600 that is replaced as a whole."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> str:
        """Return the file's text; a file that others could have written or read is not used."""
        try:
            with self._path.open(encoding="utf-8") as file:
                private = os.fstat(file.fileno()).st_mode & 0o077 == 0
                return file.read() if private else ""
        except (OSError, UnicodeDecodeError):
            return ""

    def save(self, text: str) -> None:
        """Write a new file and put it in the old one's place."""
        private_folder(self._path.parent)
        descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=".tokens-")
        try:
            with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123  # a descriptor, not a path
                file.write(text)
            Path(name).replace(self._path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise


class KeyringStore:
    """An entry of the keyring."""

    def __init__(self, user: str) -> None:
        try:
            import keyring  # noqa: PLC0415  # an optional extra
        except ImportError:
            raise ConfigurationError(
                "token_cache: the keyring extra is not installed; in a checkout: pip install '.[keyring]'"
            ) from None
        self._keyring = keyring
        self._user = user

    def load(self) -> str:
        """Return the entry's text."""
        with contextlib.suppress(self._keyring.errors.KeyringError):
            return self._keyring.get_password(_SERVICE, self._user) or ""
        return ""

    def save(self, text: str) -> None:
        """Replace the entry."""
        try:
            self._keyring.set_password(_SERVICE, self._user, text)
        except self._keyring.errors.KeyringError as error:
            raise OSError(f"the keyring refused ({type(error).__name__})") from None


class TokenCache:
    """MSAL's cache together with the place it is kept in; ``store`` None keeps it in memory."""

    def __init__(self, store: Store | None) -> None:
        self.tokens = msal.SerializableTokenCache()
        self._store = store
        if store and (text := store.load()):
            try:
                self.tokens.deserialize(text)
            except (ValueError, TypeError, AttributeError):
                _log.warning("the kept tokens cannot be read; signing in anew")
                self.tokens = msal.SerializableTokenCache()

    def keep(self) -> None:
        """Write the tokens if they have changed; a failure costs a sign-in later and is only logged."""
        if not self._store or not self.tokens.has_state_changed:
            return
        try:
            self._store.save(self.tokens.serialize())
        except OSError as error:
            _log.warning("tokens are not kept: %s", error)
