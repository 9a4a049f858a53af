"""The guard: whether a row that would block something is held. Plain data in, a hold or None out.

Judged are the actions that take something away from people: ``Block``, ``BlockAndRemediate`` and ``Warn``; ``Audit``
never blocks and passes. ``Allowed`` is always held: it overrides every block of the same value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from socket import AF_INET, AF_INET6, inet_pton
from typing import Final

from defender_indicators.guard.codes import CODES, Hold
from defender_indicators.guard.homoglyphs import LookAlikes
from defender_indicators.guard.known_files import ALGORITHMS, interpreter_hash
from defender_indicators.guard.never_block import NeverBlock
from defender_indicators.guard.settings import GuardSettings
from defender_indicators.guard.warninglists import Listed, Warninglists
from defender_indicators.indicators import Indicator

_REMEDIATES: Final = frozenset({"BlockAndRemediate", "AlertAndBlock"})
_BLOCKS: Final = _REMEDIATES | {"Block", "Warn"}
_ALLOWED: Final = Hold("allowed_action", f"action Allowed: {CODES['allowed_action']}")
_EVERYWHERE: Final = Hold("remediation_everywhere", f"no device group is named: {CODES['remediation_everywhere']}")
_URL: Final = re.compile(r"https?://(?:\[([^\]]*)\]|([^/:?]*))[^/?]*(.*)", re.DOTALL).fullmatch
_NAT64: Final = bytes.fromhex("0064ff9b0000000000000000")
_6TO4: Final = b"\x20\x02"


class Guard:
    """Judges canonical rows.

    Args:
        settings: what the configuration says.
        warninglists: the lists in use; opened when the first row has to be looked up.
        product_hosts: hosts of the API and of its sign-in, which are never blocked.
        own_hash: algorithm → hash of a file that this program needs.
    """

    def __init__(
        self,
        settings: GuardSettings,
        warninglists: Warninglists,
        product_hosts: Iterable[str] = (),
        own_hash: Callable[[str], str] = interpreter_hash,
    ) -> None:
        self.settings = settings
        self._never = NeverBlock(settings, product_hosts)
        self._lists = warninglists
        self._own_hash = own_hash
        self._look_alikes = LookAlikes(settings.own_domains)
        self._judges: dict[str, Callable[[str], Hold | None]] = {
            "DomainName": self._domain,
            "IpAddress": self._address,
            "Url": self._url,
        }

    def judge(self, indicator: Indicator) -> Hold | None:
        """Return why a row is held, None when it may be sent."""
        action = indicator.action
        if action == "Allowed":
            return _ALLOWED
        if action not in _BLOCKS:
            return None
        hold = self._judges.get(indicator.type, self._digest)(indicator.value)
        if hold is None and action in _REMEDIATES and not indicator.scope:
            return _EVERYWHERE
        return hold

    def _domain(self, name: str) -> Hold | None:
        listed = self._lists.domain(name)
        hold = self._never.domain(name)
        if hold:
            return _also(hold, listed)
        if listed:
            return _listed(listed) if listed.list else _shared(name)
        own = self._look_alikes.of(name)
        return Hold("homoglyph", f"looks like {own}, a domain of yours") if own else None

    def _address(self, text: str) -> Hold | None:
        packed = _packed(text)
        listed = self._lists.address(packed, text)
        hold = self._never.address(packed)
        return _also(hold, listed) if hold else listed and _listed(listed)

    def _url(self, value: str) -> Hold | None:
        """A whole site is judged like its host; of a page only the host's place on the hard list counts."""
        parts = _URL(value)
        if parts is None:
            return None
        literal, name, rest = parts.groups()
        address = literal or (name if not name.strip("0123456789.") else "")
        if rest in ("", "/"):
            return self._address(address) if address else self._domain(name)
        return self._never.address(_packed(address)) if address else self._never.host(name)

    def _digest(self, value: str) -> Hold | None:
        listed = self._lists.digest(value)
        hold = self._never.digest(value)
        if hold:
            return _also(hold, listed)
        if listed:
            return _listed(listed, "known_good_hash")
        if value == self._own_hash(ALGORITHMS[len(value)]):
            return Hold("known_good_hash", "the file of the Python that runs this")
        return None


def _packed(text: str) -> bytes:
    """Return an address in network byte order; of IPv4 inside NAT64 or 6to4, the IPv4 address that is meant."""
    packed = inet_pton(AF_INET6 if ":" in text else AF_INET, text)
    if packed.startswith(_NAT64):
        return packed[12:]
    return packed[2:6] if packed.startswith(_6TO4) and len(packed) > 4 else packed  # noqa: PLR2004  # bytes of IPv4


def _listed(found: Listed, code: str = "warninglist") -> Hold:
    return Hold(code, f'on the warninglist "{found.list}" as {found.entry}', list=found.list)


def _shared(name: str) -> Hold:
    return Hold("shared_suffix", f"{name}: {CODES['shared_suffix']}", list="public suffixes")


def _also(hold: Hold, listed: Listed | None) -> Hold:
    if not listed or not listed.list:
        return hold
    return hold._replace(reason=f"{hold.reason}; {_listed(listed).reason}")
