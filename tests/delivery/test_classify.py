import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from defender_indicators.delivery import Answer, Failure
from defender_indicators.delivery.classify import (
    MAX_REASON,
    Kind,
    Verdict,
    classify,
    looks_like_capacity,
    printable,
    retry_after,
)
from defender_indicators.indicators import matching_key

DATE = "Tue, 24 Feb 2026 12:00:00 GMT"


def judge(body, values=("a", "b"), key=str.lower, status=200, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return classify(Answer(status, named, body if isinstance(body, bytes) else json.dumps(body).encode()), values, key)


def row(value, *, failed=False, identifier="1", reason=None):
    return {"id": identifier, "indicator": value, "isFailed": failed, "failureReason": reason}


def error(code, message="", target=""):
    return {"error": {"code": code, "message": message, "target": target}}


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (Failure.NOT_SENT, Verdict(Kind.NOT_SENT, "not_sent", "why")),
        (Failure.FATAL, Verdict(Kind.FATAL, "connection_refused_for_good", "why")),
        (Failure.LOST, Verdict(Kind.AMBIGUOUS, "no_answer", "why", doubtful=True)),
        (Failure.GARBLED, Verdict(Kind.AMBIGUOUS, "no_answer", "why", doubtful=True, strange=True)),
    ],
)
def test_without_an_answer_the_failure_decides(failure, expected):
    assert classify(Answer(failure=failure, detail="why"), ["a"], str.lower) == expected


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (201, Kind.AMBIGUOUS),
        (204, Kind.AMBIGUOUS),
        (206, Kind.AMBIGUOUS),
        (299, Kind.AMBIGUOUS),
        (301, Kind.FATAL),
        (302, Kind.FATAL),
        (307, Kind.FATAL),
        (399, Kind.FATAL),
        (400, Kind.REJECTED),
        (401, Kind.UNAUTHORIZED),
        (403, Kind.FATAL),
        (404, Kind.FATAL),
        (405, Kind.FATAL),
        (407, Kind.FATAL),
        (408, Kind.AMBIGUOUS),
        (409, Kind.AMBIGUOUS),
        (410, Kind.FATAL),
        (413, Kind.TOO_LARGE),
        (415, Kind.FATAL),
        (418, Kind.AMBIGUOUS),
        (429, Kind.THROTTLED),
        (500, Kind.AMBIGUOUS),
        (501, Kind.FATAL),
        (502, Kind.AMBIGUOUS),
        (503, Kind.AMBIGUOUS),
        (504, Kind.AMBIGUOUS),
        (505, Kind.FATAL),
        (599, Kind.AMBIGUOUS),
    ],
)
def test_a_status_means_one_thing(status, kind):
    verdict = judge(b"", status=status)
    assert verdict.kind is kind
    assert verdict.code == f"http_{status}"
    assert verdict.reason == f"HTTP {status}"
    assert verdict.doubtful == (kind is Kind.AMBIGUOUS)


def test_only_a_status_that_the_service_does_not_use_is_strange():
    usual = {201, 202, 203, 204, 205, 206, 408, 500, 502, 503, 504}
    doubtful = {status for status in range(201, 600) if judge(b"", status=status).kind is Kind.AMBIGUOUS}
    assert {status for status in doubtful if not judge(b"", status=status).strange} == usual


def test_an_error_of_the_api_names_code_words_and_correlation_id():
    verdict = judge(error("InternalServerError", "later", "t-1"), status=500)
    assert (verdict.code, verdict.target) == ("InternalServerError", "t-1")
    assert verdict.reason == "HTTP 500 InternalServerError: later"


@pytest.mark.parametrize("body", [[], {"error": "x"}, {"error": {"code": 5, "message": [], "target": {}}}, b"<html>"])
def test_an_error_of_another_shape_says_only_the_status(body):
    verdict = judge(body, status=500)
    assert (verdict.code, verdict.reason, verdict.target) == ("http_500", "HTTP 500", "")


def test_words_without_a_code_are_kept():
    assert judge({"error": {"message": "later"}}, status=500).reason == "HTTP 500 : later"


def test_foreign_words_are_shortened_and_escaped():
    verdict = judge(error("c" * 200, "m\x1b[31m" * 500, "t" * 200), status=400)
    assert (len(verdict.code), len(verdict.target), len(verdict.reason)) == (100, 100, MAX_REASON)
    assert "\x1b" not in verdict.reason


def test_429_carries_the_wait():
    assert judge(b"", status=429, retry_after="7").retry_after == 7.0
    assert judge(b"", status=429).retry_after is None
    assert not judge(b"", status=429).doubtful


def test_503_is_a_throttle_only_with_a_wait_and_stays_in_doubt():
    verdict = judge(b"", status=503, retry_after="7")
    assert (verdict.kind, verdict.retry_after, verdict.doubtful) == (Kind.THROTTLED, 7.0, True)


def test_401_carries_the_claims_of_the_challenge():
    challenge = 'Bearer error="insufficient_claims", claims="eyJhIjoxfQ=="'
    assert judge(b"", status=401, www_authenticate=challenge).claims == "eyJhIjoxfQ=="
    assert judge(b"", status=401).claims == ""


def test_a_batch_too_long_says_how_many_rows_are_allowed():
    words = "Maximum batch size exceeded. Received: 501, allowed: 250"
    verdict = judge(error("MaximumBatchSizeExceeded", words), status=400)
    assert (verdict.kind, verdict.allowed) == (Kind.TOO_MANY_ROWS, 250)
    assert judge(error("MaximumBatchSizeExceeded", "too many"), status=400).allowed == 0
    assert judge(error("MaximumBatchSizeExceeded", words), status=409).kind is Kind.AMBIGUOUS


def test_a_forbidden_operation_is_about_the_batch_any_other_403_about_the_app():
    assert judge(error("DisallowedOperation"), status=403).kind is Kind.REJECTED
    assert judge(error("Forbidden"), status=403).kind is Kind.FATAL
    assert judge(error("DisallowedOperation"), status=404).kind is Kind.FATAL


def test_400_carries_the_wait_that_it_asks_for():
    assert judge(b"", status=400, retry_after="7").retry_after == 7.0


def test_every_row_gets_its_own_verdict():
    verdict = judge({"value": [row("b", failed=True, reason="no"), row("a", identifier="42")]})
    assert verdict == Verdict(Kind.ANSWERED, ids=["42", None], refused={1: "no"})


@pytest.mark.parametrize("identifier", [None, 5, [], {}])
def test_an_accepted_row_without_a_usable_id_is_still_accepted(identifier):
    assert judge({"value": [row("a", identifier=identifier)]}, ["a"]).ids == [""]


@pytest.mark.parametrize("reason", [None, 5, []])
def test_a_refused_row_without_words_is_still_refused(reason):
    assert judge({"value": [row("a", failed=True, reason=reason)]}, ["a"]).refused == {0: ""}


def test_a_row_that_is_left_out_is_neither_accepted_nor_refused():
    verdict = judge({"value": [row("a")]})
    assert (list(verdict.ids), verdict.refused) == (["1", None], {})


def test_a_value_in_another_spelling_is_recognised():
    assert judge({"value": [row("B"), row("A")]}).ids == ["1", "1"]


def test_a_spelling_that_two_values_share_names_neither():
    verdict = judge({"value": [row("X"), row("b")]}, ["xX", "Xx", "b"], key=lambda value: value.lower()[:1])
    assert verdict.ids == [None, None, "1"]


def test_the_exact_spelling_goes_before_the_shared_one():
    assert judge({"value": [row("a")]}, ["a", "A"]).ids == ["1", None]


def test_rows_that_nobody_sent_are_ignored():
    assert judge({"value": [row("zz"), row("a"), row("b")]}).ids == ["1", "1"]


@pytest.mark.parametrize("second", [row("a", failed=True), row("a", failed=True, reason="no")])
def test_contradictory_rows_decide_nothing_whatever_comes_after(second):
    for answers in ([row("a"), second], [second, row("a")], [row("a"), second, row("a")]):
        verdict = judge({"value": [*answers, row("b")]})
        assert (verdict.ids[0], verdict.refused) == (None, {})


def test_the_same_verdict_twice_is_one_verdict():
    assert judge({"value": [row("a"), row("a", identifier="2")]}, ["a"]).ids == ["2"]
    assert judge({"value": [row("a", failed=True, reason="x")] * 2}, ["a"]).refused == {0: "x"}


@pytest.mark.parametrize("odd", [None, 1, "a", [], ["indicator"], {"indicator": 5, "isFailed": False}])
def test_what_is_no_row_is_ignored(odd):
    assert judge({"value": [odd, row("a"), row("b")]}).ids == ["1", "1"]


@pytest.mark.parametrize("failed", ["false", 0, 1, None, []])
def test_only_a_real_boolean_counts(failed):
    assert judge({"value": [row("a") | {"isFailed": failed}, row("b")]}).ids == [None, "1"]


@pytest.mark.parametrize(
    ("body", "cause", "strange"),
    [
        (b"<html>", "not the API's JSON", True),
        (b"", "not the API's JSON", True),
        (b"null", "no list", False),
        (b"[]", "no list", False),
        (b"{}", "no list", False),
        (b'{"value":{}}', "no list", False),
        (b'{"value":[]}', "names none", False),
        (b'{"value":[{"indicator":"zz","isFailed":false}]}', "names none", False),
        (b' {"value":', "not the API's JSON", False),
        (b"[1,", "not the API's JSON", False),
        (b'{"value":[],"value":[]}', "given twice", False),
        (b'\xef\xbb\xbf{"value":[]}', "Expecting value", True),
        (b"\xff\xfe", "not the API's JSON", True),
    ],
)
def test_a_200_that_is_not_what_was_agreed_decides_nothing(body, cause, strange):
    verdict = judge(body)
    assert (verdict.kind, verdict.code) == (Kind.AMBIGUOUS, "untrustworthy_answer")
    assert verdict.doubtful
    assert verdict.strange == strange
    assert cause in verdict.reason


def test_an_empty_list_answers_an_empty_question():
    assert judge({"value": []}, []).kind is Kind.ANSWERED


GOOD = '{"id":"2","indicator":"b","isFailed":false}'


@pytest.mark.parametrize(
    "twice",
    [
        '{"indicator":"a","isFailed":true,"isFailed":false}',
        '{"indicator":"a","isFailed":true,"\\u0069sFailed":false}',
        '{"indicator":"zz","indicator":"a","isFailed":false}',
        '{"id":"1","id":"2","indicator":"a","isFailed":false}',
        '{"indicator":"a","isFailed":true,"failureReason":"x","failureReason":"y"}',
        '{"indicator":"a","isFailed":true,"isFailed":false},{"indicator":"c"}',
        '{"indicator":"a","isFailed":true,"isFailed":false},{"note":"\\u0022isFailed\\u0022"}',
        '{"indicator":"a","isFailed":true,"isFailed":false},7',
    ],
)
def test_a_key_twice_is_noticed_however_it_is_hidden(twice):
    verdict = judge(f'{{"value":[{twice},{GOOD}]}}'.encode())
    assert (verdict.kind, verdict.code) == (Kind.AMBIGUOUS, "untrustworthy_answer")


def test_the_words_of_the_service_may_hold_what_looks_like_keys():
    reason = 'say "value" or "isFailed", \\u0041'
    assert judge({"value": [row("a", failed=True, reason=reason)]}, ["a"]).refused == {0: reason}


def test_a_lone_surrogate_in_the_words_is_escaped_and_no_reason_to_doubt_the_rest():
    body = b'{"value":[{"id":"\\ud800","indicator":"a","isFailed":false},' + GOOD.encode() + b"]}"
    assert judge(body).ids == ["\\ud800", "2"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 1.0),
        ("1", 1.0),
        ("3600", 3600.0),
        ("3601", 3600.0),
        ("-inf", 1.0),
        ("5, 30, x", 30.0),
        ("nan", None),
        ("", None),
        ("Tue, 24 Feb 2026 12:00:45 GMT", 45.0),
        ("Tue, 24 Feb 2026 12:00:45", 45.0),
        ("Tue, 24 Feb 2026 14:00:45 +0200", 45.0),
        ("Mon, 1 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Mon, 1 Jan 2020 00:00:00 +99999999999999999999999", None),
    ],
)
def test_retry_after_is_read_in_every_spelling(text, seconds):
    assert retry_after({"retry-after": text, "date": DATE}) == seconds


def test_a_date_without_the_date_of_the_answer_says_nothing():
    assert retry_after({"retry-after": DATE}) is None


@pytest.mark.parametrize("text", ["Limit reached", "MAXIMUM number", "no capacity", "quota", "exceeded"])
def test_words_that_could_mean_a_full_tenant(text):
    assert looks_like_capacity(text)
    assert not looks_like_capacity("not a public address")


@pytest.mark.parametrize(
    ("text", "limit", "safe"),
    [
        ("plain", 5, "plain"),
        ("plainer", 5, "plai…"),
        ("a\nb", 10, "a\\nb"),
        ("\ud800", 10, "\\ud800"),
        ("\n\n\n", 6, "\\n\\n\\n"),
        ("\n\n\n", 5, "\\n\\n…"),
        ("\u202e", 10, "\\u202e"),
    ],
)
def test_printable_escapes_and_shortens(text, limit, safe):
    assert printable(text, limit) == safe


TEXTS = st.text(max_size=20) | st.sampled_from(["a", "b", "B", "value", "\ud800", "id"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)
ROWS = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(["a", "b"]) | JSON for name in ("id", "indicator", "failureReason")}
).flatmap(lambda made: st.sampled_from([True, False, "missing"]).map(lambda failed: made | {"isFailed": failed}))
BODIES = (
    st.binary(max_size=200)
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.lists(ROWS, max_size=5).map(lambda rows: json.dumps({"value": rows}).encode())
)
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "date", "www-authenticate"]),
    st.text(max_size=40) | st.sampled_from([DATE, "5", "1e99999", 'claims="x"']),
)


@given(st.integers(0, 999), HEADERS, BODIES, st.lists(st.text(max_size=8), unique=True, max_size=5))
def test_no_answer_raises_and_every_row_is_accepted_refused_or_unanswered(status, headers, body, values):
    values = list(dict.fromkeys(["a", "b", *values]))
    verdict = classify(Answer(status, headers, body), values, matching_key)
    assert len(verdict.reason) <= MAX_REASON
    assert (verdict.reason + verdict.code + verdict.target).isprintable()
    if verdict.kind is not Kind.ANSWERED:
        assert (verdict.ids, verdict.refused) == ((), {})
        return
    assert len(verdict.ids) == len(values)
    took = {place for place, identifier in enumerate(verdict.ids) if identifier is not None}
    assert not took & verdict.refused.keys()
    assert verdict.refused.keys() <= set(range(len(values)))


def spelt(key, escapes):
    return "".join(f"\\u{ord(char):04x}" if escape else char for char, escape in zip(key, escapes, strict=True))


@given(
    st.sampled_from(["id", "indicator", "isFailed", "failureReason", "value"]),
    st.data(),
    st.lists(st.sampled_from(['{"indicator":"c"}', '{"id":"9"}', "{}", "null", GOOD]), max_size=4),
)
def test_a_key_twice_is_never_read_as_if_it_were_once(key, data, others):
    escapes = data.draw(st.lists(st.booleans(), min_size=len(key), max_size=len(key)))
    again = f'"{spelt(key, escapes)}":false'
    row_text = '{"id":"1","indicator":"a","isFailed":true,"failureReason":""' + (
        f",{again}}}" if key != "value" else "}"
    )
    listed = ",".join(data.draw(st.permutations([row_text, *others])))
    body = f'{{"value":[{listed}]' + (f",{again}}}" if key == "value" else "}")
    assert judge(body.encode()).kind is Kind.AMBIGUOUS
