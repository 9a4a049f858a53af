"""Fault switches: one line of text makes the emulator misbehave, in a way a real service or network does.

Grammar: ``name[=value][@first:N|@every:K|@after:K|@probability:P][@on:ENDPOINT[,ENDPOINT…]]``. Without a limit every
call is hit; ``first``/``every``/``after`` count the calls of the chosen endpoints. Endpoints: import submit list get
delete batch_delete · file file_stats file_alerts domain_stats domain_alerts ip_stats ip_alerts groups (``lookups``) ·
token device discovery identity; ``api`` is all but the last four, ``any`` is all. Default: import and submit.

Nothing is applied, and …
  drop_before      the connection is closed           rst              … is reset
  hang_before=S    S seconds of silence, then closed   500_before       500 InternalServerError
  status=C[:CODE][;RETRY-AFTER]  any status            status_once=…    the same, @first:1
  throttle[=V][|V] 429; Retry-After: V (any text, may be given twice), without a value no such header
  retry_after_on_400=V  400 with Retry-After: V        html             200 with a web page
  raw=BODY         200 with this literal body          empty_405        405, Allow: POST, no body
  403=CODE         Forbidden or DisabledFeature        claims           401 until a token was asked for with claims
  expire_token_after=N  401 after N calls of one token max_bytes=N      413 for larger bodies
  max_batch=N      MaximumBatchSizeExceeded above N    reject_all       400 InvalidRequestBody
  poison=N|VALUE   400 whenever one of N rows (drawn from the first batch) or VALUE is in the batch
  disallow=VALUE   403 DisallowedOperation likewise    500_if=VALUE     500 likewise
Applied, and …
  drop_after       the connection is closed            hang=S           S seconds of silence, then closed
  trunc_after      half of the answer                  500_after        500 InternalServerError
  raw_after=BODY   200 with this literal body          short[=N]        only the first N (half of the) rows listed
  shuffle          rows in another order               dup              rows repeated, unknown values added
  canon[=upper]    values spelt in the server's way (lower case, no final dot; upper: the other way)
Partly applied:
  short_notapplied[=N]  as short, the unlisted rows are not stored (of a batch delete: not deleted)
  refuse_all  refuse=VALUE  refuse_share=P  rows answered isFailed; reason=TEXT is the text they carry
  lie_once[=VALUE]  one row answered as stored that is not
Standing conditions: capacity=N · foreign_load=N[/min] another client of the same application · retry_after=V what the
limiter's own 429 says (empty: no header) · date_skew=S the service's clock · latency=S[,JITTER] · chaos=P each call
meets, with probability P, one of: drop_before drop_after rst trunc_after short short_notapplied shuffle dup html
500_before 500_after status=503 throttle=1.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from defender_indicators.errors import InputError


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


LOOKUPS: Final = _words("file file_stats file_alerts domain_stats domain_alerts ip_stats ip_alerts groups")
API: Final = LOOKUPS | _words("import submit list get delete batch_delete")
ENDPOINTS: Final = API | _words("token device discovery identity")
_WRITES = _words("import submit")
_GROUPS: Mapping[str, frozenset[str]] = {
    "lookups": LOOKUPS,
    "api": API,
    "any": ENDPOINTS,
    **{name: frozenset({name}) for name in ENDPOINTS},
}
_DEFAULTS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("expire_token_after", "claims", "403", "latency", "retry_after"), API),
    "date_skew": ENDPOINTS,
}
_ALONE = _words(
    "drop_before rst 500_before html empty_405 claims reject_all drop_after trunc_after 500_after shuffle dup "
    "refuse_all"
)
_OPTIONAL = _words("throttle short short_notapplied canon lie_once retry_after")
_VALUED = _words(
    "hang_before status status_once retry_after_on_400 raw raw_after 403 expire_token_after max_bytes max_batch poison "
    "disallow 500_if hang refuse refuse_share reason capacity foreign_load date_skew latency chaos"
)
_NUMBERS = _words(
    "hang_before expire_token_after max_bytes max_batch hang refuse_share capacity date_skew chaos short "
    "short_notapplied"
)
NAMES: Final = _ALONE | _OPTIONAL | _VALUED
_SPEC = re.compile(
    r"(?P<name>\w+)(?:=(?P<value>.*?))?(?P<limits>(?:@(?:first|every|after|probability|on):[^@]*)*)", re.DOTALL
)
_CHAOS = (
    *("drop_before", "drop_after", "rst", "trunc_after", "short", "short_notapplied", "shuffle", "dup", "html"),
    *("500_before", "500_after", "status=503", "throttle=1"),
)


@dataclass(slots=True)
class Switch:
    """One fault that is switched on."""

    name: str
    value: str | bytes | None
    endpoints: frozenset[str]
    limit: str = ""
    amount: float = 0.0
    calls: int = 0

    def hits(self, endpoint: str, dice: random.Random) -> bool:
        """Say whether this call of ``endpoint`` is hit, and count it."""
        if endpoint not in self.endpoints:
            return False
        self.calls += 1
        match self.limit:
            case "first":
                return self.calls <= self.amount
            case "every":
                return self.calls % self.amount == 0
            case "after":
                return self.calls > self.amount
            case "probability":
                return dice.random() < self.amount
        return True


class Hits:
    """The faults that one call meets: name → values."""

    def __init__(self) -> None:
        self._values: dict[str, list[str | bytes | None]] = {}

    def add(self, name: str, value: str | bytes | None) -> None:
        """Let the call meet one more fault."""
        self._values.setdefault(name, []).append(value)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __bool__(self) -> bool:
        return bool(self._values)

    def texts(self, name: str) -> list[str]:
        """Return every value of one fault as text."""
        return [value for value in self._values.get(name, ()) if isinstance(value, str)]

    def text(self, name: str, default: str = "") -> str:
        """Return the value of one fault as text; the one added last wins."""
        return (self.texts(name) or [default])[-1]

    def number(self, name: str, default: float = 0.0) -> float:
        """Return the value of one fault as a number."""
        return float(self.text(name) or default)

    def body(self, name: str) -> bytes:
        """Return the value of one fault as bytes."""
        value = self._values[name][-1]
        return value if isinstance(value, bytes) else (value or "").encode()


class Faults:
    """All switches of one emulator; they may be changed while it runs."""

    def __init__(self, seed: int = 0) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - reproducible, not secret
        self._switches: list[Switch] = []

    def add(self, spec: str, value: str | bytes | None = None) -> None:
        """Switch one fault on; ``value``, when given, is taken as it is instead of the one in ``spec``.

        Raises:
            InputError: the text is not a known fault, or its value is not of the right kind.
        """
        switch = parse(spec, value)
        self._switches = [*self._switches, switch]

    def remove(self, name: str) -> None:
        """Switch off every fault of this name."""
        self._switches = [switch for switch in self._switches if switch.name != name]

    def clear(self) -> None:
        """Switch everything off."""
        self._switches = []

    def standing(self, name: str, default: float) -> float:
        """Return the value of a standing condition without counting a call."""
        values = [switch.value for switch in self._switches if switch.name == name]
        return float(str(values[-1]).removesuffix("/min")) if values else default

    def meet(self, endpoint: str) -> Hits:
        """Return what one call of ``endpoint`` meets, and count it."""
        hits = Hits()
        for switch in self._switches:
            if not switch.hits(endpoint, self.dice):
                continue
            if switch.name != "chaos":
                hits.add(switch.name, switch.value)
            elif self.dice.random() < float(str(switch.value)):
                name, _, value = self.dice.choice(_CHAOS).partition("=")
                hits.add(name, value or None)
        return hits


def parse(spec: str, value: str | bytes | None = None) -> Switch:
    """Read one fault from its text.

    Raises:
        InputError: the text is not a known fault, or its value is not of the right kind.
    """
    match = _SPEC.fullmatch(spec)
    if not match or match["name"] not in NAMES:
        raise InputError(f"fault {spec[:80]!r}: unknown; use one of {', '.join(sorted(NAMES))}")
    name, value = match["name"], match["value"] if value is None else value
    if (name in _VALUED and value is None) or (name in _ALONE and value is not None):
        raise InputError(f"fault {spec[:80]!r}: {'needs a' if name in _VALUED else 'takes no'} value")
    if isinstance(value, str):
        _check_value(spec, name, value)
    switch = Switch(name, value, _DEFAULTS.get(name, _WRITES))
    if name == "status_once":
        switch.name, switch.limit, switch.amount = "status", "first", 1
    for part in match["limits"].split("@")[1:]:
        word, _, text = part.partition(":")
        if word == "on":
            switch.endpoints = _endpoints(spec, text)
        else:
            switch.limit, switch.amount = word, _number(spec, text)
    return switch


def _check_value(spec: str, name: str, value: str) -> None:
    if name in _NUMBERS:
        _number(spec, value)
    elif name == "foreign_load":
        _number(spec, value.removesuffix("/min"))
    elif name == "latency":
        for part in value.split(",", 1):
            _number(spec, part)
    elif name in ("status", "status_once"):
        status = re.split("[:;]", value, maxsplit=1)[0]
        if not re.fullmatch(r"[2-5][0-9]{2}", status):
            raise InputError(f"fault {spec[:80]!r}: {status[:40]!r} is not a status from 200 to 599")


def _number(spec: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"fault {spec[:80]!r}: {text[:40]!r} is not a number") from None


def _endpoints(spec: str, text: str) -> frozenset[str]:
    try:
        return frozenset().union(*(_GROUPS[name] for name in text.split(",")))
    except KeyError as unknown:
        raise InputError(
            f"fault {spec[:80]!r}: no endpoint {unknown}; use one of {', '.join(sorted(_GROUPS))}"
        ) from None
