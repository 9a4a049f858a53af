"""Rows as the service lists them.

Source: get-ti-indicators-collection.md.
"""

from __future__ import annotations

from typing import Any

from defender_indicators.indicators.canonical import scope_of
from defender_indicators.indicators.expiration import utc_second
from defender_indicators.indicators.inference import matching_key

_OURS = {"indicatorType": "type", "indicatorValue": "value"}


def row_from_api(row: object) -> dict[str, Any] | None:
    """Return one row of ``GET /api/indicators`` as a dict, None when it is not a row at all.

    ``id``, ``type``, ``value``, ``action`` and ``scope`` are always there, text, in canonical form; the other fields
    keep Microsoft's names and are left out when null. Types and actions we do not know pass as they are.
    """
    if not isinstance(row, dict):
        return None
    ours = {_OURS.get(name, name): value for name, value in row.items() if isinstance(name, str) and value is not None}
    known = [ours.get(name) for name in ("value", "type", "action")]
    if not all(isinstance(text, str) for text in known) or not isinstance(ours.get("id"), (str, int)):
        return None
    ours["id"] = str(ours["id"])
    ours["value"] = matching_key(ours["value"])
    ours["scope"] = scope_of(tuple(_listed(ours, "rbacGroupNames", str)), tuple(_listed(ours, "rbacGroupIds", int)))
    if isinstance(ours.get("expirationTime"), str):
        ours["expirationTime"] = utc_second(ours["expirationTime"]) or ours["expirationTime"]
    return ours


def _listed(row: dict[str, Any], name: str, kind: type) -> list[Any]:
    values = row.get(name)
    return [value for value in values if isinstance(value, kind)] if isinstance(values, list) else []
