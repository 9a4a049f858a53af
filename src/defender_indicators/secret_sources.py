"""Where a secret is kept: an environment variable, a file, or the keyring of the operating system.

The configuration names the place, never the value; the value is read when somebody signs in, so that a rotated secret
is picked up and a command that needs no network needs no secret.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from defender_indicators.errors import ConfigurationError
from defender_indicators.redaction import Secret

LARGEST: Final = 64 * 1024
"""No secret is larger than this (bytes); a file that is, is not a secret."""


@dataclass(frozen=True, slots=True)
class SecretSource:
    """One place of a secret.

    ``place`` is the name of the variable, the path of the file, or ``service/user`` of the keyring entry.
    """

    kind: Literal["env", "file", "keyring"]
    place: str
    environ: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    def __str__(self) -> str:
        return {"env": f"environment variable {self.place}", "file": self.place}.get(self.kind, f"keyring {self.place}")

    def read(self) -> Secret:
        """Return the secret as it is now.

        Raises:
            ConfigurationError: it is missing, empty, or readable by everybody on this machine.
        """
        readers = {"env": self._from_environment, "file": self._from_file, "keyring": self._from_keyring}
        value = readers[self.kind]()
        if not value:
            raise ConfigurationError(f"{self}: the secret is empty; write the secret itself there, not its id")
        return Secret(value)

    def _from_environment(self) -> str:
        if self.place not in self.environ:
            raise ConfigurationError(f"{self}: not set; set it, or name another place in the configuration")
        return self.environ[self.place].strip()

    def _from_file(self) -> str:
        try:
            return read_private(Path(self.place).expanduser()).decode("utf-8").strip()
        except UnicodeDecodeError:
            raise ConfigurationError(f"{self}: not text in UTF-8; a secret is one line of text") from None

    def _from_keyring(self) -> str:
        try:
            import keyring  # noqa: PLC0415  # an optional extra
        except ImportError:
            raise ConfigurationError(
                f"{self}: the keyring extra is not installed; in a checkout: pip install '.[keyring]'"
            ) from None
        service, _, user = self.place.rpartition("/")
        try:
            value = keyring.get_password(service, user)
        except keyring.errors.KeyringError as error:
            raise ConfigurationError(
                f"{self}: the keyring cannot be read ({type(error).__name__}); unlock it, or use a file"
            ) from None
        if value is None:
            raise ConfigurationError(f"{self}: no such entry; add it with: keyring set {service} {user}")
        return value


def read_private(path: Path) -> bytes:
    """Return the bytes of a file that must not be open to everybody.

    Raises:
        ConfigurationError: missing, not a regular file, larger than 64 KiB, or accessible to others (``o+rwx``).
            Group access is left to the operator: secret mounts of container platforms need it.
    """
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ConfigurationError(f"{path}: not a regular file; name a file that holds the secret")
            if status.st_mode & stat.S_IRWXO:
                raise ConfigurationError(f"{path}: everybody on this machine may read or write it; chmod o-rwx {path}")
            if status.st_size > LARGEST:
                raise ConfigurationError(f"{path}: larger than {LARGEST} bytes; this is not a secret")
            return file.read(LARGEST)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror}); check the path and its owner") from None
