import os
import signal

import pytest

from defender_indicators.cli import signals
from defender_indicators.cli.signals import Interrupted, guarded


class Stop:
    def __init__(self):
        self.asked = []

    def request(self, signal_number):
        self.asked.append(signal_number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_case_073_the_first_signal_asks_the_run_to_end(number, capfd):
    stop = Stop()
    with guarded(stop) as guard:
        guard.sending = True
        os.kill(os.getpid(), number)
    assert stop.asked == [number]
    assert guard.number == number
    assert "once more" in capfd.readouterr().err


def test_case_073_the_second_signal_ends_the_process_at_once_and_says_how_to_go_on(monkeypatch, capfd):
    ended = []
    monkeypatch.setattr(signals.os, "_exit", ended.append)
    with guarded(Stop()) as guard:
        guard.sending = True
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
    assert ended == [143]
    assert "defender-indicators resume" in capfd.readouterr().err


def test_before_anything_is_sent_the_first_signal_ends_the_command():
    stop = Stop()
    with pytest.raises(Interrupted) as interrupted, guarded(stop):
        os.kill(os.getpid(), signal.SIGTERM)
    assert interrupted.value.exit_code == 143
    assert stop.asked == []


def test_the_handlers_of_before_are_put_back():
    before = [signal.getsignal(number) for number in signals.SIGNALS]
    with guarded(Stop()):
        assert [signal.getsignal(number) for number in signals.SIGNALS] != before
    assert [signal.getsignal(number) for number in signals.SIGNALS] == before
