"""Clocks that jump, machines that sleep or restart between two calls."""

import random
import threading
from datetime import timedelta

import pytest

from defender_indicators.clock import SystemClock
from defender_indicators.delivery import Window
from defender_indicators.delivery.calls import CallBook
from defender_indicators.delivery.ledger import Ledger
from defender_indicators.delivery.maintenance import ledger_check


class JumpingClock(SystemClock):
    """A calendar that is an hour, a day or a change of summer time off, in both directions, at every look."""

    def __init__(self):
        self.jumps = random.Random(63)

    def now(self):
        return super().now() + timedelta(hours=self.jumps.choice((-24, -1, 0, 1, 24)))


class SleepyClock(SystemClock):
    """The machine is suspended for ten minutes between permission and sending, as often as ``naps`` says."""

    def __init__(self, naps):
        self.naps, self.slept = naps, 0.0
        self._lock = threading.Lock()

    def boottime(self):
        with self._lock:
            if self.naps and threading.current_thread().name.startswith("defender-send"):
                self.naps -= 1
                self.slept += 600
            return super().boottime() + self.slept


class Boot:
    """One boot of a machine; ``seconds`` since then."""

    def __init__(self, name, seconds):
        self.name, self.seconds = name, seconds

    def now(self):
        return SystemClock().now()

    def boottime(self):
        return self.seconds

    def boot_id(self):
        return self.name


def test_case_063_the_limit_holds_while_the_calendar_jumps(bench):
    times, send = [], bench.service.send

    def timed(call):
        times.append(SystemClock().boottime())
        return send(call)

    bench.service.send = timed
    bench.clock, bench.windows = JumpingClock(), {"import": [Window(5, 0.2)], "list": [Window(5, 0.2)]}
    report = bench.deliver(bench.rows(50))
    assert report["counts"]["accepted"] == 50
    assert all(later - earlier > 0.2 for earlier, later in zip(times, times[5:], strict=False))
    assert times[-1] - times[0] < 4
    assert ledger_check(bench.path) == []


@pytest.mark.parametrize("uptime", [3.0, 50_000.0])
def test_case_063_a_reboot_costs_at_most_one_window(tmp_path, uptime):
    ledger, windows = Ledger(tmp_path / "ledger.sqlite3"), {"import": [Window(2, 60.0)]}
    before = CallBook(ledger, Boot("first", 9000.0), windows)
    for _ in range(2):
        with ledger.transaction():
            assert before.open("import", "", 0)[0]
    after = Boot("second", uptime)
    book = CallBook(ledger, after, windows)
    book.recover()
    with ledger.transaction():
        number, wait = book.open("import", "", 0)
    assert number == 0
    assert wait == pytest.approx(60)
    after.seconds += 60
    with ledger.transaction():
        assert book.open("import", "", 0)[0]
    ledger.close()


def test_case_063_a_reboot_forgets_a_block_that_it_cannot_date(tmp_path):
    ledger, windows = Ledger(tmp_path / "ledger.sqlite3"), {"import": [Window(30, 60.0)]}
    book = CallBook(ledger, Boot("first", 9000.0), windows)
    with ledger.transaction():
        book.close(book.open("import", "", 0)[0], "import", kind="throttled", status=429, block=3600.0)
    book = CallBook(ledger, Boot("second", 5.0), windows)
    book.recover()
    with ledger.transaction():
        assert book.open("import", "", 0)[0]
    ledger.close()


def test_case_064_a_call_allowed_before_the_machine_slept_is_not_sent(bench):
    bench.clock = SleepyClock(naps=1)
    report = bench.deliver(bench.rows(2))
    assert report["counts"]["accepted"] == 2
    assert len(bench.service.sent) == 1
    assert [kind for (kind,) in bench.query("SELECT kind FROM call ORDER BY id")] == ["not_sent", "answered"]


def test_case_064_a_process_that_was_stopped_asks_for_a_new_slot(bench, command, defender, indicators):
    stale = """
import os, signal, time
from defender_indicators.delivery import health, sender
default = health.Timing.__init__.__defaults__
place = health.Timing.__match_args__.index("stale_send")
health.Timing.__init__.__defaults__ = (*default[:place], 0.3, *default[place + 1 :])
original, stops = sender.Sender._send, [signal.SIGSTOP]
def send(self, ticket):
    if stops:
        os.kill(os.getpid(), stops.pop())
        time.sleep(0.05)  # the stop reaches one thread after another
    return original(self, ticket)
sender.Sender._send = send
"""
    process = command("import", indicators(5), wrapper=stale)
    _wait_until(lambda: _state(process.pid) == "T")
    threading.Event().wait(0.5)
    process.send_signal(18)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, out + err
    assert len([call for call in defender.arrivals if call.endpoint == "import"]) == 1
    [bench.path] = bench.path.parent.glob("state/ledgers/*.sqlite3")
    assert [kind for (kind,) in bench.query("SELECT kind FROM call ORDER BY id")] == ["not_sent", "answered"]


def _state(pid):
    with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 - a file of the kernel
        return stat.read().rpartition(")")[2].split()[0]


def _wait_until(condition, seconds=20):
    pause = threading.Event()
    for _ in range(int(seconds * 50)):
        if condition():
            return
        pause.wait(0.02)
    pytest.fail("did not happen in time")
