import pytest

from defender_indicators.delivery import Answer

BATCH = 40


@pytest.fixture
def poisoned(core, make_core):
    """poisoned(*numbers, rows=…, **options) delivers rows of which these make the service refuse the call."""

    def deliver(*numbers, rows=BATCH, status=400, code="InvalidRequestBody", **options):
        made = make_core(**options)
        values = [f"h{number}.example.com" for number in numbers]
        report = made.deliver(made.write(core.rows(rows)), then=core.poison(*values, status=status, code=code))
        return made, report

    return deliver


def of(report, status):
    return [row["index"] for row in report["results"] if row["status"] == status]


def test_bisect_finds_the_rows_at_fault_and_delivers_the_rest(poisoned):
    made, report = poisoned(3, 17)
    assert of(report, "quarantined") == [3, 17]
    assert len(of(report, "accepted")) == BATCH - 2
    assert report["outcome"] == "partial"
    assert len(made.calls) <= 20


def test_a_half_is_known_bad_when_the_other_one_passed_and_is_not_sent_as_it_is(poisoned):
    made, _ = poisoned(3, rows=4)
    assert [len(values) for values in made.sent()] == [4, 2, 1, 1]


def test_the_last_row_that_is_left_is_sent_alone_before_it_is_blamed(poisoned):
    made, report = poisoned(1, rows=2)
    assert [len(values) for values in made.sent()] == [2, 1, 1]
    row = report["results"][1]
    assert (row["status"], row["code"]) == ("quarantined", "isolated_by_bisect")
    assert "InvalidRequestBody" in row["reason"]


def test_a_batch_of_one_is_quarantined_at_once(poisoned):
    made, report = poisoned(0, rows=1)
    assert of(report, "quarantined") == [0]
    assert len(made.calls) == 1


def test_parts_of_a_refused_call_are_sent_one_after_the_other_left_half_first(poisoned):
    made, _ = poisoned(0, rows=4)
    assert made.sent()[1] == ["h0.example.com", "h1.example.com"]


def test_rows_that_a_spent_budget_leaves_are_deferred_and_resume_goes_on(core, poisoned):
    made, report = poisoned(*range(1, 30), rows=30, bisect_calls=10)
    deferred = [row for row in report["results"] if row["status"] == "deferred"]
    assert {row["code"] for row in deferred} == {"bisect_budget_spent"}
    assert report["outcome"] == "paused"
    assert 10 <= len(made.calls) <= 12, "single rows that are next to each other are still tried"
    report = made.deliver("run-0")
    assert not of(report, "deferred")
    assert not of(report, "pending")


def test_a_large_batch_refused_row_by_row_is_a_wrong_request_not_wrong_rows(poisoned):
    made, report = poisoned(*range(11), rows=11)
    assert of(report, "pending") == list(range(11))
    assert made.health.halted.startswith("every row is refused alike (HTTP 400")
    assert len(made.calls) < 11


def test_a_small_batch_is_bisected_to_its_rows(poisoned):
    made, report = poisoned(*range(10), rows=10)
    assert of(report, "quarantined") == list(range(10))
    assert not made.health.halted


def test_different_refusals_are_not_systemic(core, make_core):
    made = make_core()

    def refuse(call):
        return core.error(400, f"Code{core.values_of(call)[0]}")

    report = made.deliver(made.write(core.rows(11)), then=refuse)
    assert of(report, "quarantined") == list(range(11))


def test_one_accepted_row_proves_that_the_request_is_right(core, make_core):
    made = make_core(batch_rows=11)
    report = made.deliver(
        made.write(core.rows(22)),
        core.accept,
        then=core.poison(*[f"h{number}.example.com" for number in range(11, 22)]),
    )
    assert len(of(report, "quarantined")) == 11


def test_while_everything_is_refused_one_call_goes_at_a_time(core, make_core):
    made = make_core(batch_rows=1)
    made.deliver(made.write(core.rows(8)), then=core.error(400, "BadRequest"), latency=1.0)
    times = [at for at, _ in made.calls]
    assert times[:4] == [1000.0] * 4
    assert sorted(set(times[4:])) == times[4:]


@pytest.mark.parametrize("status", ["one half", "both halves"])
def test_an_operation_disallowed_for_both_halves_is_disallowed_for_the_app(poisoned, status):
    poison = range(8) if status == "both halves" else range(4)
    made, report = poisoned(*poison, rows=8, status=403, code="DisallowedOperation")
    if status == "both halves":
        assert "DisallowedOperation" in made.health.halted
        assert report["results"][7]["code"] == "call_refused"
    else:
        assert of(report, "quarantined") == [0, 1, 2, 3]


def test_a_refusal_that_asks_for_patience_gets_it_twice(core, make_core):
    made = make_core()
    patient = core.error(400, "Busy", {"retry-after": "7"})
    report = made.deliver(made.write(core.rows(2)), patient, patient)
    assert report["outcome"] == "succeeded"
    assert [at for at, _ in made.calls] == [1000.0, 1007.0, 1014.0]
    report = made.deliver(made.write(core.rows(1, start=9)), patient, patient, patient)
    assert of(report, "quarantined") == [0]


def test_an_ambiguous_call_is_repeated_byte_for_byte_after_a_pause(core, make_core):
    made = make_core(jitter=lambda low, high: high)
    report = made.deliver(made.write(core.rows(2)), core.LOST, core.SERVER_ERROR)
    assert report["outcome"] == "succeeded"
    assert len({(call.body, call.request_id) for _, call in made.calls}) == 1
    assert [at for at, _ in made.calls] == pytest.approx([1000.0, 1001.6, 1004.8])


def test_a_batch_that_alone_gets_no_answer_is_bisected_once_others_succeed(core, make_core):
    made = make_core(batch_rows=4)

    def fail(call):
        return core.SERVER_ERROR if "h2.example.com" in core.values_of(call) else core.accept(call)

    report = made.deliver(
        made.write(core.rows(12)), then=lambda call: fail(call) if call.method == "POST" else core.listed()
    )
    assert of(report, "quarantined") == [2]
    assert len(of(report, "accepted")) == 11


def test_a_bisect_without_answers_keeps_its_budget(core, make_core):
    made = make_core(batch_rows=8, bisect_calls=9)
    bad = {f"h{number}.example.com" for number in range(8)}

    def fail(call):
        if call.method == "GET":
            return core.listed()
        return core.SERVER_ERROR if bad & set(core.values_of(call)) else core.accept(call)

    report = made.deliver(made.write(core.rows(16)), then=fail)
    assert sum(bool(bad & set(values)) for values in made.sent()) == 9
    assert {row["status"] for row in report["results"]} == {"accepted", "deferred"}


def test_a_row_that_the_answer_leaves_out_is_asked_again_alone(core, make_core):
    made = make_core()
    report = made.deliver(
        made.write(core.rows(3)), core.listed(core.accepted("h0.example.com"), core.accepted("h2.example.com"))
    )
    assert report["outcome"] == "succeeded"
    assert made.sent()[1] == ["h1.example.com"]
    assert made.states() == [("answered", "", 3), ("answered", "", 1)]


def test_a_row_that_every_answer_leaves_out_is_set_aside(core, make_core):
    made = make_core()

    def first_only(call):
        return core.listed(core.accepted(core.values_of(call)[0])) if call.method == "POST" else core.listed()

    report = made.deliver(made.write(core.rows(4)), then=first_only)
    assert [len(values) for values in made.sent()] == [4, 3, 2]
    assert made.calls[-1][1].method == "GET"
    row = report["results"][3]
    assert (row["status"], row["code"]) == ("quarantined", "row_not_answered")


def test_notes_follow_their_row_through_every_split(core, make_core):
    made = make_core()
    noted = core.rows(8)
    noted[6]["indicatorValue"] = "H6[.]example.com"
    report = made.deliver(made.write(noted), then=core.poison("h7.example.com"))
    assert [bool(row["notes"]) for row in report["results"]] == [False] * 6 + [True, False]


def test_a_refused_row_keeps_its_words_its_notes_and_its_payload(core, make_core):
    made = make_core()
    noted = core.rows(1, indicatorValue="H0[.]example.com")
    report = made.deliver(made.write(noted), core.listed(core.refused("h0.example.com", "why\x1b")))
    [row] = report["results"]
    assert (row["status"], row["code"], row["reason"]) == ("refused", "refused_by_service", "why\\x1b")
    assert row["notes"]
    assert [each["indicatorValue"] for each in report["retry_with"]] == ["h0.example.com"]


def test_words_about_capacity_for_many_rows_mean_a_full_tenant(core, make_core):
    made = make_core(batch_rows=20, calls_in_flight=1)
    full = core.listed(*(core.refused(f"h{number}.example.com", "limit exceeded") for number in range(20)))
    report = made.deliver(made.write(core.rows(60)), full)
    assert of(report, "deferred") == list(range(60))
    assert {row["code"] for row in report["results"]} == {"capacity_reached"}
    assert "free some" in made.health.paused
    report = made.deliver("run-0")
    assert report["outcome"] == "succeeded"


def test_words_about_capacity_for_few_rows_are_about_the_rows(core, make_core):
    made = make_core()
    full = core.listed(*(core.refused(f"h{number}.example.com", "limit exceeded") for number in range(19)))
    report = made.deliver(made.write(core.rows(19)), full)
    assert of(report, "refused") == list(range(19))


@pytest.mark.parametrize(("rows", "deferred"), [(19, []), (20, list(range(20)))])
def test_words_about_capacity_for_many_rows_refused_on_their_own_mean_a_full_tenant(core, make_core, rows, deferred):
    made = make_core(batch_rows=1)
    full = core.error(400, "BadRequest", message="the limit is reached")
    report = made.deliver(made.write(core.rows(rows)), then=full)
    assert of(report, "deferred") == deferred
    assert {row["code"] for row in report["results"]} == {"capacity_reached" if deferred else "isolated_by_bisect"}


def test_a_full_tenant_that_refuses_whole_calls_is_not_a_wrong_request(core, make_core):
    made = make_core()
    full = core.error(400, "BadRequest", message="the limit is reached")
    report = made.deliver(made.write(core.rows(20)), then=full)
    assert of(report, "deferred") == list(range(20))
    assert not made.health.halted


def test_a_batch_too_long_is_cut_to_what_is_allowed(core, make_core):
    made = make_core()
    report = made.deliver(
        made.write(core.rows(10)), core.error(400, "MaximumBatchSizeExceeded", message="Received: 10, allowed: 3")
    )
    assert report["outcome"] == "succeeded"
    assert [len(values) for values in made.sent()] == [10, 3, 3, 3, 1]


def test_a_batch_too_long_is_halved_when_nobody_says_what_is_allowed(core, make_core):
    made = make_core()
    made.deliver(made.write(core.rows(10)), core.error(400, "MaximumBatchSizeExceeded"))
    assert [len(values) for values in made.sent()] == [10, 5, 5]


def test_a_body_too_large_is_halved(core, make_core):
    made = make_core()
    report = made.deliver(made.write(core.rows(8)), Answer(413))
    assert report["outcome"] == "succeeded"
    assert [len(values) for values in made.sent()] == [8, 4, 4]


def test_an_answer_about_an_older_limit_lowers_nothing_more(core, make_core):
    made = make_core(batch_rows=8)
    made.deliver(made.write(core.rows(16)), Answer(413), Answer(413))
    assert [len(values) for values in made.sent()] == [8, 8, 4, 4, 4, 4]


@pytest.mark.parametrize("answer", ["413", "400"])
def test_a_single_row_that_is_too_large_is_set_aside(core, make_core, answer):
    made = make_core()
    words = Answer(413) if answer == "413" else core.error(400, "MaximumBatchSizeExceeded")
    report = made.deliver(made.write(core.rows(1)), words)
    assert report["results"][0]["code"] == "too_large"
    assert of(report, "quarantined") == [0]


def test_a_service_that_allows_less_and_less_ends_the_run(core, make_core):
    made = make_core(resize_tries=2, calls_in_flight=1)
    made.deliver(made.write(core.rows(64)), then=Answer(413))
    assert made.health.halted.startswith("the service allows smaller and smaller requests")
    assert len(made.calls) == 3


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("Forbidden", "grant the application Ti.ReadWrite.All"),
        ("DisabledFeature", "switch this feature on"),
        ("Other", "grant the application Ti.ReadWrite.All"),
    ],
)
def test_a_403_halts_and_says_what_to_do(core, make_core, code, remedy):
    made = make_core()
    report = made.deliver(made.write(core.rows(1)), core.error(403, code))
    assert remedy in made.health.halted
    assert of(report, "pending") == [0]
    assert report["results"][0]["code"] == "not_sent_yet"


@pytest.mark.parametrize("status", [302, 404, 405, 410, 415, 501, 505])
def test_an_answer_that_is_not_the_apis_halts_and_says_where_to_look(core, make_core, status):
    made = make_core()
    made.deliver(made.write(core.rows(1)), Answer(status))
    assert made.health.halted.startswith(f"HTTP {status}; check DEFENDER_API_URL and any proxy")


def test_a_proxy_that_wants_a_password_halts_and_says_where_to_give_it(core, make_core):
    made = make_core()
    made.deliver(made.write(core.rows(1)), Answer(407))
    assert made.health.halted.endswith("; give user and password in DEFENDER_PROXY")


def test_a_fatal_answer_does_not_take_doubt_away(core, make_core):
    made = make_core()
    report = made.deliver(made.write(core.rows(1)), core.LOST, core.error(403, "Forbidden"))
    assert of(report, "unknown") == [0]


def test_one_passing_refusal_blames_no_row(core, make_core):
    made = make_core()
    refusal = Answer(400, {}, b'{"error":{"code":"InvalidRequestBody","message":"incorrect"}}')
    report = made.deliver(made.write(core.rows(40)), refusal)
    assert report["outcome"] == "succeeded"


def test_a_gateway_to_which_every_row_is_too_large_blames_no_row(core, make_core):
    made = make_core()
    report = made.deliver(made.write(core.rows(8)), then=lambda _: Answer(413, {}, b""))
    assert "too large" in made.health.halted
    assert report["counts"]["pending"] == 8
