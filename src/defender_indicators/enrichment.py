"""One observable, as the tenant knows it: its indicators, how widespread it is, the alerts it is part of.

Source: get-file-information.md, get-file-statistics.md, get-file-related-alerts.md, get-domain-statistics.md,
get-domain-related-alerts.md, get-ip-statistics.md, get-ip-related-alerts.md, alerts.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlsplit

from defender_indicators.errors import AuthorizationError, RequestRejectedError, ServerError, TransportError
from defender_indicators.indicators.addresses import spelling
from defender_indicators.lookup import Read, observable, rows_of

VERDICTS: Final[Mapping[str, str]] = {
    "blocked": "Every row blocks it",
    "warned": "Every row warns the user",
    "audited": "Every row only raises an alert",
    "allowed": "Every row allows it",
    "conflicting": "Its rows differ, be it for different device groups: somebody must look",
    "not_in_tenant": "The tenant has no row of it",
    "unknown": "Not all rows could be read, or one has an action this pack does not know",
}
"""What the tenant does about a value; playbooks branch on it."""

ALERTS_SHOWN: Final = 20
DAYS: Final = 30
"""How far back the statistics go, which is as far as the service lets them."""

_EFFECTS: Final = {
    **dict.fromkeys(("Block", "BlockAndRemediate", "AlertAndBlock"), "blocked"),
    **dict.fromkeys(("Audit", "Alert"), "audited"),
    "Warn": "warned",
    "Allowed": "allowed",
}
_STATISTICS: Final = (
    ("devices", "organizationPrevalence", int),
    ("first_seen", "orgFirstSeen", str),
    ("last_seen", "orgLastSeen", str),
    ("global_devices", "globalPrevalence", int),
    ("global_devices", "globallyPrevalence", int),
    ("global_first_seen", "globalFirstObserved", str),
    ("global_last_seen", "globalLastObserved", str),
)
_FILE: Final = ("sha1", "sha256", "md5", "filePublisher", "signer", "determinationType", "determinationValue")
_ALERT: Final = ("id", "title", "severity", "status")
_STATS_PERMISSIONS: Final = {"files": "File.Read.All", "domains": "URL.Read.All", "ips": "Ip.Read.All"}
_ALERT_PERMISSIONS: Final = {"domains": "Alert.Read.All (if that is not enough, Alert.ReadWrite.All)"}
_TRY_AGAIN: Final = "try again later"


def enrich(value: str, kind: str, read: Read, sees_all: Callable[[], bool], now: datetime) -> dict[str, Any]:
    """Return all that the tenant knows of one observable.

    Args:
        value: in any spelling; defanged ones are mended.
        kind: Microsoft's indicatorType; ``""`` leaves it to the value.
        read: gets one document.
        sees_all: whether the rows of others are listed too; asked after the first read.
        now: what the value is judged against.

    Returns:
        ``value``, ``type``, ``verdict`` (see `VERDICTS`), ``in_tenant`` (rows as `row_from_api` gives them),
        ``prevalence``, ``file``, ``alerts`` (the newest `ALERTS_SHOWN`), ``alerts_total`` and ``gaps``: what could not
        be learnt, why, and what to do about it.

    Raises:
        InputError: the value is nothing that could be an indicator.
        ConnectorError: the tenant could not be asked at all.
    """
    found_kind, name = observable(value, kind, now)
    asking = _Asking(read)
    rows, complete = asking.rows(value, found_kind, sees_all)
    rows = [row for row in rows if row["type"] == kind or not kind]
    collection, subject = _subject(found_kind, name)
    info, sha1 = asking.file(collection, subject, found_kind)
    statistics = asking.statistics(collection, sha1 or subject, info)
    alerts = asking.alerts(collection, sha1 if collection == "files" else subject)
    return {
        "value": name,
        "type": found_kind,
        "verdict": verdict(rows, complete=complete),
        "in_tenant": rows,
        "prevalence": _prevalence(subject, {**(info or {}), **statistics}) if statistics else {},
        "file": {field: info[field] for field in _FILE if isinstance(info.get(field), str)} if info else {},
        "alerts": alerts[:ALERTS_SHOWN],
        "alerts_total": len(alerts),
        "gaps": asking.gaps,
    }


def verdict(rows: Iterable[Mapping[str, Any]], *, complete: bool) -> str:
    """Return what the rows of one value do together (see `VERDICTS`); ``complete``: there are no others."""
    effects = {_EFFECTS.get(row["action"], "unknown") for row in rows}
    if len(effects) > 1:
        return "conflicting"
    return effects.pop() if effects else "not_in_tenant" if complete else "unknown"


class _Asking:
    """One enrichment in progress; ``gaps`` fill while it asks."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self.gaps: list[dict[str, str]] = []

    def rows(self, value: str, kind: str, sees_all: Callable[[], bool]) -> tuple[list[dict[str, Any]], bool]:
        """Return the tenant's rows of a value, and whether these are all."""
        try:
            rows = rows_of(value, self._read, kind)
        except AuthorizationError as error:
            self._gap("in_tenant", str(error), _grant("Ti.ReadWrite.All"))
            return [], False
        if not sees_all():
            self._gap("in_tenant", "Ti.ReadWrite shows only the rows this application made", _grant("Ti.ReadWrite.All"))
            return rows, False
        return rows, True

    def file(self, collection: str, subject: str, kind: str) -> tuple[Mapping[str, Any] | None, str]:
        """Return what is known of a file (None: could not be asked) and its SHA-1, ``""`` when nobody knows it."""
        if collection != "files":
            return {}, ""
        info = self._get("prevalence", f"/api/files/{subject}", _STATS_PERMISSIONS[collection])
        sha1 = subject if kind == "FileSha1" else (info or {}).get("sha1")
        return info, sha1 if isinstance(sha1, str) else ""

    def statistics(self, collection: str, subject: str, info: Mapping[str, Any] | None) -> Mapping[str, Any]:
        """Return how widespread something is, empty when that could not be learnt."""
        if not collection:
            self._gap("prevalence", "Defender keeps no statistics of certificates", "")
        if not collection or info is None:
            return {}
        if collection == "files" and not info:
            return {"organizationPrevalence": 0}
        path = f"/api/{collection}/{quote(subject, safe='')}/stats?lookBackHours={DAYS * 24}"
        found = self._get("prevalence", path, _STATS_PERMISSIONS[collection])
        return {"organizationPrevalence": 0} if found is not None and not found else found or {}

    def alerts(self, collection: str, subject: str) -> list[dict[str, str]]:
        """Return the related alerts, the newest first."""
        if not collection:
            self._gap("alerts", "Defender relates no alerts to certificates", "")
            return []
        if not subject:
            self._gap("alerts", "Defender relates alerts to SHA-1 hashes, and this file's is not known", "ask by SHA-1")
            return []
        path = f"/api/{collection}/{quote(subject, safe='')}/alerts"
        found = (self._get("alerts", path, _ALERT_PERMISSIONS.get(collection, "Alert.Read.All")) or {}).get("value")
        alerts = [_alert(alert) for alert in found if isinstance(alert, dict)] if isinstance(found, list) else []
        return sorted(alerts, key=lambda alert: alert["time"], reverse=True)

    def _get(self, what: str, path: str, permission: str) -> Mapping[str, Any] | None:
        """Return a document, an empty one for nothing; None when it could not be read, which is a gap from then on."""
        try:
            return self._read(path) or {}
        except AuthorizationError as error:
            self._gap(what, str(error), _grant(permission))
        except RequestRejectedError as error:
            self._gap(what, str(error), "")
        except (ServerError, TransportError) as error:
            self._gap(what, str(error), _TRY_AGAIN)
        return None

    def _gap(self, what: str, reason: str, remedy: str) -> None:
        self.gaps.append({"what": what, "reason": reason, "remedy": remedy})


def _subject(kind: str, name: str) -> tuple[str, str]:
    """Return what Defender keeps statistics of: (``files``, ``ips``, ``domains`` or ``""``, its name)."""
    if kind.startswith("File"):
        return "files", name
    host = urlsplit(name).hostname or "" if kind == "Url" else name
    if kind == "CertificateThumbprint" or not host:
        return "", ""
    return ("ips" if spelling(host) else "domains"), host


def _prevalence(subject: str, found: Mapping[str, Any]) -> dict[str, Any]:
    known = {ours: found[theirs] for ours, theirs, kind in _STATISTICS if isinstance(found.get(theirs), kind)}
    return {"of": subject, "days": DAYS, **known}


def _alert(alert: Mapping[str, Any]) -> dict[str, str]:
    time = alert.get("alertCreationTime") or alert.get("lastEventTime")
    return {**{name: str(alert.get(name) or "") for name in _ALERT}, "time": str(time or "")}


def _grant(permission: str) -> str:
    return f"grant the application {permission} of WindowsDefenderATP, then give admin consent"
