"""A report for people: what was asked, what came of it, which rows failed and why, and what to do next."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from defender_indicators.cli import console
from defender_indicators.cli.remedies import known_remedies

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

FAILED = ("rejected", "refused", "quarantined", "held", "deferred", "unknown")
SHOWN = 20
SAMPLE = 5
PLAN = "dry-run"
NOT_YET = "Imported is not yet enforced: devices follow within 2 hours for files, 48 hours for network indicators."


def show_report(report: Mapping[str, Any]) -> None:
    """Write a report to standard output."""
    counts = {status: count for status, count in report["counts"].items() if count}
    if is_plan(report):
        _show_plan(report, counts)
    else:
        _show_outcome(report, counts)
    _show_comparison(report["plan"])
    _show_failed(report, counts)
    _show_changed(report)
    for line in () if is_plan(report) else _next_steps(report, counts):
        console.show(line)


def is_plan(report: Mapping[str, Any]) -> bool:
    """Return whether a report tells what would be sent, not what was."""
    return bool(report["run_id"] == PLAN)


def show_facts(facts: Mapping[str, Any]) -> None:
    """Write the outputs of an action that is no import, one a line; a list of objects becomes a table."""
    tables = []
    for name, value in facts.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            tables.append(value)
        elif name != "schema_version":
            console.show(f"{name.replace('_', ' ')}: {_words(value)}")
    for table in tables:
        console.show_table(list(table[0]), [[_words(row[name]) for name in table[0]] for row in table[:SHOWN]])
        if len(table) > SHOWN:
            console.show(f"…and {len(table) - SHOWN} more; --json has them all")


def counted(counts: Mapping[str, int]) -> str:
    """Return counts in words, ``no rows`` when there is nothing to count."""
    return ", ".join(f"{count} {status}" for status, count in counts.items() if count) or "no rows"


def _show_outcome(report: Mapping[str, Any], counts: Mapping[str, int]) -> None:
    calls = report["calls"]
    console.show(f"{report['outcome']}: {counted(counts)}")
    waited = f", {calls['seconds_waited']:.0f} s waited" if calls["seconds_waited"] >= 1 else ""
    console.show(f"run {report['run_id']}: {_plural(calls['count'], 'call')}{waited}")
    if stopped := getattr(report, "stopped", ""):
        console.show(f"reason: {stopped}")


def _show_plan(report: Mapping[str, Any], counts: Mapping[str, int]) -> None:
    waiting = counts.get("pending", 0)
    console.show(f"dry run, nothing was sent: {counted(counts)}")
    calls = report["calls"]["count"]
    console.show(f"would send {_plural(waiting, 'row')} in {_plural(calls, 'call')}")
    sample = list(islice((row for row in report["results"] if row["status"] == "pending"), SAMPLE))
    if sample:
        console.show_table(
            ["row", "value", "type", "action"], [_cells(row, "value", "type", "action") for row in sample]
        )
        if waiting > len(sample):
            console.show(f"…and {waiting - len(sample)} more")


def _show_comparison(plan: Mapping[str, Any]) -> None:
    """Write what a plan knew of its source and of the tenant; an import knows neither."""
    if line := plan.get("coverage", {}).get("line"):
        console.show(f"source: {line}")
    if plan.get("cut_off"):
        console.show(f"source incomplete, nothing is deleted: {plan['cut_off']}")
    if "changes" in plan:
        console.show(f"plan {plan['hash'][:12]}: {counted(plan['changes'])}")
    if room := plan.get("capacity"):
        console.show(
            f"tenant: {room['total']:,} of {room['limit']:,} rows "
            f"({room['own']:,} own, {room['foreign']:,} of others), "
            f"{room['total_after']:,} afterwards, {room['free_after']:,} free"
        )


def _show_failed(report: Mapping[str, Any], counts: Mapping[str, int]) -> None:
    total = sum(counts.get(status, 0) for status in FAILED)
    if not total:
        return
    rows = list(islice((row for row in report["results"] if row["status"] in FAILED), SHOWN))
    console.show_table(
        ["row", "value", "status", "code", "reason"],
        [_cells(row, "value", "status", "code", "reason") for row in rows],
    )
    if total > len(rows):
        console.show(f"…and {total - len(rows)} more; --json has them all")
    for code, remedy in _remedies(rows):
        console.show(f"{code}: {remedy}")


def _show_changed(report: Mapping[str, Any]) -> None:
    rows = list(islice((row for row in report["results"] if row["notes"]), SAMPLE + 1))
    if rows:
        console.show("changed before sending:")
        console.show_table(
            ["row", "value", "change"], [[*_cells(row, "value"), "; ".join(row["notes"])] for row in rows[:SAMPLE]]
        )
    if len(rows) > SAMPLE:
        console.show("…and more; --json has them all")


def _cells(row: Mapping[str, Any], *names: str) -> list[object]:
    return [row["index"], *(console.printable(row[name], 200) for name in names)]


def _remedies(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield what to do about each code, where the reason of the row does not say it already."""
    known = known_remedies()
    told = set()
    for row in rows:
        code = row["code"]
        remedy = known.get(code, "")
        if remedy and code not in told and remedy not in row["reason"]:
            told.add(code)
            yield code, remedy


def _next_steps(report: Mapping[str, Any], counts: Mapping[str, int]) -> Iterator[str]:
    run = report["run_id"]
    if counts.get("accepted"):
        yield NOT_YET
    if report["outcome"] in ("paused", "halted"):
        yield f"Go on with: defender-indicators resume {run}"
    elif counts.get("held"):
        yield f"Where it is meant: defender-indicators approve {run}, then resume {run}"
    elif counts.get("refused"):
        yield f"When the cause is gone: defender-indicators retry {run}"


def _words(value: object) -> str:
    if isinstance(value, dict):
        return counted(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
