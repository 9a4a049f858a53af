"""What can go wrong, sorted by who must act.

::

    PackError
    ├── ManifestError            a file of the pack is wrong          → fix the pack
    ├── ConfigurationError       credentials or settings are wrong    → fix the installation
    ├── InputError               the inputs break the schema          → fix the playbook
    ├── LedgerError              disk, corruption                     → fix the machine
    ├── StoppedError             the kill switch is on                → whoever switched it on
    ├── LockedError              another run holds the tenant         → wait, or look at who holds it
    └── ConnectorError           the call failed (status, request id, retryable)
        ├── TransportError   ThrottledError   ServerError             retried by delivery
        ├── AuthenticationError   AuthorizationError                  named role, named permission
        └── RequestRejectedError                                      bisected by delivery

A message starts with the place, says the cause and the remedy, and never holds a secret or a whole payload.
Every class names the exit code a command ends with when nothing handled the error.
"""

from __future__ import annotations

from typing import ClassVar


class PackError(Exception):
    """Base of everything this pack raises on purpose."""

    exit_code: ClassVar[int] = 2


class ManifestError(PackError):
    """A file of the pack is wrong; ``problems`` names every place, one line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class ConfigurationError(PackError):
    """Credentials or settings are wrong."""


class InputError(PackError):
    """The inputs of an action break its schema, or a file cannot be read as indicators."""


class LedgerError(PackError):
    """The ledger cannot be trusted or written: disk, permissions, corruption, a newer schema."""

    exit_code = 7


class StoppedError(PackError):
    """Nothing may be sent: somebody switched the kill switch on."""

    exit_code = 5


class LockedError(PackError):
    """Another run is sending for this tenant and application."""

    exit_code = 3


class ConnectorError(PackError):
    """A call to Microsoft failed.

    Args:
        message: place, cause and remedy; already redacted.
        status: the HTTP status, 0 when no answer was read.
        request_id: Microsoft's correlation id, ``""`` when there was none.
    """

    exit_code = 4
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, status: int = 0, request_id: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.request_id = request_id


class TransportError(ConnectorError):
    """No trustworthy answer was read: DNS, refused connection, reset, timeout, truncation."""

    exit_code = 5
    retryable = True


class ThrottledError(ConnectorError):
    """The service asked us to slow down (429)."""

    exit_code = 5
    retryable = True


class ServerError(ConnectorError):
    """The service failed (5xx)."""

    exit_code = 5
    retryable = True


class AuthenticationError(ConnectorError):
    """Sign-in failed: wrong secret, expired certificate, unknown tenant."""


class AuthorizationError(ConnectorError):
    """Signed in, but a role or permission is missing."""


class RequestRejectedError(ConnectorError):
    """The service refused the request as a whole (400 and its kin)."""
