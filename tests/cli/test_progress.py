import io
import sys
from types import SimpleNamespace

import pytest

from defender_indicators.cli.progress import REMINDER, Spoken, progress_bar, status_line


def at(**changed):
    now = {
        "total": 10,
        "accepted": 4,
        "refused": 0,
        "other": 0,
        "in_flight": 0,
        "waiting_seconds": 0.0,
        "waiting_reason": "",
    }
    return SimpleNamespace(**now | changed)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (at(), "4 accepted"),
        (at(refused=2, other=1), "4 accepted · 2 refused · 1 not sent"),
        (at(in_flight=1), "4 accepted · 1 call in flight"),
        (at(in_flight=3), "4 accepted · 3 calls in flight"),
        (at(waiting_seconds=58.6, waiting_reason="Retry-After"), "4 accepted · waiting 59 s: Retry-After"),
        (at(waiting_seconds=2, waiting_reason="\x1b[2J"), "4 accepted · waiting 2 s: \\x1b[2J"),
    ],
)
def test_says_where_a_run_stands_and_why_it_waits(now, words):
    assert status_line(now) == words


def test_draws_nothing_where_nobody_watches(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with progress_bar() as show:
        show(at())
    assert stream.getvalue() == ""


def test_draws_a_bar_where_somebody_watches(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with progress_bar() as show:
        show(at(waiting_seconds=3, waiting_reason="[bold]limit"))
    assert "4/10" in stream.getvalue()
    assert "[bold]limit" in stream.getvalue()


def test_in_a_log_a_long_wait_is_said_once_with_its_length(capfd):
    with progress_bar() as show:
        for seconds in (58, 57, 3):
            show(at(waiting_seconds=seconds, waiting_reason="the rate limit of the service"))
        show(at(waiting_seconds=2, waiting_reason="another"))
        show(at(total=0, waiting_seconds=0.2, waiting_reason="process 7 is sending"))
    assert capfd.readouterr().err == "waiting 58 s: the rate limit of the service\nwaiting: process 7 is sending\n"


def test_in_a_log_a_wait_that_goes_on_is_said_each_minute(capfd):
    moments = [0.0]
    show = Spoken(lambda: moments[-1])
    for second in range(0, 301, 30):
        moments.append(second)
        show(at(waiting_seconds=600 - second, waiting_reason="Retry-After"))
    lines = capfd.readouterr().err.splitlines()
    assert lines == [f"waiting {seconds} s: Retry-After" for seconds in range(600, 299, -int(REMINDER))]
