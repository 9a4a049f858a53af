"""What the tenant holds of one value, or under one id.

Source: get-ti-indicators-collection.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from defender_indicators.errors import InputError, TransportError
from defender_indicators.indicators import Canonicaliser, Policy, Rejection, infer_type, matching_key, row_from_api
from defender_indicators.indicators.addresses import compressed
from defender_indicators.indicators.canonical import VALUES
from defender_indicators.indicators.codes import Refused, shown
from defender_indicators.indicators.refang import refang

Read = Callable[[str], Mapping[str, Any] | None]
"""Path → the JSON object that answers a GET, None when there is no such thing; raises `ConnectorError`."""

_ADDRESS: Final = "/api/indicators"
_HEX = re.compile(r"[0-9a-f]{32,64}").fullmatch
_LOOKED_UP_ALL_THE_SAME: Final = frozenset({"private_address", "public_suffix"})
"""Codes of values that cannot become indicators and that Defender may know things of."""


def observable(value: str, kind: str, now: datetime) -> tuple[str, str]:
    """Return (type, canonical value) of what somebody asks about; ``kind`` ``""`` leaves the type to the value.

    Raises:
        InputError: it is nothing that could be an indicator.
    """
    kind = kind or infer_type(value) or ""
    if not kind:
        raise InputError(f"value: '{shown(value, 80)}' is no hash, address, domain or URL; name its type")
    row = {"indicatorType": kind, "indicatorValue": value, "action": "Allowed", "title": "-", "description": "-"}
    judged = Canonicaliser(Policy(now=now))(row)
    if isinstance(judged, Rejection) and judged.code not in _LOOKED_UP_ALL_THE_SAME:
        raise InputError(f"value: {judged.reason}")
    return kind, canonical(value, kind)


def canonical(value: str, kind: str = "") -> str:
    """Return the spelling that our rows carry; of a value that no row of ours can have, the nearest thing to it."""
    spell = VALUES.get(kind or infer_type(value) or "")
    try:
        return spell(value, []) if spell else matching_key(value)
    except Refused:
        return matching_key(refang(value, []))


def spellings(value: str, kind: str = "") -> list[str]:
    """Return the spellings to ask for, ours first: the service compares letter by letter, and others write as they do.

    They are ours, the one given, upper case for hashes, and the short form for IPv6.
    """
    ours = canonical(value, kind)
    others = [ours.upper() if _HEX(ours) else ours, compressed(ours) or ours]
    return list(dict.fromkeys([ours, value.strip(), *others]))


def rows_of(value: str, read: Read, kind: str = "") -> list[dict[str, Any]]:
    """Return every row of a value as `row_from_api` gives it; ``kind`` says how to read the value, it filters nothing.

    Raises:
        ConnectorError: the rows could not be read.
    """
    names = spellings(value, kind)
    keys = set(map(matching_key, names))
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        wanted = "indicatorValue eq '{}'".format(name.replace("'", "''"))
        for raw in _listed(f"{_ADDRESS}?$filter={quote(wanted, safe='')}", read):
            row = row_from_api(raw)
            if row is not None and row["value"] in keys:
                found[row["id"]] = row
    return list(found.values())


def row_by_id(number: str, read: Read) -> list[dict[str, Any]]:
    """Return the row with this id, an empty list when the tenant shows none.

    Raises:
        ConnectorError: it could not be read.
    """
    row = row_from_api(read(f"{_ADDRESS}/{number}"))
    return [] if row is None else [row]


def _listed(path: str, read: Read) -> Iterator[object]:
    seen: set[str] = set()
    while path and path not in seen:
        seen.add(path)
        page = read(path) or {}
        rows, path = page.get("value"), str(page.get("@odata.nextLink") or "")
        if not isinstance(rows, list):
            raise TransportError(f"GET {_ADDRESS}: the answer holds no list of rows; check DEFENDER_API_URL")
        yield from rows
