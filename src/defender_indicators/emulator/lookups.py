"""What the tenant knows of a file, a domain or an address, and the scores of its device groups.

An unknown file is a 404, an unknown domain or address a prevalence of 0; alerts of anything unknown are an empty list.
Source: get-file-information.md, get-file-statistics.md, get-file-related-alerts.md, get-domain-statistics.md,
get-domain-related-alerts.md, get-ip-statistics.md, get-ip-related-alerts.md, get-machine-group-exposure-score.md.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any

from defender_indicators.emulator.reply import Call, Reply, answer, refuse
from defender_indicators.emulator.sightings import Sighting
from defender_indicators.emulator.store import stamp
from defender_indicators.emulator.tenant import Tenant

_MOST_HOURS = 720
_NOTHING = Sighting()
_SHA1 = re.compile(r"[0-9A-Fa-f]{40}").fullmatch
_FILE_FIELDS = (
    *("sha1", "sha256", "md5", "globalPrevalence", "globalFirstObserved", "globalLastObserved", "size", "fileType"),
    *("isPeFile", "filePublisher", "fileProductName", "signer", "issuer", "signerHash", "isValidCertificate"),
    *("determinationType", "determinationValue"),
)


def file(tenant: Tenant, call: Call) -> Reply:
    """Answer what is known of a file."""
    seen = _file(tenant, call)
    empty: dict[str, Any] = dict.fromkeys(_FILE_FIELDS)
    return _one(tenant, "Files/$entity", {**empty, **seen.file})


def file_stats(tenant: Tenant, call: Call) -> Reply:
    """Answer how widespread a file is, here and everywhere."""
    seen = _file(tenant, call)
    body = {
        "sha1": seen.file.get("sha1"),
        **_statistics(seen, call),
        "globallyPrevalence": seen.file.get("globalPrevalence"),
        "globalFirstObserved": seen.file.get("globalFirstObserved"),
        "globalLastObserved": seen.file.get("globalLastObserved"),
        "topFileNames": seen.file.get("names", []),
    }
    return _one(tenant, "microsoft.windowsDefenderATP.api.InOrgFileStats", body)


def file_alerts(tenant: Tenant, call: Call) -> Reply:
    """List the alerts of a file given by its SHA-1, the only hash that is supported."""
    if not _SHA1(call.path["value"]):
        refuse(400, "InvalidHashValue", "Only SHA-1 is supported")
    return _alerts(tenant, call)


def domain_stats(tenant: Tenant, call: Call) -> Reply:
    """Answer how many devices have been in contact with a domain."""
    body = {"host": call.path["value"], **_statistics(_seen(tenant, call), call)}
    return _one(tenant, "microsoft.windowsDefenderATP.api.InOrgDomainStats", body)


def domain_alerts(tenant: Tenant, call: Call) -> Reply:
    """List the alerts of a domain."""
    return _alerts(tenant, call)


def ip_stats(tenant: Tenant, call: Call) -> Reply:
    """Answer how many devices have been in contact with an address."""
    _check_address(call)
    body = {"ipAddress": call.path["value"], **_statistics(_seen(tenant, call), call)}
    return _one(tenant, "microsoft.windowsDefenderATP.api.InOrgIPStats", body)


def ip_alerts(tenant: Tenant, call: Call) -> Reply:
    """List the alerts of an address."""
    _check_address(call)
    return _alerts(tenant, call)


def groups(tenant: Tenant, _: Call) -> Reply:
    """List the device groups, each with its exposure score."""
    time = stamp(tenant.now())
    rows = [{"time": time, "score": 40.0, "rbacGroupName": name} for name in tenant.settings.groups]
    return _one(tenant, "ExposureScore", {"value": rows})


def _seen(tenant: Tenant, call: Call) -> Sighting:
    return tenant.sightings.get(call.path["value"].lower(), _NOTHING)


def _file(tenant: Tenant, call: Call) -> Sighting:
    seen = _seen(tenant, call)
    if not seen.file:
        refuse(404, "ResourceNotFound", f"File {call.path['value'][:80]} was not found")
    return seen


def _statistics(seen: Sighting, call: Call) -> dict[str, Any]:
    hours = call.query.get("lookBackHours", "1")
    if not (hours.isascii() and hours.isdigit() and 0 < int(hours) <= _MOST_HOURS):
        refuse(400, "InvalidInput", f"lookBackHours must be a number from 1 to {_MOST_HOURS}")
    return {
        "organizationPrevalence": seen.devices,
        "orgFirstSeen": seen.first_seen or None,
        "orgLastSeen": seen.last_seen or None,
    }


def _check_address(call: Call) -> None:
    try:
        ipaddress.ip_address(call.path["value"])
    except ValueError:
        refuse(400, "InvalidIpAddress", "Not an IP address")


def _alerts(tenant: Tenant, call: Call) -> Reply:
    return _one(tenant, "Alerts", {"value": list(_seen(tenant, call).alerts)})


def _one(tenant: Tenant, name: str, body: Mapping[str, Any]) -> Reply:
    return answer({"@odata.context": f"{tenant.base_url}/api/$metadata#{name}", **body})


HANDLERS: Mapping[str, Callable[[Tenant, Call], Reply]] = {
    handler.__name__: handler
    for handler in (file, file_stats, file_alerts, domain_stats, domain_alerts, ip_stats, ip_alerts, groups)
}
