"""Cases 27 to 39: the service answers, but not what was agreed; nothing is called accepted that was not."""

import json

import pytest

from defender_indicators.delivery import Answer


def accepted(value, identifier="1"):
    return {"id": identifier, "indicator": value, "isFailed": False, "failureReason": None}


def refused(value, reason="no"):
    return {"id": None, "indicator": value, "isFailed": True, "failureReason": reason}


def listed(*results):
    return json.dumps({"value": list(results)})


def values_of(rows):
    return [row["indicatorValue"] for row in rows]


def ids_in_tenant(world):
    return {row["indicatorValue"]: row["id"] for row in world.emulator.rows()}


def test_case_027_a_web_page_is_never_success(world, rows):
    report = world.run(rows(5), "html@first:2")
    assert report["outcome"] == "succeeded"
    assert [call.faults for call in world.imports()] == [("html",), ("html",), ()]
    assert len(world.emulator.rows()) == 5


def test_case_027_the_third_web_page_in_a_row_ends_the_run(world, rows):
    report = world.run(rows(5), "html")
    assert report["outcome"] == "halted"
    assert report.exit_code == 4
    assert report["counts"]["accepted"] == 0
    assert len(world.imports()) == 3
    assert "the answers do not come from the API" in report.stopped


ODD_DOCUMENTS = [
    "{}",
    "[]",
    "null",
    "7",
    '{"value":null}',
    '{"value":{}}',
    '{"value":[]}',
    '{"value":[null,1,"x"]}',
    '{"error":{"code":"InternalServerError","message":"later"}}',
]


@pytest.mark.parametrize("name", ["raw", "raw_after"])
@pytest.mark.parametrize("body", ODD_DOCUMENTS)
def test_case_028_a_document_without_the_rows_decides_nothing(world, rows, body, name):
    report = world.run(rows(5), (f"{name}@first:1", body))
    assert report["outcome"] == "succeeded"
    assert [call.body_sha256 for call in world.imports()] == [world.imports()[0].body_sha256] * 2


def test_case_028_such_a_document_for_ever_leaves_the_rows_unknown(world, rows):
    report = world.run(rows(5), ("raw_after", '{"value":null}'))
    assert report["outcome"] == "paused"
    assert report.exit_code == 5
    assert report["counts"]["accepted"] == 0


def test_case_029_reordered_answers_are_matched_by_value(world, rows):
    given = rows(200)
    bad = values_of(given)[::7]
    report = world.run(given, "shuffle", *(f"refuse={value}" for value in bad))
    assert [row["value"] for row in report["results"] if row["status"] == "refused"] == bad
    assert {row["value"]: row["id"] for row in report["results"] if row["status"] == "accepted"} == ids_in_tenant(world)


def test_case_030_unknown_and_repeated_rows_are_ignored(world, rows):
    given = rows(20)
    report = world.run(given, "dup", f"refuse={given[1]['indicatorValue']}")
    assert report["counts"]["accepted"] == 19
    assert report["counts"]["refused"] == 1
    assert len(world.imports()) == 1


@pytest.mark.parametrize("order", [[accepted, refused], [refused, accepted], [accepted, refused, accepted]])
def test_case_031_contradictory_results_for_one_value_decide_nothing_about_it(world, rows, order):
    given = rows(3)
    first, *others = values_of(given)
    body = listed(*(one(first) for one in order), *(accepted(value) for value in others))
    report = world.run(given, ("raw_after@first:1", body))
    assert [call.rows for call in world.imports()] == [3, 1]
    assert report["outcome"] == "succeeded"
    assert report["results"][0]["id"] == ids_in_tenant(world)[first]


@pytest.mark.parametrize("failed", ["false", "true", 0, 1, None, [], "missing"])
def test_case_032_only_a_real_boolean_counts(world, rows, failed):
    given = rows(2)
    first, second = values_of(given)
    odd = accepted(first) | {"isFailed": failed}
    if failed == "missing":
        del odd["isFailed"]
    report = world.run(given, ("raw_after@first:1", listed(odd, accepted(second, "2"))))
    assert [call.rows for call in world.imports()] == [2, 1]
    assert report["outcome"] == "succeeded"


@pytest.mark.parametrize("fault", ["canon", "canon=upper"])
def test_case_033_values_in_the_spelling_of_the_service_are_recognised(world, rows, fault):
    kinds = [
        ("FileSha1", "AB" * 20),
        ("FileMd5", "cd" * 16),
        ("CertificateThumbprint", "ef" * 20),
        ("IpAddress", "2a0b:f4c2:0:0:0:0:0:8888"),
        ("DomainName", "Bad.Example.com."),
        ("DomainName", "bücher.example"),
        ("Url", "https://Bad.example/Path?Q=1"),
    ]
    more = {"CertificateThumbprint": {"action": "BlockAndRemediate", "rbacGroupNames": ["Servers"]}}
    given = [
        row | {"indicatorType": kind, "indicatorValue": value} | more.get(kind, {})
        for row, (kind, value) in zip(rows(len(kinds)), kinds, strict=True)
    ]
    report = world.run(given, fault)
    assert [row["status"] for row in report["results"]] == ["accepted"] * len(kinds)
    assert len(world.imports()) == 1


GOOD = '{"id":"1","indicator":"%s","isFailed":false,"failureReason":null}'
HOSTILE = {
    "a key twice": '{"id":"1","indicator":"%s","isFailed":true,"isFailed":false}',
    "NaN": GOOD.replace("null", "NaN"),
    "5,000 digits": GOOD.replace("null", "7" * 5000),
    "100,000 deep": GOOD.replace("null", "[" * 100_000 + "]" * 100_000),
}


@pytest.mark.parametrize("row", HOSTILE.values(), ids=HOSTILE.keys())
def test_case_034_json_that_means_nothing_decides_nothing(world, rows, row):
    given = rows(1)
    body = '{"value":[' + row.replace("%s", given[0]["indicatorValue"]) + "]}"
    report = world.run(given, ("raw@first:1", body))
    assert report["outcome"] == "succeeded"
    assert len(world.imports()) == 2


@pytest.mark.parametrize(
    "encode",
    [lambda text: text.encode("utf-8-sig"), lambda text: text.encode("utf-16"), lambda text: text.encode() + b"\xff"],
    ids=["BOM", "UTF-16", "not UTF-8"],
)
def test_case_034_json_in_another_encoding_decides_nothing(world, rows, encode):
    given = rows(1)
    report = world.run(given, ("raw@first:1", encode(listed(accepted(given[0]["indicatorValue"])))))
    assert report["outcome"] == "succeeded"
    assert len(world.imports()) == 2


def test_case_034_a_lone_surrogate_in_a_reason_is_kept_escaped(world, rows):
    given = rows(2)
    first, second = values_of(given)
    body = listed(refused(first, "before \ud800 after"), accepted(second))
    report = world.run(given, f"refuse={first}", ("raw_after", body))
    assert report["results"][0]["reason"] == r"before \ud800 after"
    assert report["counts"]["accepted"] == 1


def test_case_035_when_every_row_is_refused_the_run_has_failed_and_is_not_repeated(world, rows):
    report = world.run(rows(700), "refuse_all")
    assert report["outcome"] == "failed"
    assert report.exit_code == 1
    assert report["counts"]["refused"] == 700
    assert len(world.imports()) == 2
    assert len(report["retry_with"]) == 700


def test_case_036_one_refused_row_does_not_touch_the_other_499(world, rows):
    given = rows(500)
    report = world.run(given, f"refuse={given[250]['indicatorValue']}", "reason=Not this one")
    assert report["counts"]["accepted"] == 499
    assert report["outcome"] == "partial"
    assert report.exit_code == 1
    row = report["results"][250]
    assert (row["status"], row["code"], row["reason"]) == ("refused", "refused_by_service", "Not this one")
    assert [again["indicatorValue"] for again in report["retry_with"]] == [given[250]["indicatorValue"]]


REASONS = {
    "new": ("The moon is full", "The moon is full"),
    "empty": ("", ""),
    "another language": ("Der Indikator ist ungültig", "Der Indikator ist ungültig"),
    "control characters": ("a\x1b[31mb\r\nc\u202ed", r"a\x1b[31mb\r\nc\u202ed"),
    "huge": ("x" * 1_000_000, "x" * 499 + "…"),
}


@pytest.mark.parametrize(("said", "shown"), REASONS.values(), ids=REASONS.keys())
def test_case_037_a_reason_is_shown_safely_and_decides_nothing(world, rows, said, shown):
    given = rows(3)
    report = world.run(given, f"refuse={given[1]['indicatorValue']}", ("reason", said))
    assert [row["status"] for row in report["results"]] == ["accepted", "refused", "accepted"]
    assert report["results"][1]["reason"] == shown
    assert len(world.imports()) == 1


def test_case_037_words_alone_do_not_mean_that_the_tenant_is_full(world, rows):
    given = rows(40)
    report = world.run(
        given,
        *(f"refuse={value}" for value in values_of(given)[:19]),
        ("reason", "Maximum number of indicators (15000) reached"),
    )
    assert report["counts"]["refused"] == 19
    assert report["counts"]["deferred"] == 0


def test_case_038_a_row_that_was_never_stored_is_found_by_reading_back(world, rows):
    given = rows(10)
    lied_about = given[4]["indicatorValue"]
    world.excused.add(lied_about)
    report = world.run(given, f"lie_once={lied_about}")
    assert report["counts"]["accepted"] == 10
    found = world.context.verify(report["run_id"])
    assert not found["ok"]
    assert [(row["index"], row["finding"]) for row in found["rows"]] == [(4, "absent")]
    again = world.run(given)
    assert again["run_id"] != report["run_id"]
    assert world.context.verify(again["run_id"])["ok"]


@pytest.mark.parametrize("status", [201, 202, 204, 206])
def test_case_039_another_success_than_200_decides_nothing(world, rows, status):
    report = world.run(rows(5), f"status_once={status}")
    assert report["outcome"] == "succeeded"
    assert len({call.body_sha256 for call in world.imports()}) == 1
    assert len(world.imports()) == 2


def test_case_039_even_with_a_good_list(world, rows):
    given = rows(2)
    body = listed(*(accepted(value) for value in values_of(given))).encode()
    world.answers.append(Answer(status=202, body=body))
    report = world.run(given)
    assert report["calls"]["attempts"] == 2
    assert {row["value"]: row["id"] for row in report["results"]} == ids_in_tenant(world)
