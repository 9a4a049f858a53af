"""What the fault switches do to a call as a whole: instead of serving it, or instead of its answer."""

from __future__ import annotations

from dataclasses import replace

from defender_indicators.emulator.reply import Call, Headers, RefusedError, Reply, error

_PAGE = b"<!DOCTYPE html><html><head><title>Sign in to the network</title></head><body>Please sign in.</body></html>"
_HTML: Headers = (("content-type", "text/html; charset=utf-8"),)
_JSON: Headers = (("content-type", "application/json"),)


def beforehand(call: Call) -> None:
    """End the call before it is served, if a switch says so.

    Raises:
        RefusedError: the call is over, nothing was applied.
    """
    reply = _instead(call) if call.hits else None
    if reply:
        raise RefusedError(reply)


def _instead(call: Call) -> Reply | None:
    hits = call.hits
    if "drop_before" in hits:
        return Reply(ending="close")
    if "rst" in hits:
        return Reply(ending="reset")
    if "hang_before" in hits:
        return Reply(ending="close", silence=hits.number("hang_before"))
    if "max_bytes" in hits and len(call.body) > hits.number("max_bytes"):
        return Reply(413, _PAGE, _HTML)
    for name, reply in _FIXED.items():
        if name in hits:
            return reply
    return _spelt_out(call)


def _spelt_out(call: Call) -> Reply | None:
    hits = call.hits
    if "throttle" in hits:
        values = tuple(("retry-after", value) for text in hits.texts("throttle") for value in text.split("|"))
        return error(429, text="Too many requests", headers=values)
    if "status" in hits:
        what, semicolon, retry_after = hits.text("status").partition(";")
        status, _, code = what.partition(":")
        return error(int(status), code, headers=(("retry-after", retry_after),) if semicolon else ())
    if "500_before" in hits:
        return error(500)
    if "403" in hits:
        return error(403, hits.text("403"))
    if "retry_after_on_400" in hits:
        return error(400, headers=(("retry-after", hits.text("retry_after_on_400")),))
    return Reply(200, hits.body("raw"), _JSON) if "raw" in hits else None


_FIXED = {"html": Reply(200, _PAGE, _HTML), "empty_405": Reply(405, headers=(("allow", "POST"),))}


def afterwards(call: Call, reply: Reply) -> Reply:
    """Return what becomes of the answer of a call that was served."""
    hits = call.hits
    if not hits:
        return reply
    if "drop_after" in hits:
        return replace(reply, ending="close")
    if "hang" in hits:
        return replace(reply, ending="close", silence=hits.number("hang"))
    if "500_after" in hits:
        return error(500)
    if "raw_after" in hits:
        return Reply(200, hits.body("raw_after"), _JSON)
    return replace(reply, ending="half") if "trunc_after" in hits else reply
