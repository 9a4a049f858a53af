import pytest

from defender_indicators.delivery import Ledger
from defender_indicators.delivery.records import Exceptional, NewBatch, status_of
from defender_indicators.errors import InputError, LedgerError


@pytest.fixture
def ledger(tmp_path):
    """Return a ledger with one run of ten rows."""
    made = Ledger(tmp_path / "own" / "ledger.sqlite3")
    with made.transaction():
        made.put_run("r", "2026-01-01", "hash", subject_hash="s", retry_of="", total=10, max_rows=5, max_bytes=9)
    yield made
    made.close()


def batch(*positions):
    return NewBatch(0, positions, [b'{"n":%d}' % position for position in positions], {})


def test_a_batch_comes_back_as_it_was_written(ledger):
    with ledger.transaction():
        ledger.put_batches("r", [NewBatch(3, [4, 7], [b'{"a":1}', b'{"b":2}'], {"7": ["note"]})], parent=9, code="c")
    found = ledger.batch(1)
    assert found.body == b'{"Indicators":[{"a":1},{"b":2}]}'
    assert (found.run, found.lane, found.first, found.positions, found.notes) == ("r", 3, 4, [4, 7], {"7": ["note"]})
    assert (found.state, found.parent, found.root, found.code) == ("pending", 9, 0, "c")
    assert (found.attempts, found.ambiguous, found.sent_at) == (0, 0, None)
    assert found.payloads() == [{"a": 1}, {"b": 2}]
    assert found.part([0, 1]).rows == [b'{"a":1}', b'{"b":2}']


def test_every_batch_has_a_request_id_of_its_own(ledger):
    with ledger.transaction():
        ledger.put_batches("r", [batch(0), batch(1)])
    assert len({each.request_id for each in ledger.batches("1 = 1")}) == 2


@pytest.mark.parametrize("column", ["positions", "notes", "body"])
def test_a_batch_with_one_wrong_bit_is_not_believed(ledger, column):
    with ledger.transaction():
        ledger.put_batches("r", [NewBatch(0, [0], [b'{"a":1}'], {"0": ["x"]})])
        ledger.database.execute(f"UPDATE batch SET {column} = CAST(REPLACE({column}, '0', '1') || ' ' AS BLOB)")
    with pytest.raises(LedgerError, match="batch 1 is damaged; nothing was sent"):
        ledger.batch(1)


def test_what_fails_inside_a_transaction_never_happened(ledger):
    with pytest.raises(ZeroDivisionError), ledger.transaction():
        ledger.put_batches("r", (batch(number) if number == 0 else 1 / 0 for number in range(2)))
    assert list(ledger.batches("1 = 1")) == []


def test_rows_come_back_in_input_order(ledger):
    first = Exceptional(2, "refused", "v", "t", "a", "c", "why", "id", ["note"], b"{}")
    second = Exceptional(1, "held", "v", "t", "a", "c")
    with ledger.transaction():
        ledger.put_rows("r", [first, second])
    assert list(ledger.rows("r")) == [second, first]


def test_a_row_cannot_have_two_fates(ledger):
    row = Exceptional(2, "refused", "v", "t", "a", "c")
    with pytest.raises(LedgerError, match="UNIQUE"), ledger.transaction():
        ledger.put_rows("r", [row, row])


def test_a_state_that_does_not_exist_cannot_be_written(ledger):
    with pytest.raises(LedgerError, match="CHECK"), ledger.transaction():
        ledger.set_run("r", state="done")


def test_counts_add_up_over_rows_and_batches(ledger):
    with ledger.transaction():
        ledger.put_rows(
            "r", [Exceptional(0, "refused", "v", "t", "a", "c"), Exceptional(1, "deferred", "v", "t", "a", "c")]
        )
        ledger.put_batches("r", [batch(2, 3)], state="inflight")
        ledger.put_batches("r", [batch(4)], state="unknown")
        ledger.put_batches("r", [batch(5)], state="deferred")
        ledger.put_batches("r", [batch(6, 7)], state="split")
        ledger.put_batches("r", [batch(6, 0)], state="answered", accepted=1)
        ledger.put_batches("r", [batch(7)], state="quarantined")
        ledger.put_batches("r", [batch(8, 9)])
    expected = {"refused": 1, "deferred": 2, "unknown": 3, "accepted": 1, "quarantined": 1, "pending": 2}
    assert ledger.counts("r") == expected
    assert sum(expected.values()) == 10


def test_a_batch_in_flight_is_unknown_to_a_reader():
    assert status_of("inflight") == "unknown"
    assert status_of("pending") == "pending"


def test_the_newest_run_is_the_one_without_a_name(ledger):
    with ledger.transaction():
        ledger.put_run("q", "2026-01-02", "h2", subject_hash="", retry_of="r", total=0, max_rows=1, max_bytes=1)
        ledger.set_run("r", state="finished")
    assert ledger.run("").id == "q"
    assert [run.id for run in ledger.runs()] == ["r", "q"]
    assert [run.id for run in ledger.unfinished()] == ["q"]


def test_a_run_that_is_not_there_is_an_error_of_the_caller(ledger, tmp_path):
    with pytest.raises(InputError, match=r"run zz: not in .*; `runs` lists"):
        ledger.run("zz")
    empty = Ledger(None)
    with pytest.raises(InputError, match=r"run \(newest\)"):
        empty.run("")
    empty.close()


def test_a_run_is_found_by_the_key_of_its_caller(ledger):
    assert ledger.run_by_key("k") is None
    with ledger.transaction():
        ledger.database.execute("UPDATE run SET idempotency_key = 'k'")
    assert ledger.run_by_key("k").id == "r"


def test_two_unfinished_runs_of_one_plan_cannot_be(ledger):
    more = {"subject_hash": "", "retry_of": "", "total": 0, "max_rows": 1, "max_bytes": 1}
    with pytest.raises(LedgerError, match="UNIQUE"), ledger.transaction():
        ledger.put_run("q", "2026-01-02", "hash", **more)
    with ledger.transaction():
        ledger.set_run("r", state="finished")
        ledger.put_run("q", "2026-01-02", "hash", **more)
