"""A report as one page that needs nothing else: no script, no picture, no font is fetched, and no text is obeyed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import IO, Any, Final
from xml.etree.ElementTree import Element

import orjson

from defender_indicators.delivery.classify import printable
from defender_indicators.delivery.records import Run
from defender_indicators.delivery.report import DRY_RUN
from defender_indicators.export.charts import Moment, Part, bars, over_time, whole
from defender_indicators.export.failures import Failure, failures
from defender_indicators.export.markup import Child, document, element, table
from defender_indicators.export.style import POLICY, STYLE

OUTCOMES: Final[Mapping[str, str]] = {
    "succeeded": "Every row is in place.",
    "partial": "Some rows are in place, some are not.",
    "failed": "No row is in place.",
    "held": "Some rows wait for a person's decision; the others are done.",
    "paused": "Rows are unsent or in doubt; nothing is lost, the run can be resumed.",
    "halted": "Something is wrong that trying again cannot mend; somebody has to mend it first.",
}
MOMENTS: Final = 200
"""The newest moments of the tenant that are drawn."""
_WIDEST: Final = 200
"""Signs of a row's value, and of its reason, that are shown."""


def write_html(stream: IO[bytes], report: Mapping[str, Any], history: Sequence[Run]) -> None:
    """Write a report as a page.

    Args:
        stream: takes one HTML document in UTF-8.
        report: the report; its results are walked once.
        history: runs of the same tenant, oldest first. The report's own is among them, unless it was never sent; the
            others tell how full the tenant was.
    """
    own = next((run for run in history if run.id == report["run_id"]), None)
    sections = (
        *_changes(report),
        *_failures(failures(report)),
        *_capacity(report["plan"], history),
        *_calls(report["calls"]),
    )
    stream.write(document(_page(_title(report), *_summary(report, own), *sections)))


def _page(title: str, *content: Element) -> Element:
    style = element("style")
    style.text = STYLE
    head = element(
        "head",
        element("meta", charset="utf-8"),
        Element("meta", {"http-equiv": "Content-Security-Policy", "content": POLICY}),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        style,
    )
    return element("html", head, element("body", element("main", element("h1", title), *content)), lang="en")


def _title(report: Mapping[str, Any]) -> str:
    kind = report["plan"]["kind"]
    return f"Plan of one {kind}" if report["run_id"] == DRY_RUN else f"Run {report['run_id']} ({kind})"


def _summary(report: Mapping[str, Any], run: Run | None) -> Iterator[Element]:
    plan = report["plan"]
    planned = report["run_id"] == DRY_RUN
    words = "If the service takes every row: " if planned else ""
    facts = {
        "Outcome": f"{words}{report['outcome']}. {OUTCOMES[report['outcome']]}",
        "Stopped": run.stopped if run else "",
        "By": run.author if run else "",
        "Why": run.why if run else "",
        "When": run.created if run else "",
        "Set": plan.get("set", ""),
        "Source": plan.get("source", ""),
        "Read": plan.get("coverage", {}).get("line", ""),
        "Source incomplete": plan.get("cut_off", ""),
        "Repeats": run.retry_of if run else "",
        "Plan": plan["hash"],
    }
    yield element("dl", *(part for name, text in facts.items() if text for part in _fact(name, text)))


def _fact(name: str, text: str) -> tuple[Element, Element]:
    return element("dt", name), element("dd", text)


def _changes(report: Mapping[str, Any]) -> Iterator[Element]:
    yield element("h2", "What changed")
    changes, counts = (_present(found) for found in (report["plan"].get("changes", {}), report["counts"]))
    if changes:
        yield bars("changes", "Planned, against the tenant as it was", changes)
    if counts:
        yield bars("rows", "What became of the rows", counts)
    else:
        yield element("p", "There was no row.")


def _present(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return [(name, count) for name, count in counts.items() if count]


def _failures(found: Sequence[Failure]) -> Iterator[Element]:
    yield element("h2", "What failed or waits, and why")
    if not found:
        yield element("p", "Nothing.")
        return
    yield bars("failures", "Rows by code", [(failure.name, failure.count) for failure in found])
    for failure in found:
        yield element("h3", f"{failure.name}: {failure.count:,}")
        if failure.meaning:
            yield element("p", failure.meaning)
        yield table(["row", "value", "type", "action", "reason"], map(_row, failure.rows))
        if failure.count > len(failure.rows):
            yield element("p", f"…and {failure.count - len(failure.rows):,} more; the CSV and the JSON have them all.")


def _row(row: Mapping[str, Any]) -> list[Child]:
    value, reason = (printable(row[name], _WIDEST) for name in ("value", "reason"))
    return [row["index"], value, row["type"], row["action"], reason]


def _capacity(plan: Mapping[str, Any], history: Sequence[Run]) -> Iterator[Element]:
    yield element("h2", "Capacity")
    room = plan.get("capacity")
    if room:
        yield whole("capacity", f"The tenant's {room['limit']:,} rows, before", _parts(room))
        after = f"Afterwards {room['total_after']:,} rows were to be there, and {room['free_after']:,} free."
        yield element("p", after)
    else:
        yield element("p", "This run did not look at the tenant.")
    moments = [moment for run in history for moment in _moment(run)]
    if len(moments) > 1:
        yield over_time("history", "The tenant's rows over time, as each run found them", moments[-MOMENTS:])
    if len(moments) > MOMENTS:
        yield element("p", f"{len(moments) - MOMENTS:,} earlier moments are left out.")


def _parts(room: Mapping[str, int]) -> list[Part]:
    kept = max(0, room["limit"] - room["total"] - room["free"])
    return [
        Part("own", room["own"], "own"),
        Part("of others", room["foreign"], "others"),
        Part("kept in reserve", kept, "reserve"),
        Part("free", room["free"], "free"),
    ]


def _moment(run: Run) -> Iterator[Moment]:
    """Yield what a run found in the tenant, where it looked."""
    room = orjson.loads(run.facts).get("capacity")
    if room:
        yield Moment(datetime.fromisoformat(run.created), room["total"], room["own"], room["limit"])


def _calls(calls: Mapping[str, Any]) -> Iterator[Element]:
    yield element("h2", "Calls")
    waited = f"{calls['seconds_waited']:,.1f} s"
    yield table(["calls", "attempts", "waited"], [[calls["count"], calls["attempts"], waited]])
