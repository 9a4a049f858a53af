import json
import stat
import time
from contextlib import closing

import pytest

from defender_indicators.delivery import Ledger, events
from defender_indicators.errors import InputError

WORDS = ("first", "second", "third", "fourth")
AT = "2026-03-01T00:00:00+00:00"


@pytest.fixture
def log():
    """The database of a ledger with four events."""
    with closing(Ledger(None)) as ledger:
        with ledger.transaction():
            for what in WORDS:
                events.record(ledger.database, AT, "ann", what, run="r", why="because", details={"b": 1, "a": what})
        yield ledger.database


def hashes(log):
    return [event.hash for event in events.events(log)]


def test_events_are_chained_and_the_head_is_the_last_one(log):
    found = list(events.events(log))
    assert [(event.number, event.what, event.actor) for event in found] == [
        (number, what, "ann") for number, what in enumerate(WORDS, 1)
    ]
    assert len(set(hashes(log))) == 4
    assert events.head(log) == (4, found[-1].hash)
    assert events.verify(log) == []
    assert found[0].to_dict()["details"] == {"a": "first", "b": 1}


@pytest.mark.parametrize("column", ["at", "actor", "what", "run", "why", "details", "hash"])
def test_an_altered_event_is_found(log, column):
    log.execute(f"UPDATE event SET {column} = 'x' WHERE number = 2")
    assert any(problem.startswith(("event 2:", "event 3:")) for problem in events.verify(log))
    assert len(list(map(events.Event.to_dict, events.events(log)))) == 4


def test_an_event_with_a_new_hash_of_its_own_breaks_the_next_one(log):
    first, second, *_ = events.events(log)
    forged = events.chained(first.hash, (*second[:6], '{"a":"forged"}'))
    log.execute("UPDATE event SET details = ?, hash = ? WHERE number = 2", ('{"a":"forged"}', forged))
    assert events.verify(log) == ["event 3: not what was written, or not in its place"]


@pytest.mark.parametrize(("number", "said"), [(1, "events 1 to 1 are missing"), (2, "events 2 to 2 are missing")])
def test_a_removed_event_is_found(log, number, said):
    log.execute("DELETE FROM event WHERE number = ?", (number,))
    assert said in events.verify(log)


def test_events_that_changed_places_are_found(log):
    log.execute("UPDATE event SET number = 10 WHERE number = 2")
    log.execute("UPDATE event SET number = 2 WHERE number = 3")
    log.execute("UPDATE event SET number = 3 WHERE number = 10")
    assert [problem[:8] for problem in events.verify(log)] == ["event 2:", "event 3:", "event 4:"]


def test_an_end_that_was_cut_off_is_found(log):
    log.execute("DELETE FROM event WHERE number > 2")
    assert events.verify(log) == ["the chain ends with event 2, the ledger noted event 4 as the last one"]
    log.execute("DELETE FROM event")
    assert events.verify(log) == ["the chain ends with event 0, the ledger noted event 4 as the last one"]


def test_a_chain_that_was_rewritten_as_a_whole_is_found_by_a_hash_noted_elsewhere(log):
    noted = events.head(log).hash
    assert events.verify(log, noted) == []
    assert events.verify(log, hashes(log)[1]) == []
    log.execute("DELETE FROM event")
    log.execute("DELETE FROM meta")
    for what in WORDS:
        events.record(log, AT, "eve", what)
    assert events.verify(log) == []
    assert events.verify(log, noted) == [
        f"{noted}: not in the chain; events were cut off or rewritten since it was noted"
    ]


def test_a_log_whose_head_was_lost_goes_on_from_its_last_event(log):
    log.execute("DELETE FROM meta")
    events.record(log, AT, "ann", "fifth")
    assert events.head(log).number == 5
    assert events.verify(log) == []
    log.execute("UPDATE meta SET value = 'nonsense'")
    assert events.verify(log) == ["the chain ends with event 5, the ledger noted event -1 as the last one"]


def test_text_that_has_no_place_in_json_is_recorded_escaped(log):
    events.record(log, AT, "\udcff", "named", why="\udcfe")
    last = list(events.events(log))[-1]
    assert (last.actor, last.why) == ("\\udcff", "\\udcfe")
    assert events.verify(log) == []


def test_events_of_one_run_are_told_apart(log):
    events.record(log, AT, "ann", "other", run="s")
    assert [event.what for event in events.events(log, "s")] == ["other"]


def test_an_export_is_one_private_new_file_with_a_line_for_every_event(log, tmp_path):
    target = tmp_path / "log.jsonl"
    assert events.export(log, target) == 4
    lines = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert [(line["number"], line["what"], line["hash"]) for line in lines] == [
        (number, what, text) for number, (what, text) in enumerate(zip(WORDS, hashes(log), strict=True), 1)
    ]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    for place, said in ((target, "exists already"), (tmp_path / "no" / "log", "cannot be written")):
        with pytest.raises(InputError, match=said):
            events.export(log, place)


def test_an_event_costs_little_beside_a_call():
    count = 500
    with closing(Ledger(None)) as ledger, ledger.transaction():
        start = time.process_time()
        for _ in range(count):
            events.record(ledger.database, AT, "ann", "call answered", run="r", details={"rows": 500, "status": 200})
        assert (time.process_time() - start) / count < 500e-6


def test_an_event_and_its_fact_are_written_together_or_not_at_all(core, make_core, monkeypatch):
    made = make_core()
    run = made.write(core.rows(3))
    record = events.record

    def fail(*given, **more):
        record(*given, **more)
        raise KeyboardInterrupt

    monkeypatch.setattr(events, "record", fail)
    with pytest.raises(KeyboardInterrupt):
        made.deliver(run)
    assert made.ledger.counts(run) == {"unknown": 3}
    assert [event.what for event in events.events(made.ledger.database)] == ["run created"]


def test_a_run_tells_who_wanted_it_and_what_every_call_was_answered(core, make_core):
    made = make_core(batch_rows=2)
    run = made.write(core.rows(3), author="ann", why="incident 7", kind="import")
    made.deliver(run, core.listed(core.accepted("h0.example.com"), core.refused("h1.example.com", "secret reason")))
    created, *calls = events.events(made.ledger.database, run)
    assert (created.what, created.actor, created.why) == ("run created", "ann", "incident 7")
    assert created.to_dict()["details"] == {
        "kind": "import", "rows": 3, "plan": made.ledger.run(run).plan_hash, "retry_of": "", "held": {}
    }  # fmt: skip
    assert [event.what for event in calls] == ["call answered"] * 2
    first, second = (event.to_dict()["details"] for event in calls)
    assert (first["rows"], first["accepted"], first["status"], first["endpoint"]) == (2, 1, 200, "import")
    assert (second["rows"], second["accepted"]) == (1, 1)
    assert first["request_id"] == made.calls[0][1].request_id
    assert len(first["body_sha256"]) == 64
    assert events.verify(made.ledger.database) == []
    assert not any("example.com" in event.details or "secret" in event.details for event in calls)
