import io
import json
from collections.abc import Mapping

import jsonschema
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from defender_indicators import indicators, sources
from defender_indicators.delivery import CODES, STATUSES
from defender_indicators.delivery.codes import code_of, code_of_doubt
from defender_indicators.delivery.records import Exceptional
from defender_indicators.delivery.report import DRY_RUN, _merged, result
from defender_indicators.pack import content_root


@pytest.fixture
def mixed(core, make_core):
    """Return the report of a run in which much went wrong."""
    made = make_core(batch_rows=4)
    given_rows = [*core.rows(9), {"no": "row"}, *core.rows(1), *core.rows(1, start=5, title="new")]
    values = [
        core.listed(core.refused("h0.example.com", "no"), *map(core.accepted, ("h1.example.com", "h2.example.com")))
    ]
    run = made.write(given_rows)
    return made.deliver(run, *values, then=core.poison("h6.example.com"))


def test_a_report_is_a_mapping_of_the_documented_keys(mixed):
    assert isinstance(mixed, Mapping)
    assert list(mixed) == ["schema_version", "outcome", "run_id", "counts", "results", "calls", "retry_with", "plan"]
    assert len(mixed) == 8
    assert mixed["run_id"] == "run-0"


def test_a_report_keeps_its_schema(mixed):
    schema = json.loads((content_root() / "schemas" / "import_report.schema.json").read_bytes())
    jsonschema.validate(mixed.to_dict(), schema, cls=jsonschema.Draft202012Validator)


def test_one_result_per_input_row_in_input_order(mixed):
    assert [row["index"] for row in mixed["results"]] == list(range(12))
    assert len(mixed["results"]) == mixed.total == sum(mixed["counts"].values()) == 12
    assert tuple(mixed["counts"]) == STATUSES


def test_every_row_says_what_became_of_it(mixed):
    found = [(row["status"], row["code"]) for row in mixed["results"]]
    assert found == [
        ("refused", "refused_by_service"),
        *[("accepted", "")] * 4,
        ("duplicate", "repeated_with_changes"),
        ("quarantined", "isolated_by_bisect"),
        *[("accepted", "")] * 2,
        ("rejected", "missing_field"),
        ("duplicate", "duplicate"),
        ("accepted", ""),
    ]


def test_retry_with_holds_the_rows_as_they_were_sent(mixed):
    assert [row["indicatorValue"] for row in mixed["retry_with"]] == ["h0.example.com"]
    assert len(mixed["retry_with"]) == 1
    assert mixed["results"][0]["retryable"]


def test_a_streamed_report_is_the_same_document(mixed):
    stream = io.BytesIO()
    mixed.write_json(stream)
    assert orjson.loads(stream.getvalue()) == mixed.to_dict()
    assert stream.getvalue().endswith(b"}\n")


def test_an_empty_report_is_a_document_too(make_core):
    made = make_core()
    stream = io.BytesIO()
    made.report(made.write([])).write_json(stream)
    document = orjson.loads(stream.getvalue())
    assert (document["outcome"], document["results"], document["retry_with"]) == ("succeeded", [], [])


def test_rows_can_be_reached_by_their_place(mixed):
    assert mixed["results"][-1]["index"] == 11
    assert [row["index"] for row in mixed["results"][1:3]] == [1, 2]


def test_calls_are_counted_with_their_repeats(core, make_core):
    made = make_core()
    report = made.deliver(made.write(core.rows(1)), core.LOST, core.LOST)
    assert report["calls"] == {"count": 1, "attempts": 3, "seconds_waited": 0.0}


def test_a_plan_counts_the_calls_it_would_need(core, make_core):
    made = make_core(batch_rows=2)
    made.plan(core.rows(3)).write(made.ledger, DRY_RUN, "2026-01-01")
    report = made.report(DRY_RUN)
    assert report["calls"] == {"count": 2, "attempts": 0, "seconds_waited": 0.0}
    assert (report["outcome"], report.exit_code) == ("succeeded", 0)


def test_an_unsent_row_is_pending_and_can_be_retried(core, make_core):
    made = make_core()
    report = made.report(made.write(core.rows(1)))
    row = report["results"][0]
    assert (row["status"], row["code"], row["retryable"]) == ("pending", "not_sent_yet", True)
    assert (report["outcome"], report.exit_code) == ("paused", 5)


def test_a_halted_run_says_so(core, make_core):
    made = make_core()
    run = made.write(core.rows(1))
    made.ledger.set_run(run, state="halted", stopped="why")
    report = made.report(run)
    assert (report["outcome"], report.exit_code, report.stopped) == ("halted", 4, "why")


@pytest.mark.parametrize("given_code", ["InternalServerError", "http_503", "server_error", "no_answer"])
def test_codes_of_the_service_stay_in_the_reason(core, make_core, given_code):
    made = make_core(ambiguous_tries=1)
    run = made.write(core.rows(1))
    made.deliver(run, then=lambda call: core.error(500, given_code) if call.method == "POST" else core.error(500))
    row = made.report(run)["results"][0]
    assert row["status"] == "unknown"
    assert row["code"] in {"server_error", "no_answer"}
    assert given_code in row["reason"]


def test_a_code_that_does_not_belong_to_the_status_is_not_shown():
    assert code_of("pending", "InvalidUrl") == "not_sent_yet"
    assert code_of("pending", "call_refused") == "call_refused"
    assert code_of("unknown", "not_sent_yet") == "no_answer"
    assert code_of("quarantined", "row_not_answered") == "row_not_answered"
    assert code_of("deferred", "capacity_reached") == "capacity_reached"


def test_a_code_of_doubt_is_ours():
    assert code_of_doubt("untrustworthy_answer") == "untrustworthy_answer"
    assert code_of_doubt("http_500") == "server_error"


@pytest.mark.parametrize("status", ["pending", "unknown", "deferred", "quarantined"])
def test_every_code_that_a_batch_can_show_is_explained(status):
    assert {code_of(status, code) for code in [*CODES, "http_500", ""]} <= CODES.keys()


def test_no_code_means_two_things():
    assert not CODES.keys() & indicators.CODES.keys()
    assert not CODES.keys() & sources.CODES.keys()


def test_a_code_says_in_one_line_what_it_means_and_what_to_do():
    for code, text in CODES.items():
        assert code.replace("_", "").isalpha()
        assert code == code.lower()
        assert text[0].isupper()
        assert len(text) <= 120
        assert not text.endswith(".")


def test_a_result_row_has_empty_text_for_what_there_is_not():
    row = Exceptional(3, "accepted", "v", "t", "a", "")
    assert result(row) == {
        "index": 3,
        "value": "v",
        "type": "t",
        "action": "a",
        "operation": "import",
        "status": "accepted",
        "id": "",
        "code": "",
        "reason": "",
        "retryable": False,
        "notes": [],
    }


def test_a_batch_whose_rows_all_have_lines_of_their_own_adds_nothing():
    assert list(_merged(iter(()), [(0, iter(()))])) == []


@given(st.sets(st.integers(0, 60)), st.lists(st.sets(st.integers(0, 60), min_size=1), max_size=6))
def test_streams_merge_into_one_order_and_open_no_batch_too_early(own, groups):
    taken, batches, opened = set(own), [], []
    for group in groups:
        free = sorted(group - taken)
        taken |= group
        if free:
            batches.append(free)

    def stream(positions):
        if positions is not own:
            opened.append(positions[0])
        yield from (Exceptional(position, "", "", "", "", "") for position in sorted(positions))

    batches.sort()
    merged = []
    for row in _merged(stream(own), ((batch[0], stream(batch)) for batch in batches)):
        assert all(first <= row.position for first in opened)
        merged.append(row.position)
    assert merged == sorted(taken)
