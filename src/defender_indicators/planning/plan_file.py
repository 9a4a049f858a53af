"""A plan as a file: to be read, reviewed, approved, and applied exactly, or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from defender_indicators import strict_json
from defender_indicators.delivery import Limits
from defender_indicators.errors import InputError
from defender_indicators.planning.changes import Change
from defender_indicators.planning.prepared import Prepared

SCHEMA_VERSION: Final = "1.0"
_SORTED: Final = orjson.OPT_SORT_KEYS
_READABLE: Final = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
_LONGEST: Final = timedelta(days=30)
_NAMES: Final = Change._fields
_BLANK: Final = {**Change._field_defaults, "value": "", "type": "", "action": ""}
_NEEDED: Final = frozenset(
    ("schema_version", "kind", "set", "tenant", "author", "why", "created", "expires", "facts", "expected", "changes")
)


class PlanFile(NamedTuple):
    """What a plan file says besides the plan; ``tenant`` is ``cloud/tenant/application``."""

    plan: Prepared
    tenant: str
    created: datetime
    expires: datetime
    hash: str

    @classmethod
    def of(cls, plan: Prepared, tenant: str, now: datetime, hours: float) -> PlanFile:
        """Return the file of a plan that may be applied for so many hours."""
        now = now.replace(microsecond=0)
        return cls(plan, tenant, now, now + timedelta(hours=hours), plan.hash)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; ``hash`` names the plan, ``checksum`` the whole document."""
        plan = self.plan
        document: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "kind": plan.kind,
            "set": plan.set_name,
            "tenant": self.tenant,
            "author": plan.author,
            "why": plan.why,
            "created": self.created.isoformat(),
            "expires": self.expires.isoformat(),
            "hash": self.hash,
            "counts": plan.counts(),
            "facts": dict(plan.facts),
            "expected": plan.expected,
            "changes": [_line(change) for change in plan.changes],
        }
        return {**document, "checksum": _checksum(document)}

    def to_bytes(self) -> bytes:
        """Return the file's content."""
        return orjson.dumps(self.to_dict(), option=_READABLE)


def read_plan(content: bytes, place: str, limits: Limits) -> PlanFile:
    """Read a plan file.

    Raises:
        InputError: it is no plan, or not as it was written.
    """
    try:
        document = strict_json.loads(content)
    except ValueError as error:
        raise InputError(f"{place}: not a plan: {error}; write one with `plan`") from None
    if not isinstance(document, dict) or not document.keys() >= _NEEDED:
        raise InputError(f"{place}: not a plan file; write one with `plan`")
    if document["schema_version"] != SCHEMA_VERSION:
        version = document["schema_version"]
        raise InputError(f"{place}: plan format {version!r}, this version reads {SCHEMA_VERSION}; plan again")
    if _checksum({name: value for name, value in document.items() if name != "checksum"}) != document.get("checksum"):
        raise InputError(f"{place}: was edited after it was written; nothing was sent, plan again")
    try:
        found = _plan(document, limits)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{place}: not a plan that can be applied ({type(error).__name__}); plan again") from None
    if found.plan.hash != found.hash:
        raise InputError(f"{place}: its changes do not match its hash; nothing was sent, plan again")
    return found


def require_applicable(found: PlanFile, tenant: str, now: datetime, place: str) -> None:
    """Refuse a plan for another tenant, or one that is too old.

    Raises:
        InputError: why it is refused.
    """
    if found.tenant != tenant:
        raise InputError(f"{place}: was made for {found.tenant}, this is {tenant}; nothing was sent")
    if now > found.expires:
        raise InputError(f"{place}: expired at {found.expires.isoformat()}; nothing was sent, plan again")


def read_plan_file(path: Path, limits: Limits) -> PlanFile:
    """Read a plan from disk.

    Raises:
        InputError: as :func:`read_plan`, or the file cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    return read_plan(content, str(path), limits)


def _line(change: Change) -> dict[str, Any]:
    line = {name: getattr(change, name) for name in _NAMES if getattr(change, name) != _BLANK.get(name)}
    return {**line, "row": orjson.loads(change.row)} if change.row else line


def _plan(document: Mapping[str, Any], limits: Limits) -> PlanFile:
    plan = Prepared(
        changes=_changes(document["changes"]),
        kind=document["kind"],
        set_name=document["set"],
        author=document["author"],
        why=document["why"],
        facts=document["facts"],
        expected=document["expected"],
        limits=limits,
    )
    created, expires = (datetime.fromisoformat(document[name]) for name in ("created", "expires"))
    if not (created.tzinfo and expires.tzinfo and expires - created <= _LONGEST and isinstance(plan.facts, dict)):
        raise ValueError("no plan lives longer")
    return PlanFile(plan, document["tenant"], created, expires, document["hash"])


def _changes(lines: Sequence[Mapping[str, Any]]) -> list[Change]:
    found = []
    for line in lines:
        row = orjson.dumps(line["row"], option=_SORTED) if "row" in line else b""
        lists = {name: tuple(line[name]) for name in ("notes", "fields", "rank") if name in line}
        found.append(Change(**{**_BLANK, **line, **lists, "row": row}))
    return found


def _checksum(document: Mapping[str, Any]) -> str:
    return sha256(orjson.dumps(document, option=_SORTED)).hexdigest()
