"""The two legacy actions, translated per type.

Source: indicators-overview.md (``Alert`` is now ``Audit``, ``AlertAndBlock`` is now ``BlockAndRemediate``). Network
types have no ``BlockAndRemediate``; what they did under the old name is ``Block`` with an alert.
"""

from __future__ import annotations

from typing import Any

NETWORK_TYPES = frozenset({"IpAddress", "DomainName", "Url"})


def translate(fields: dict[str, Any], notes: list[str]) -> None:
    """Replace a legacy action in ``fields`` by its modern name and switch its alert on."""
    legacy = fields["action"]
    modern = "Audit"
    if legacy == "AlertAndBlock":
        kind = fields.get("indicatorType")
        modern = "Block" if isinstance(kind, str) and kind in NETWORK_TYPES else "BlockAndRemediate"
    fields["action"] = modern
    fields["generateAlert"] = True
    notes.append(f"legacy action {legacy} sent as {modern} with an alert")
