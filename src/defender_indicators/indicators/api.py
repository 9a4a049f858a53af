"""Rows as the service lists them.

Source: get-ti-indicators-collection.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from defender_indicators.indicators.canonical import scope_of
from defender_indicators.indicators.expiration import utc_second
from defender_indicators.indicators.inference import matching_key

_OURS = {"indicatorType": "type", "indicatorValue": "value"}
_THEIRS = {ours: theirs for theirs, ours in _OURS.items()}
_REQUEST = (
    "id",
    "type",
    "value",
    "action",
    "title",
    "description",
    "severity",
    "expirationTime",
    "generateAlert",
    "recommendedActions",
    "application",
    "externalId",
    "rbacGroupNames",
    "rbacGroupIds",
    "educateUrl",
    "category",
    "mitreTechniques",
)


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


def row_to_api(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a listed row in Microsoft's spelling again: its ``id`` and what a request may say, nothing else."""
    return {_THEIRS.get(name, name): row[name] for name in _REQUEST if row.get(name) not in (None, "", [])}


def _listed(row: dict[str, Any], name: str, kind: type) -> list[Any]:
    values = row.get(name)
    return [value for value in values if isinstance(value, kind)] if isinstance(values, list) else []
