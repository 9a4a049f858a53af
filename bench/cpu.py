"""CPU from dicts to judged answers, ledger included, as multiples of one ``orjson.dumps`` of the same rows."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import orjson
from bench.figure import Figure, at_most, cpu_seconds, sample_row

from defender_indicators.clock import SystemClock
from defender_indicators.delivery import Answer, Call, Delivery, Ledger, Limits, Plan, Stop, Timing, Window
from defender_indicators.delivery.calls import CallBook
from defender_indicators.delivery.classify import classify
from defender_indicators.indicators import Canonicaliser, Policy, matching_key

ROWS = 15_000
POLICY = Policy(now=datetime.now(UTC))


class Echo:
    """A transport whose answers were made beforehand, so that only our own work is timed."""

    def __init__(self, answers: dict[bytes, bytes]) -> None:
        self._answers = answers

    def sign_in(self, *, renew: bool = False, claims: str = "") -> None:
        """Nobody to sign in to."""

    def send(self, call: Call) -> Answer:
        """Return the answer that belongs to the body."""
        return Answer(200, {}, self._answers[call.body])


def figures() -> Iterator[Figure]:
    """Measure the whole path and each stage."""
    rows = [sample_row(number) for number in range(ROWS)]
    parts = [rows[start : start + 500] for start in range(0, ROWS, 500)]
    unit = cpu_seconds(lambda: [orjson.dumps({"Indicators": part}) for part in parts], 20)
    with tempfile.TemporaryDirectory() as folder:
        bodies = _bodies(rows, Path(folder))
        answers = {body: _answer(body) for body in bodies}
        whole = cpu_seconds(lambda: _deliver(rows, Path(folder), Echo(answers)), 3)
        yield at_most("CPU, dicts to judged answers, x orjson.dumps", whole / unit, 120)
        judge = Canonicaliser(POLICY)
        canonical = cpu_seconds(lambda: [judge(row) for row in rows])
        planned = cpu_seconds(lambda: Plan(rows, judge, limits=Limits()).close())
        written = cpu_seconds(lambda: _bodies(rows, Path(folder)), 3)
        values = [[row["indicatorValue"] for row in orjson.loads(body)["Indicators"]] for body in bodies]
        judged = cpu_seconds(
            lambda: [
                classify(Answer(200, {}, answers[body]), names, matching_key)
                for body, names in zip(bodies, values, strict=True)
            ]
        )
        shares = {
            "canonicalise and check": canonical,
            "deduplicate and spool": planned - canonical,
            "freeze batches into the ledger": written - planned,
            "judge the answers": judged,
            "state machine, commits, threads": whole - written - judged,
        }
        for name, seconds in shares.items():
            yield Figure(f"  {name}", f"{seconds / unit:.1f} x", f"{seconds / whole:.0%}")
        yield _limiter(Path(folder))


def _deliver(rows: list[dict[str, object]], folder: Path, transport: Echo) -> None:
    plan = Plan(rows, Canonicaliser(POLICY), limits=Limits())
    delivery = Delivery(
        Path(tempfile.mkdtemp(dir=folder)) / "ledger.sqlite3",
        clock=SystemClock(),
        windows={"import": [Window(1_000_000, 60.0)], "list": [Window(100, 60.0)]},
        timing=Timing(),
        stop=Stop(),
        progress=lambda _: None,
        patience=lambda _: False,
    )
    report = delivery.deliver(plan, transport)
    if report["counts"]["accepted"] != ROWS:
        raise AssertionError(report["counts"])
    delivery.close()
    plan.close()


def _bodies(rows: list[dict[str, object]], folder: Path) -> list[bytes]:
    plan = Plan(rows, Canonicaliser(POLICY), limits=Limits())
    ledger = Ledger(Path(tempfile.mkdtemp(dir=folder)) / "ledger.sqlite3")
    plan.write(ledger, "bench", "")
    bodies = [batch.body for batch in ledger.batches("run = 'bench' ORDER BY first")]
    ledger.close()
    plan.close()
    return bodies


def _answer(body: bytes) -> bytes:
    rows = [
        {"id": str(number), "indicator": row["indicatorValue"], "isFailed": False, "failureReason": None}
        for number, row in enumerate(orjson.loads(body)["Indicators"])
    ]
    return orjson.dumps({"value": rows})


def _limiter(folder: Path) -> Figure:
    """A call's slot taken and given back in a full window, without the commits it shares with delivery."""
    ledger = Ledger(folder / "limiter.sqlite3")
    book = CallBook(ledger, SystemClock(), {"import": [Window(31, 0.5)]})
    count = 2000

    def work() -> None:
        with ledger.transaction():
            for _ in range(count):
                call, _wait = book.open("import", "bench", 0)
                book.close(call, "import", kind="answered", status=200)
                ledger.database.execute("DELETE FROM call WHERE id <= ?", (call - 30,))

    delete = "DELETE FROM call WHERE id <= 0"
    empty = cpu_seconds(lambda: [ledger.database.execute(delete) for _ in range(count)], 3)
    spent = cpu_seconds(work, 3) - empty
    ledger.close()
    return at_most("limiter, CPU of one call beside the shared commit, µs", spent / count * 1e6, 150)
