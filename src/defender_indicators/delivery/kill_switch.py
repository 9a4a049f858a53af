"""The kill switch: a file that stops every run of this machine's state folder, whoever made it and however."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from defender_indicators.errors import InputError, StoppedError
from defender_indicators.private import private_folder

NAME: Final = "kill-switch"


class KillSwitch(NamedTuple):
    """On while ``file`` is there, whatever it holds; the command writes the reason into it."""

    file: Path

    @classmethod
    def of(cls, home: Path) -> KillSwitch:
        """Return the switch of a state folder."""
        return cls(home / NAME)

    @property
    def on(self) -> bool:
        """Whether nothing may be sent; a folder that cannot be looked at stops, too."""
        try:
            self.file.lstat()
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return True

    @property
    def reason(self) -> str:
        """What a run that was stopped says."""
        return f"the kill switch is on: {self.file}; `kill-switch off`, then `resume`"

    def why(self) -> str:
        """Return what was written into the file, its first line."""
        try:
            return self.file.read_text(encoding="utf-8", errors="replace").partition("\n")[0][:200]
        except OSError:
            return ""

    def require_off(self) -> None:
        """Refuse to start.

        Raises:
            StoppedError: it is on.
        """
        if self.on:
            raise StoppedError(self.reason)

    def turn_on(self, why: str) -> None:
        """Stop everything.

        Raises:
            InputError: the file cannot be made.
        """
        try:
            private_folder(self.file.parent)
            self.file.write_text(f"{why}\n", encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise InputError(f"{self.file}: cannot be made: {error.strerror}") from error

    def turn_off(self) -> None:
        """Let runs start again.

        Raises:
            InputError: the file cannot be removed.
        """
        try:
            self.file.unlink(missing_ok=True)
        except OSError as error:
            raise InputError(f"{self.file}: cannot be removed: {error.strerror}") from error
