"""Cases 12 to 25: a call is lost on the way there or back; the run still ends with every row exactly once."""

import pytest

from defender_indicators.delivery import Answer, Failure

MODELS = ["value+type", "value+type+action+scope"]


def assert_sent_again_unchanged(world, report, attempts=2):
    assert report["outcome"] == "succeeded"
    assert report.exit_code == 0
    calls = world.imports()
    assert len(calls) == report["calls"]["attempts"] == attempts
    assert len({call.body_sha256 for call in calls}) == 1
    [request_id] = {call.request_id for call in calls}
    assert request_id


def test_case_012_a_reset_before_anything_was_applied_is_sent_again_unchanged(world, rows):
    assert_sent_again_unchanged(world, world.run(rows(20), "rst@first:1"))


@pytest.mark.parametrize("identity", MODELS)
@pytest.mark.parametrize("fault", ["drop_before", "drop_after"])
def test_case_013_a_lost_answer_is_asked_for_again_whether_or_not_the_rows_were_applied(
    make_world, rows, fault, identity
):
    world = make_world(identity=identity)
    assert_sent_again_unchanged(world, world.run(rows(20), f"{fault}@first:2"), attempts=3)
    assert len(world.emulator.rows()) == 20


@pytest.mark.parametrize("fault", ["hang_before=3", "hang=3"])
def test_case_014_a_silent_service_costs_the_deadline_and_the_slot_is_held_until_then(make_world, rows, fault):
    world = make_world(durations={"call_deadline_seconds": 0.4})
    assert_sent_again_unchanged(world, world.run(rows(20), f"{fault}@first:1"))
    [(lasted,), _] = world.ledger("SELECT ended - started FROM call WHERE endpoint = 'import' ORDER BY id")
    assert lasted >= 0.4


def test_case_017_what_is_not_http_is_asked_three_times_and_then_never_again(world, rows):
    world.answers.extend([Answer(failure=Failure.GARBLED, detail="not an HTTP status line")] * 9)
    report = world.run(rows(5))
    assert report["outcome"] == "halted"
    assert report.exit_code == 4
    assert report["calls"]["attempts"] == 3
    assert "do not come from the API" in report.stopped


def test_case_022_half_an_answer_decides_nothing(world, rows):
    assert_sent_again_unchanged(world, world.run(rows(20), "trunc_after@first:1"))


@pytest.mark.parametrize("body", ['{"value":[{"id":"1","indic', '{"value":[', "{", ""])
def test_case_023_an_answer_cut_off_without_a_length_decides_nothing(world, rows, body):
    assert_sent_again_unchanged(world, world.run(rows(20), ("raw_after@first:1", body)))


@pytest.mark.parametrize("identity", MODELS)
@pytest.mark.parametrize("fault", ["short", "short_notapplied"])
def test_case_024_listed_rows_are_final_and_only_the_others_are_asked_for_again(make_world, rows, fault, identity):
    world = make_world(identity=identity)
    given = rows(20)
    refused = [given[2]["indicatorValue"], given[17]["indicatorValue"]]
    report = world.run(given, f"{fault}=8@first:1", *(f"refuse={value}" for value in refused))
    assert [call.rows for call in world.imports()] == [20, 12]
    assert report["counts"]["accepted"] == 18
    assert [row["value"] for row in report["results"] if row["status"] == "refused"] == refused
    assert len(world.emulator.rows()) == 18


@pytest.mark.parametrize("detail", ["bad chunk size", "the last chunk is missing", "not gzip"])
def test_case_025_an_answer_that_cannot_be_decoded_decides_nothing(world, rows, detail):
    world.answers.append(Answer(failure=Failure.LOST, detail=detail))
    report = world.run(rows(20))
    assert report["outcome"] == "succeeded"
    assert report["calls"] == {"count": 1, "attempts": 2, "seconds_waited": report["calls"]["seconds_waited"]}
    assert len(world.imports()) == 1
