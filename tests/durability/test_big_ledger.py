"""A ledger of many rows starts and goes on as fast as a small one; ROUNDS is the number of rows, 5,000,000 by hand."""

import os
import time
from contextlib import closing

import pytest

from defender_indicators.clock import SystemClock
from defender_indicators.delivery import Ledger, Limits, Plan, Timing, Window
from defender_indicators.delivery.calls import CallBook
from defender_indicators.delivery.health import Health
from defender_indicators.delivery.machine import Machine
from defender_indicators.delivery.steps import Send, SignIn
from defender_indicators.indicators import Indicator

ROWS = int(os.environ.get("ROUNDS") or 200_000)
TRIES = 4


def indicator(number):
    value = f"h{number}.example.com"
    payload = f'{{"action":"Block","indicatorType":"DomainName","indicatorValue":"{value}","title":"Loader"}}'
    return Indicator("DomainName", value, "Block", "", payload.encode(), ())


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    """The path of a ledger whose one run is half delivered."""
    path = tmp_path_factory.mktemp("big") / "ledger.sqlite3"
    with closing(Ledger(path)) as ledger, closing(Plan(range(ROWS), indicator, limits=Limits())) as plan:
        plan.write(ledger, "big", "2026-01-01T00:00:00+00:00")
        ledger.database.execute(
            "UPDATE batch SET state = 'answered', accepted = size, ids = positions WHERE id % 2 = 0"
        )
    return path


def seconds(work):
    start = time.monotonic()
    found = work()
    return time.monotonic() - start, found


@pytest.mark.timeout(1800)
def test_case_087_a_big_ledger_opens_in_two_seconds_and_finds_the_next_batch_in_ten_milliseconds(big):
    spent, ledger = seconds(lambda: Ledger(big))
    with closing(ledger):
        assert spent < 2
        spent, counts = min(seconds(lambda: ledger.counts("big")) for _ in range(TRIES))
        assert sum(counts.values()) == ROWS
        assert spent < 0.05
        windows = {name: [Window(1000, 60.0)] for name in ("import", "list")}
        clock = SystemClock()
        book = CallBook(ledger, clock, windows)
        health = Health(Timing(), lambda low, _: low)
        machine = Machine(ledger, ledger.run("big"), book, health, clock)
        spent, _ = seconds(machine.start)
        assert spent < 2
        assert isinstance(machine.step(), SignIn)
        machine.signed_in()
        picks = [seconds(machine.step) for _ in range(TRIES)]
        assert all(isinstance(step, Send) for _, step in picks)
        assert min(spent for spent, _ in picks) < 0.01
