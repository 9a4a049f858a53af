"""``GET /api/indicators``, one indicator by id, and the two ways to delete.

Source: get-ti-indicators-collection.md, delete-ti-indicator-by-id.md, batch-delete-ti-indicators.md.
"""

from __future__ import annotations

from urllib.parse import quote

from defender_indicators.emulator.imports import check_size, document, kept
from defender_indicators.emulator.odata import compile_filter, count
from defender_indicators.emulator.reply import Call, Reply, answer, refuse
from defender_indicators.emulator.store import Record
from defender_indicators.emulator.tenant import Tenant

MOST_ROWS = 10_000
_FAR = 2**31 - 1
_OPTIONS = frozenset({"$filter", "$top", "$skip"})


def list_indicators(tenant: Tenant, call: Call) -> Reply:
    """List the active indicators that the caller may see."""
    unknown = [name for name in call.query if name.startswith("$") and name not in _OPTIONS]
    if unknown:
        refuse(400, "ODataError", f"The query option '{unknown[0]}' is not supported")
    top = count(call.query.get("$top"), "$top", MOST_ROWS)
    skip = count(call.query.get("$skip"), "$skip", _FAR) or 0
    entities = [record.entity() for record in tenant.store.visible(call.caller)]
    if "$filter" in call.query:
        entities = list(filter(compile_filter(call.query["$filter"]), entities))
    if "shuffle" in call.hits:
        entities = tenant.faults.dice.sample(entities, len(entities))
    size = tenant.settings.page_size if top is None else top
    page = entities[skip : skip + size]
    call.rows = len(page)
    body = {"@odata.context": f"{tenant.base_url}/api/$metadata#Indicators", "value": page}
    if skip + size < len(entities) and size and _links(tenant, top):
        body["@odata.nextLink"] = _next_link(tenant, call, skip + size)
    return answer(body)


def _links(tenant: Tenant, top: int | None) -> bool:
    return tenant.settings.next_link == "always" or (tenant.settings.next_link == "without_top" and top is None)


def _next_link(tenant: Tenant, call: Call, skip: int) -> str:
    query = {**call.query, "$skip": str(skip)}
    return f"{tenant.base_url}/api/indicators?" + "&".join(f"{name}={quote(text)}" for name, text in query.items())


def _found(tenant: Tenant, call: Call, number: str) -> Record:
    record = tenant.store.find(number, call.caller)
    if not record:
        refuse(404, "ResourceNotFound", f"Indicator {number[:40]} was not found")
    return record


def get_indicator(tenant: Tenant, call: Call) -> Reply:
    """Answer one indicator."""
    entity = _found(tenant, call, call.path["number"]).entity()
    return answer({"@odata.context": f"{tenant.base_url}/api/$metadata#Indicators/$entity", **entity})


def delete_indicator(tenant: Tenant, call: Call) -> Reply:
    """Delete one indicator."""
    _application_only(call)
    record = _found(tenant, call, call.path["number"])
    tenant.store.delete(record.number, tenant.clock.boottime())
    return Reply(tenant.settings.delete_status, headers=())


def batch_delete(tenant: Tenant, call: Call) -> Reply:
    """Delete up to 500 indicators; 204 only when every id existed."""
    _application_only(call)
    numbers = document(call, "IndicatorIds")
    if not numbers or not all(isinstance(one, str) and one.isascii() and one.isdigit() for one in numbers):
        refuse(400, "InvalidInput", "IndicatorIds must hold at least one id, and only ids (strings of digits)")
    check_size(tenant, call, len(numbers))
    found = {number: tenant.store.find(number, call.caller) for number in numbers}
    missing = [number for number, record in found.items() if not record]
    if not missing or tenant.settings.batch_delete_partial:
        for record in list(filter(None, found.values()))[: kept(call, len(found))]:
            tenant.store.delete(record.number, tenant.clock.boottime())
    if missing:
        refuse(
            404, "ResourceNotFound", f"{len(missing)} of the indicators were not found, the first is {missing[0][:40]}"
        )
    return Reply(204, headers=())


def _application_only(call: Call) -> None:
    if call.caller.delegated:
        refuse(403, "Forbidden", "Deleting indicators needs application permissions")
