import pytest

from defender_indicators.delivery import Window
from defender_indicators.delivery.calls import CallBook


@pytest.fixture
def book(make_core):
    """book(calls, seconds, …) is a core and a call book with one window for imports."""

    def make(*windows):
        made = make_core(windows={"import": [Window(*window) for window in windows], "list": [Window(1, 10.0)]})
        return made, CallBook(made.ledger, made.clock, made.windows)

    return make


def take(made, calls, endpoint="import"):
    with made.ledger.transaction():
        return calls.open(endpoint, "run-0", 1)


def give_back(made, calls, number, endpoint="import", **facts):
    with made.ledger.transaction():
        calls.close(number, endpoint, **{"kind": "answered", "status": 200} | facts)


def test_a_call_gets_a_number_until_the_window_is_full(book):
    made, calls = book((2, 60.0))
    assert [take(made, calls) for _ in range(3)] == [(1, 0.0), (2, 0.0), (0, None)]


def test_a_call_that_ended_frees_its_slot_one_window_later(book):
    made, calls = book((1, 60.0))
    number, _ = take(made, calls)
    made.clock.seconds += 5.0
    give_back(made, calls, number)
    assert take(made, calls) == (0, 60.0)
    made.clock.seconds += 60.0
    assert take(made, calls) == (2, 0.0)


def test_endpoints_have_limits_of_their_own(book):
    made, calls = book((1, 60.0))
    assert take(made, calls)[0]
    assert take(made, calls, "list")[0]
    assert not take(made, calls, "list")[0]


def test_another_process_with_the_same_file_counts_too(book):
    made, calls = book((1, 60.0))
    take(made, calls)
    assert take(made, CallBook(made.ledger, made.clock, made.windows)) == (0, None)


def test_the_longest_window_decides_how_far_back_calls_count(book):
    made, calls = book((9, 60.0), (1, 3600.0))
    give_back(made, calls, take(made, calls)[0])
    made.clock.seconds += 3000.0
    assert take(made, calls) == (0, 600.0)


def test_a_429_blocks_one_endpoint_and_is_remembered(book):
    made, calls = book((9, 60.0))
    give_back(made, calls, take(made, calls)[0], kind="throttled", status=429, block=30.0)
    later = CallBook(made.ledger, made.clock, made.windows)
    assert take(made, later) == (0, 30.0)
    assert take(made, later, "list")[0]


def test_a_good_answer_to_the_probe_ends_the_probing(book):
    made, calls = book((9, 60.0))
    give_back(made, calls, take(made, calls)[0], kind="throttled", status=429, block=30.0)
    made.clock.seconds += 30.0
    probe, _ = take(made, calls)
    assert take(made, calls) == (0, None)
    give_back(made, calls, probe)
    assert take(made, calls)[0]


def test_a_call_without_an_answer_says_nothing_about_the_rate(book):
    made, calls = book((9, 60.0))
    give_back(made, calls, take(made, calls)[0], kind="throttled", status=429, block=30.0)
    made.clock.seconds += 30.0
    give_back(made, calls, take(made, calls)[0], kind="ambiguous", status=0)
    assert calls._rate("import", "boot-0").probing


def test_a_call_is_kept_for_the_record(book):
    made, calls = book((9, 60.0))
    give_back(made, calls, take(made, calls)[0], kind="rejected", status=400, target="t-1")
    found = made.ledger.database.execute("SELECT run, batch, kind, status, target FROM call").fetchall()
    assert found == [("run-0", 1, "rejected", 400, "t-1")]


def test_calls_of_a_process_that_died_end_when_the_next_one_starts(book):
    made, calls = book((1, 60.0))
    take(made, calls)
    made.clock.seconds += 20.0
    calls.recover()
    late = 10.0 / 12  # a twelfth of the shortest window: what was in the network may still arrive
    assert take(made, calls) == (0, pytest.approx(60.0 + late))
    assert made.ledger.database.execute("SELECT kind FROM call").fetchall() == [("crashed",)]


def test_calls_of_another_boot_count_as_ended_just_now(book):
    made, calls = book((2, 60.0))
    give_back(made, calls, take(made, calls)[0])
    take(made, calls)
    made.clock.boot, made.clock.seconds = "boot-1", 3.0
    calls.recover()
    assert take(made, calls) == (0, 60.0)


def test_calls_that_were_old_at_the_end_of_another_boot_are_forgotten(book):
    made, calls = book((1, 60.0))
    give_back(made, calls, take(made, calls)[0])
    made.clock.seconds += 200.0
    give_back(made, calls, take(made, calls)[0])
    made.clock.boot = "boot-1"
    calls.recover()
    assert made.ledger.database.execute("SELECT COUNT(*) FROM call WHERE boot = 'boot-1'").fetchone() == (1,)


def test_what_was_known_about_the_rate_ends_with_the_boot(book):
    made, calls = book((9, 60.0))
    give_back(made, calls, take(made, calls)[0], kind="throttled", status=429, block=3600.0)
    made.clock.boot = "boot-1"
    calls.recover()
    assert take(made, calls)[0]
    assert made.ledger.database.execute("SELECT COUNT(*) FROM rate").fetchone() == (0,)
