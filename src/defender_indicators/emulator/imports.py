"""``POST /api/indicators/import`` and its one-row sibling ``POST /api/indicators``.

Source: import-ti-indicators.md, post-ti-indicator.md.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson

from defender_indicators.emulator.mutations import change
from defender_indicators.emulator.reply import Call, Reply, answer, error, refuse
from defender_indicators.emulator.rules import Fault, Row, bind, judge
from defender_indicators.emulator.tenant import Tenant

_BAD_BODY = "InvalidRequestBody"
Result = dict[str, Any]


def document(call: Call, key: str) -> list[Any]:
    """Return the one list that a body holds, under exactly this key.

    Raises:
        RefusedError: the body is not such a document.
    """
    try:
        body = orjson.loads(call.body)
    except orjson.JSONDecodeError:
        refuse(400, _BAD_BODY, "Request body is incorrect: not JSON")
    if not isinstance(body, dict) or list(body) != [key] or not isinstance(body[key], list):
        refuse(400, _BAD_BODY, f"Request body is incorrect: it must hold the list '{key}' (names are case-sensitive)")
    call.rows = len(body[key])
    return list(body[key])


def import_indicators(tenant: Tenant, call: Call) -> Reply:
    """Submit or update up to 500 indicators; 200 even when rows are refused."""
    rows = document(call, "Indicators")
    if not rows:
        refuse(400, "InvalidInput", "Indicators must not be empty")
    check_size(tenant, call, len(rows))
    faults = _judged(tenant, call, rows)
    applied = kept(call, len(rows))
    now = tenant.now()
    with tenant.store.lock:
        results = [
            _result(row, fault or _store(tenant, call, row, now, real=index < applied))
            for index, (row, fault) in enumerate(zip(rows, faults, strict=True))
        ]
    context = f"{tenant.base_url}/api/$metadata#Collection(microsoft.windowsDefenderATP.api.ImportIndicatorResult)"
    return answer({"@odata.context": context, "value": change(results, call.hits, tenant.faults.dice)})


def submit_indicator(tenant: Tenant, call: Call) -> Reply:
    """Submit or update one indicator; a refusal is a 400."""
    try:
        row = orjson.loads(call.body)
    except orjson.JSONDecodeError:
        refuse(400, _BAD_BODY, "Request body is incorrect: not JSON")
    call.rows = 1
    [fault] = _judged(tenant, call, [row])
    outcome = fault or _store(tenant, call, row, tenant.now(), real=True)
    if isinstance(outcome, Fault):
        return error(403 if outcome.code == "Forbidden" else 400, outcome.code, outcome.text)
    record = tenant.store.records.get(outcome)
    entity = record.entity() if record else {**row, "id": str(outcome)}
    return answer({"@odata.context": f"{tenant.base_url}/api/$metadata#Indicators/$entity", **entity})


def check_size(tenant: Tenant, call: Call, count: int) -> None:
    """Refuse a batch that is too long.

    Raises:
        RefusedError: it is.
    """
    allowed = int(call.hits.number("max_batch", tenant.settings.batch_size))
    if count > allowed:
        text = f"Maximum batch size exceeded. Received: {count}, allowed: {allowed}."
        refuse(400, "MaximumBatchSizeExceeded", text)


def _judged(tenant: Tenant, call: Call, rows: list[Any]) -> list[Fault | None]:
    """Return per row why it is refused, after everything that refuses the whole call."""
    for row in rows:
        unreadable = bind(row)
        if unreadable:
            refuse(400, *unreadable)
    _refuse_batch(tenant, call, rows)
    settings, now = tenant.settings, tenant.now()
    faults = [judge(row, settings, now) for row in rows]
    if call.hits:
        faults = [fault or _switched_refusal(call, row) for row, fault in zip(rows, faults, strict=True)]
    if settings.semantic_faults == "batch":
        for fault in faults:
            if fault:
                refuse(400, *fault)
    if settings.capacity_answer == "batch":
        good = [row for row, fault in zip(rows, faults, strict=True) if not fault]
        if tenant.store.new_among(good) > tenant.store.free:
            refuse(400, "InvalidInput", f"Maximum number of indicators ({tenant.store.capacity}) reached")
    return faults


def _refuse_batch(tenant: Tenant, call: Call, rows: list[Row]) -> None:
    hits = call.hits
    if not hits:
        return
    if "reject_all" in hits:
        refuse(400, _BAD_BODY, "Request body is incorrect")
    values = {row.get("indicatorValue") for row in rows}
    if values & set(_poison(tenant, call, rows)):
        refuse(400, _BAD_BODY, "Request body is incorrect")
    if values & set(hits.texts("disallow")):
        refuse(403, "DisallowedOperation", "The operation is not allowed for this indicator")
    if values & set(hits.texts("500_if")):
        refuse(500)


def _poison(tenant: Tenant, call: Call, rows: list[Row]) -> Iterator[str]:
    for text in call.hits.texts("poison"):
        if not text.isdigit():
            yield text
            continue
        if text not in tenant.poison:
            values = sorted({str(row.get("indicatorValue")) for row in rows})
            tenant.poison[text] = tenant.faults.dice.sample(values, min(int(text), len(values)))
        yield from tenant.poison[text]


def _switched_refusal(call: Call, row: Row) -> Fault | None:
    hits, value = call.hits, row["indicatorValue"]
    share = hits.number("refuse_share")
    if "refuse_all" in hits or value in hits.texts("refuse") or (share and zlib.crc32(value.encode()) < share * 2**32):
        return Fault("InvalidInput", hits.text("reason", "The indicator cannot be added"))
    return None


def kept(call: Call, count: int) -> int:
    """Return how many rows of a call are carried out."""
    return int(call.hits.number("short_notapplied", count // 2)) if "short_notapplied" in call.hits else count


def _store(tenant: Tenant, call: Call, row: Row, now: datetime, *, real: bool) -> int | Fault:
    if real and "lie_once" in call.hits:
        real = not tenant.lies_about(row["indicatorValue"], call.hits.text("lie_once"))
    return tenant.store.upsert(row, call.caller, now, real=real)


def _result(row: Row, outcome: int | Fault) -> Result:
    value = row.get("indicatorValue")
    if isinstance(outcome, Fault):
        return {"id": None, "indicator": value, "isFailed": True, "failureReason": outcome.text}
    return {"id": str(outcome), "indicator": value, "isFailed": False, "failureReason": None}
