"""How to get out of this network, as configured."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from defender_indicators.redaction import Secret


@dataclass(frozen=True, slots=True)
class Network:
    """How to get out.

    Args:
        ca_bundle: PEM file; ``""`` means the public authorities.
        proxy: URL of a proxy, ``"env"`` for the environment's, ``""`` for none.
        connect_timeout: seconds for one address to answer.
        deadline: seconds for a whole call, first byte of DNS to last byte of the answer.
    """

    ca_bundle: str = ""
    proxy: str = field(default="", repr=False)
    connect_timeout: float = 10.0
    deadline: float = 120.0
    password: Secret | None = field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        """Make the proxy's password known as a secret."""
        if password := urlsplit(self.proxy).password:
            object.__setattr__(self, "password", Secret(unquote(password)))
