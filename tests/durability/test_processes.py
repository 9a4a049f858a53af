"""Signals, turns and locks, with the real command line."""

import signal
import threading
import time
from contextlib import closing

import pytest

from defender_indicators.clock import SystemClock
from defender_indicators.delivery import Ledger
from defender_indicators.delivery.lock import holder_of, sender_lock
from defender_indicators.errors import InputError, LockedError

TRY_TO_LOCK = """
import fcntl, sys
with open(sys.argv[1], "r+") as file:
    try:
        getattr(fcntl, sys.argv[2])(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit(3)
"""


@pytest.fixture
def calls(defender):
    """Return a function that waits until so many import calls have arrived."""

    def wait(count):
        pause = threading.Event()
        for _ in range(1500):
            if sum(call.endpoint == "import" for call in list(defender.arrivals)) >= count:
                return
            pause.wait(0.02)
        pytest.fail(f"there were no {count} calls")

    return wait


@pytest.fixture
def ledger(tmp_path):
    """Return the path of the one ledger that commands of this test use."""
    return lambda: next((tmp_path / "state").glob("ledgers/*.sqlite3"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_case_073_the_first_signal_lets_the_calls_in_flight_come_back(defender, command, indicators, calls, number):
    defender.faults.add("latency=1")
    process = command("import", indicators(3000))
    calls(1)
    started = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert time.monotonic() - started < 10
    assert process.returncode == 128 + number, out + err
    assert "Traceback" not in out + err
    seen = sum(call.endpoint == "import" for call in defender.arrivals)
    assert len(defender.rows()) == 500 * seen < 3000
    defender.faults.clear()
    process = command("resume")
    assert (process.communicate(timeout=20), process.returncode)[1] == 0
    assert len(defender.rows()) == 3000
    assert sum(call.endpoint == "import" for call in defender.arrivals) == 6, "what was answered is not sent again"


def test_case_073_a_call_that_hangs_is_abandoned_within_ten_seconds(defender, command, indicators, calls):
    defender.faults.add("hang=60")
    process = command("import", indicators(10))
    calls(1)
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert time.monotonic() - started < 10
    assert process.returncode == 143, out + err
    defender.faults.clear()
    process = command("resume")
    assert (process.communicate(timeout=20), process.returncode)[1] == 0
    assert len(defender.rows()) == 10


def test_case_073_the_second_ctrl_c_ends_at_once(defender, command, indicators, calls):
    defender.faults.add("hang=60")
    process = command("import", indicators(10))
    calls(1)
    process.send_signal(signal.SIGINT)
    while "once more" not in process.stderr.readline():
        pass
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(5) == 130
    assert time.monotonic() - started < 1


def test_case_084_the_same_plan_again_goes_on_with_the_run_that_is_there(bench):
    rows = bench.rows(20)
    first = bench.interrupted(rows, 3)
    second = bench.deliver(rows)
    assert second["run_id"] == first["run_id"]
    assert second["counts"]["accepted"] == 20
    assert len(bench.service.sent) == 10


def test_case_084_an_idempotency_key_makes_a_second_import_do_nothing(bench):
    first = bench.deliver(bench.rows(6), key="ticket 1")
    again = bench.deliver(bench.rows(6), key="ticket 1")
    assert again == first
    assert len(bench.service.sent) == 3
    with pytest.raises(InputError, match="other indicators"):
        bench.deliver(bench.rows(7), key="ticket 1")


def test_case_088_no_wait_names_the_holder_exits_3_and_makes_no_run(defender, command, indicators, ledger):
    command("import", indicators(2, "first.json")).communicate(timeout=30)
    with sender_lock(ledger(), SystemClock(), lambda _: False):
        holder = holder_of(ledger())
        process = command("import", indicators(3), "--no-wait")
        _, err = process.communicate(timeout=30)
    assert process.returncode == 3
    assert holder in err
    with closing(Ledger(ledger())) as opened:
        assert len(opened.runs()) == 1


def test_case_088_who_waits_names_the_holder_and_takes_its_turn(defender, command, indicators, ledger):
    command("import", indicators(2, "first.json")).communicate(timeout=30)
    with sender_lock(ledger(), SystemClock(), lambda _: False):
        holder = holder_of(ledger())
        process = command("import", indicators(3))
        while holder not in process.stderr.readline():
            pass
    assert (process.communicate(timeout=30), process.returncode)[1] == 0
    assert len(defender.rows()) == 3


def test_case_089_the_lock_outlives_other_descriptors_of_its_file(tmp_path, run_script):
    path = tmp_path / "ledger.sqlite3"
    lock = path.with_name("ledger.sqlite3.lock")
    with sender_lock(path, SystemClock(), lambda _: False):
        lock.open("r+").close()
        assert run_script(TRY_TO_LOCK, lock, "flock").returncode == 3
    assert run_script(TRY_TO_LOCK, lock, "flock").returncode == 0


def test_case_089_a_lock_of_the_other_kind_would_be_lost(tmp_path, run_script):
    import fcntl  # noqa: PLC0415 - only this test shows what not to use

    lock = tmp_path / "lock"
    with lock.open("w") as held:
        fcntl.lockf(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert run_script(TRY_TO_LOCK, lock, "lockf").returncode == 3
        lock.open("r+").close()
        assert run_script(TRY_TO_LOCK, lock, "lockf").returncode == 0


def test_case_089_the_note_says_who_and_where_and_an_old_one_is_no_lock(tmp_path):
    import os  # noqa: PLC0415 - next to what it is compared with
    import socket  # noqa: PLC0415 - next to what it is compared with

    path = tmp_path / "ledger.sqlite3"
    (tmp_path / "ledger.sqlite3.lock").write_text('{"pid": 1, "host": "elsewhere", "since": "2020-01-01T00:00:00"}')
    with sender_lock(path, SystemClock(), lambda _: False):
        assert holder_of(path).startswith(f"process {os.getpid()} on {socket.gethostname()} (since ")
        with (
            pytest.raises(LockedError, match=f"process {os.getpid()} on "),
            sender_lock(path, SystemClock(), lambda _: False),
        ):
            pytest.fail("the lock was given twice")
