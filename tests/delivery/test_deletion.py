import pytest

from defender_indicators.delivery import Answer
from defender_indicators.delivery.classify import Kind
from defender_indicators.delivery.conditions import IN_PLACE
from defender_indicators.delivery.deletion import classify_deletion

VALUE = ("indicatorType", "indicatorValue")
IDENTITIES = [("indicatorType", "indicatorValue", "action", "rbacGroupNames"), VALUE, ()]
EACH_IDENTITY = pytest.mark.parametrize("identity", IDENTITIES, ids=["four", "value", "none"])


def statuses(report):
    return [(row["status"], row["code"]) for row in report["results"]]


def deletions(core, count):
    return [core.there(str(number), number) for number in range(count)]


# What an answer means


@pytest.mark.parametrize(
    "answer",
    [Answer(204), Answer(200), Answer(200, {}, b" \n"), Answer(200, {}, b"{}"), Answer(200, {}, b'[{"id":1}]')],
)
def test_success_stands_for_every_id(answer):
    verdict = classify_deletion(answer, ["1", "2"])
    assert (verdict.kind, verdict.ids) == (Kind.ANSWERED, ["1", "2"])


@pytest.mark.parametrize(
    ("answer", "strange"),
    [
        (Answer(200, {}, b"<html>"), True),
        (Answer(204, {}, b"oops"), True),
        (Answer(200, {}, b"{"), False),
        (Answer(200, {}, b'{"error":{"code":"x"}}'), False),
        (Answer(202), False),
        (Answer(500), False),
    ],
)
def test_what_does_not_say_yes_leaves_the_rows_in_doubt(answer, strange):
    verdict = classify_deletion(answer, ["1"])
    assert (verdict.kind, verdict.strange, verdict.doubtful) == (Kind.AMBIGUOUS, strange, True)


@pytest.mark.parametrize(
    ("status", "code", "kind", "doubtful"),
    [
        (404, "ResourceNotFound", Kind.REJECTED, True),
        (404, "", Kind.FATAL, False),
        (400, "InvalidInput", Kind.REJECTED, True),
        (400, "MaximumBatchSizeExceeded", Kind.TOO_MANY_ROWS, False),
        (403, "DisallowedOperation", Kind.REJECTED, False),
        (403, "Forbidden", Kind.FATAL, False),
        (405, "x", Kind.FATAL, False),
        (429, "TooManyRequests", Kind.THROTTLED, False),
    ],
)
def test_a_refusal_that_names_itself_is_about_the_rows(core, status, code, kind, doubtful):
    verdict = classify_deletion(core.error(status, code), ["1"])
    assert (verdict.kind, verdict.doubtful) == (kind, doubtful)


def test_a_sign_in_that_may_not_delete_is_told_so(core):
    assert "permissions of the application itself" in classify_deletion(core.error(403, "Forbidden"), ["1"]).remedy


# Delivering deletions


def test_rows_are_deleted_by_their_ids_and_never_by_value(core, make_core):
    made = make_core()
    tenant = core.Tenant(*deletions(core, 3), core.there("9", 0))
    report = made.deliver(made.write_steps(*(("delete", row, None) for row in deletions(core, 3))), then=tenant)
    assert made.deleted() == [["0", "1", "2"]]
    assert list(tenant.rows) == ["9"]
    assert [(row["status"], row["id"], row["operation"]) for row in report["results"]] == [
        ("accepted", str(number), "delete") for number in range(3)
    ]
    assert report["calls"]["count"] == report["calls"]["attempts"] == 1


def test_case_125_501_ids_are_two_calls(core, make_core):
    made = make_core()
    tenant = core.Tenant(*deletions(core, 501))
    made.deliver(made.write_steps(*(("delete", row, None) for row in deletions(core, 501))), then=tenant)
    assert sorted(map(len, made.deleted())) == [1, 500]
    assert tenant.rows == {}


def test_a_service_that_takes_fewer_ids_gets_fewer(core, make_core):
    made = make_core()
    tenant = core.Tenant(*deletions(core, 9))
    too_many = core.error(400, "MaximumBatchSizeExceeded", message="Maximum batch size allowed: 4")
    made.deliver(made.write_steps(*(("delete", row, None) for row in deletions(core, 9))), too_many, then=tenant)
    assert [len(ids) for ids in made.deleted()] == [9, 4, 4, 1]
    assert tenant.rows == {}


@pytest.mark.parametrize("partial", [False, True])
def test_case_125_one_stale_id_costs_a_listing_and_then_only_what_is_left_is_sent(core, make_core, partial):
    made = make_core()
    tenant = core.Tenant(*deletions(core, 3), core.there("9", 0), partial=partial)
    del tenant.rows["1"]
    report = made.deliver(made.write_steps(*(("delete", row, None) for row in deletions(core, 3))), then=tenant)
    assert made.deleted() == [["0", "1", "2"], ["0", "2"]][: 1 if partial else 2]
    assert made.paths() == ["delete", "list", "delete"][: 2 if partial else 3]
    assert list(tenant.rows) == ["9"]
    assert statuses(report) == [("accepted", "")] * 3


@pytest.mark.parametrize("arrived", [True, False])
@pytest.mark.parametrize("answer", ["lost", "error", "web page"])
def test_case_125_after_a_lost_answer_the_tenant_is_listed_before_anything_is_sent(core, make_core, arrived, answer):
    made = make_core()
    tenant = core.Tenant(*deletions(core, 2), core.there("9", 9))
    what = {"lost": core.LOST, "error": core.SERVER_ERROR, "web page": Answer(200, {}, b"<html>")}[answer]

    def first(call):
        if arrived:
            tenant(call)
        return what

    report = made.deliver(made.write_steps(*(("delete", row, None) for row in deletions(core, 2))), first, then=tenant)
    assert made.paths() == ["delete", "list"] if arrived else ["delete", "list", "delete"]
    assert list(tenant.rows) == ["9"]
    assert statuses(report) == [("accepted", "")] * 2


def test_a_deletion_of_a_dead_process_is_read_back(core, make_core):
    made = make_core()
    tenant = core.Tenant(*deletions(core, 2), core.there("9", 9))
    machine = made.machine(made.write_steps(*(("delete", row, None) for row in deletions(core, 2))))
    machine.signed_in()
    tenant(machine.step().ticket.call)
    made.deliver("run-0", then=tenant)
    assert made.paths() == ["list"]
    assert made.report("run-0")["outcome"] == "succeeded"


def test_an_empty_listing_is_asked_for_again_before_it_proves_a_deletion(core, make_core):
    made = make_core()
    tenant = core.Tenant(*deletions(core, 2))
    made.deliver(
        made.write_steps(*(("delete", row, None) for row in deletions(core, 2))), core.LOST, core.listed(), then=tenant
    )
    assert made.paths() == ["delete", "list", "list", "delete"]
    assert tenant.rows == {}


def test_rows_that_were_deleted_are_no_witnesses(core, make_core):
    made = make_core()
    tenant = core.Tenant(identity=VALUE)
    made.deliver(made.write(core.rows(2)), then=tenant)
    rows = list(tenant.rows.values())
    tenant.rows["9"] = core.there("9", 9)

    def lost(call):
        tenant(call)
        return core.LOST

    report = made.deliver(made.write_steps(*(("delete", row, None) for row in rows)), lost, then=tenant)
    assert made.paths()[1:] == ["delete", "list"]
    assert report["outcome"] == "succeeded"


def test_a_row_that_keeps_being_refused_is_found_by_halves_and_named(core, make_core):
    made = make_core()
    tenant = core.Tenant(*deletions(core, 8), poison=["5"])
    report = made.deliver(made.write_steps(*(("delete", row, None) for row in deletions(core, 8))), then=tenant)
    assert [row["status"] for row in report["results"]] == ["accepted"] * 5 + ["quarantined"] + ["accepted"] * 2
    found = report["results"][5]
    assert (found["code"], found["id"]) == ("isolated_by_bisect", "5")
    assert "InvalidInput" in found["reason"]
    assert made.deleted()[:3] == [[str(number) for number in range(8)]] * 3
    assert ["5"] in made.deleted()
    assert list(tenant.rows) == ["5"]


def test_rows_that_are_all_refused_alike_halt_the_run(core, make_core):
    made = make_core()
    tenant = core.Tenant(*deletions(core, 12), poison=[str(number) for number in range(12)])
    report = made.deliver(made.write_steps(*(("delete", row, None) for row in deletions(core, 12))), then=tenant)
    assert "every row is refused alike" in made.health.halted
    assert {row["status"] for row in report["results"]} == {"pending"}
    assert len(tenant.rows) == 12


def test_device_groups_that_we_may_not_touch_are_found_by_halves(core, make_core):
    made = make_core()
    tenant = core.Tenant(*deletions(core, 4))

    def then(call):
        return core.error(403, "DisallowedOperation") if "2" in core.ids_of(call) else tenant(call)

    report = made.deliver(made.write_steps(*(("delete", row, None) for row in deletions(core, 4))), then=then)
    assert [row["status"] for row in report["results"]] == ["accepted", "accepted", "quarantined", "accepted"]


def test_a_budget_of_calls_ends_the_search(core, make_core):
    made = make_core(bisect_calls=5)
    tenant = core.Tenant(*deletions(core, 64), poison=["0", "40"])
    report = made.deliver(made.write_steps(*(("delete", row, None) for row in deletions(core, 64))), then=tenant)
    assert {row["status"] for row in report["results"]} <= {"accepted", "deferred"}
    assert report["outcome"] == "paused"
    made.timing = type(made.timing)()
    report = made.deliver("run-0", then=tenant)
    assert sorted(tenant.rows) == ["0", "40"]
    assert report["counts"]["quarantined"] == 2


def test_a_service_that_keeps_failing_pauses_the_run(core, make_core):
    made = make_core()
    tenant = core.Tenant(*deletions(core, 2))
    report = made.deliver(
        made.write_steps(*(("delete", row, None) for row in deletions(core, 2))),
        then=lambda call: tenant(call) if call.method == "GET" else core.SERVER_ERROR,
    )
    assert "keeps failing" in made.health.paused
    assert made.paths() == ["delete", "list"] * 3
    assert {row["status"] for row in report["results"]} == {"pending"}
    assert made.deliver("run-0", then=tenant)["outcome"] == "succeeded"


def test_a_row_that_fails_while_others_are_deleted_is_set_aside(core, make_core):
    made = make_core(batch_rows=1)
    tenant = core.Tenant(*deletions(core, 2))

    def then(call):
        return core.SERVER_ERROR if call.method == "POST" and core.ids_of(call) == ["1"] else tenant(call)

    report = made.deliver(made.write_steps(*(("delete", row, None) for row in deletions(core, 2))), then=then)
    assert statuses(report) == [("accepted", ""), ("quarantined", "isolated_by_bisect")]


def test_patience_that_a_refusal_asks_for_is_given(core, make_core):
    made = make_core()
    tenant = core.Tenant(*deletions(core, 1))
    refusal = core.error(400, "InvalidInput", {"retry-after": "40"})
    made.deliver(made.write_steps(*(("delete", row, None) for row in deletions(core, 1))), refusal, then=tenant)
    assert [at - made.calls[0][0] for at, _ in made.calls] == [0.0, 40.0, 40.0]


@pytest.mark.parametrize("change", [{"action": "Audit"}, {"title": "new", "lastUpdateTime": "2027-01-01T00:00:00Z"}])
def test_a_row_that_somebody_changed_meanwhile_is_not_deleted(core, make_core, change):
    made = make_core()
    tenant = core.Tenant(*deletions(core, 3))

    def lost(_):
        tenant.rows["1"] = tenant.rows["1"] | change
        del tenant.rows["0"]
        return core.LOST

    report = made.deliver(made.write_steps(*(("delete", row, None) for row in deletions(core, 3))), lost, then=tenant)
    assert statuses(report) == [("accepted", ""), ("held", "changed_elsewhere"), ("accepted", "")]
    assert list(tenant.rows) == ["1"]
    assert list(report["retry_with"]) == []


def test_a_deletion_in_doubt_of_an_older_run_is_read_but_not_sent_again(core, make_core):
    made = make_core()
    tenant = core.Tenant(*deletions(core, 2))
    machine = made.machine(made.write_steps(*(("delete", row, None) for row in deletions(core, 2))))
    machine.signed_in()
    machine.step()
    made.deliver(made.write(core.rows(1, start=50)), then=tenant)
    assert made.paths() == ["list", "import"]
    assert statuses(made.report("run-0")) == [("pending", "not_sent_yet")] * 2


def test_deletions_and_imports_have_windows_of_their_own(core, make_core):
    made = make_core(batch_rows=1)
    tenant = core.Tenant(*deletions(core, 30))
    steps = [("delete", row, None) for row in deletions(core, 30)] + [
        ("import", row, None) for row in core.rows(30, 40)
    ]
    made.deliver(made.write_steps(*steps), then=tenant)
    assert {at for at, _ in made.calls} == {made.calls[0][0]}
    assert len(made.calls) == 60


# Ordered pairs


def pair(core, *, new, old, first):
    """Return steps that replace the row of ``h0.example.com``: its deletion and the import of the new version."""
    delete, add = core.there("5", 0, action=old), core.rows(1, action=new)[0]
    if first == "delete":
        return [("delete", delete, None), ("import", add, 0)]
    return [("import", add, None), ("delete", delete, 0)]


@EACH_IDENTITY
@pytest.mark.parametrize("change", [("Allowed", "Block", "delete"), ("Audit", "Block", "import")], ids=["a", "b"])
def test_case_123_a_changed_action_ends_with_one_row(core, make_core, identity, change):
    made = make_core()
    old, new, first = change
    tenant = core.Tenant(core.there("5", 0, action=old), core.there("6", 1), identity=identity)
    report = made.deliver(made.write_steps(*pair(core, new=new, old=old, first=first)), then=tenant)
    assert tenant.actions("h0.example.com") == [new]
    assert "6" in tenant.rows
    assert statuses(report) == [("accepted", "")] * 2
    in_place = identity == VALUE and first == "import"
    assert made.paths() == (
        ["import"] if in_place else ["import", "delete"] if first == "import" else ["delete", "import"]
    )
    assert [IN_PLACE in row["notes"] for row in report["results"]] == [False, in_place]


@EACH_IDENTITY
def test_case_123_an_import_that_tells_no_id_is_looked_up_before_anything_is_deleted(core, make_core, identity):
    made = make_core()
    tenant = core.Tenant(core.there("5", 0, action="Audit"), core.there("6", 1), identity=identity, answers_id=False)
    report = made.deliver(made.write_steps(*pair(core, new="Block", old="Audit", first="import")), then=tenant)
    assert tenant.actions("h0.example.com") == ["Block"]
    assert made.paths() == ["import", "list"] + ["delete"] * (identity != VALUE)
    assert statuses(report) == [("accepted", "")] * 2


def test_case_123_an_import_found_in_the_listing_keeps_its_row(core, make_core):
    made = make_core()
    tenant = core.Tenant(core.there("5", 0, action="Audit"), identity=VALUE)
    machine = made.machine(made.write_steps(*pair(core, new="Block", old="Audit", first="import")))
    machine.signed_in()
    tenant(machine.step().ticket.call)
    made.clock.seconds += 1000
    made.deliver("run-0", then=tenant)
    assert made.paths() == ["list"]
    assert tenant.actions("h0.example.com") == ["Block"]


@pytest.mark.parametrize("first", ["delete", "import"])
def test_case_123_without_its_first_step_the_second_is_not_done(core, make_core, first):
    made = make_core()
    tenant = core.Tenant(core.there("5", 0, action="Audit"), core.there("6", 1), poison=["5", "h0.example.com"])
    steps = pair(core, new="Block", old="Audit", first=first)
    report = made.deliver(made.write_steps(*steps, ("delete", core.there("6", 1), None)), then=tenant)
    assert statuses(report) == [
        ("quarantined", "isolated_by_bisect"),
        ("held", "first_step_not_done"),
        ("accepted", ""),
    ]
    assert "row 0 comes first and is quarantined" in report["results"][1]["reason"]
    assert tenant.actions("h0.example.com") == ["Audit"]
    assert report["outcome"] == "held"


def test_case_123_the_second_step_is_done_once_the_first_one_is(core, make_core):
    made = make_core()
    tenant = core.Tenant(core.there("5", 0, action="Audit"))
    run = made.write_steps(*pair(core, new="Block", old="Audit", first="import"))
    full = core.listed(core.refused("h0.example.com", "limit exceeded"))
    made.timing = type(made.timing)(capacity_rows=1)
    assert statuses(made.deliver(run, full, then=tenant)) == [
        ("deferred", "capacity_reached"),
        ("pending", "not_sent_yet"),
    ]
    assert made.deliver(run, then=tenant)["outcome"] == "succeeded"
    assert tenant.actions("h0.example.com") == ["Block"]


@EACH_IDENTITY
@pytest.mark.parametrize("change", [("Allowed", "Block", "delete"), ("Block", "Allowed", "import")], ids=["to", "fro"])
@pytest.mark.parametrize("dies_at", [*range(1, 6), *range(-5, 0)])
def test_case_123_a_process_that_dies_between_the_steps_leaves_no_value_without_its_row(
    core, make_core, identity, change, dies_at
):
    """It dies after so many steps; the call that it has just sent still arrives (above 0), or does not."""
    made = make_core()
    (old, new, first), arrives, dies_at = change, dies_at > 0, abs(dies_at)
    tenant = core.Tenant(core.there("5", 0, action=old), core.there("6", 1), identity=identity)
    run = made.write_steps(*pair(core, new=new, old=old, first=first))
    machine, flying = made.machine(run), []
    for number in range(1, dies_at + 1):
        step = machine.step()
        if isinstance(step, core.SignIn):
            machine.signed_in()
        elif isinstance(step, core.Send):
            answer = tenant(step.ticket.call) if arrives or number < dies_at else None
            flying.append((step.ticket, answer))
        elif isinstance(step, core.Wait):
            machine.answered(*flying.pop())
        told = {row["status"] for row in made.report(run)["results"]} & {"pending", "unknown"}
        assert told or tenant.actions("h0.example.com") != ["Allowed", "Block"]
    report = made.deliver(run, then=tenant)
    assert set(tenant.actions("h0.example.com")) == {new}
    assert "6" in tenant.rows
    assert report["outcome"] == "succeeded"


def test_case_124_a_changed_scope_is_a_replacement_of_its_own(core, make_core):
    made = make_core()
    old = core.there("5", 0, rbacGroupNames=["Servers"])
    tenant = core.Tenant(old)
    add = core.rows(1, rbacGroupNames=["Clients"])[0]
    made.deliver(made.write_steps(("import", add, None), ("delete", old, 0)), then=tenant)
    assert [row["rbacGroupNames"] for row in tenant.rows.values()] == [["Clients"]]


# Room


def refuse_all(core, call):
    return core.listed(*(core.refused(value, "limit exceeded") for value in core.values_of(call)))


@pytest.mark.parametrize("waits", [0, 1, 3, 4])
def test_case_125_freed_places_that_are_not_visible_yet_are_waited_for(core, make_core, waits):
    made = make_core()
    tenant = core.Tenant(*deletions(core, 25))
    left = [waits]

    def then(call):
        if call.path == core.IMPORT and left[0]:
            left[0] -= 1
            return refuse_all(core, call)
        return tenant(call)

    imports = [("import", row, 0) for row in core.rows(25, start=100)]
    report = made.deliver(made.write_steps(("delete", core.there("0", 0), None), *imports), then=then)
    times = [at - made.calls[0][0] for at, call in made.calls if call.path == core.IMPORT]
    assert times == [0.0, 20.0, 40.0, 60.0][: waits + 1]
    assert report["counts"]["deferred"] == (25 if waits == 4 else 0)
    assert report["outcome"] == ("paused" if waits == 4 else "succeeded")


def test_case_069_without_deletions_a_full_tenant_is_not_waited_for(core, make_core):
    made = make_core()
    report = made.deliver(made.write(core.rows(25)), then=lambda call: refuse_all(core, call))
    assert len(made.calls) == 1
    assert report["counts"]["deferred"] == 25


def test_case_069_calls_that_left_before_the_pause_do_not_lengthen_it(core, make_core):
    made = make_core(batch_rows=25)
    tenant = core.Tenant(*deletions(core, 1))
    refusals = [2]

    def then(call):
        if call.path == core.IMPORT and refusals[0]:
            refusals[0] -= 1
            return refuse_all(core, call)
        return tenant(call)

    imports = [("import", row, 0) for row in core.rows(50, start=100)]
    report = made.deliver(made.write_steps(("delete", core.there("0", 0), None), *imports), then=then)
    assert [at - made.calls[0][0] for at, call in made.calls if call.path == core.IMPORT] == [0.0, 0.0, 20.0, 20.0]
    assert report["outcome"] == "succeeded"


def test_a_deletion_long_ago_makes_no_room_any_more(core, make_core):
    made = make_core()
    tenant = core.Tenant(*deletions(core, 1))
    run = made.write_steps(("delete", core.there("0", 0), None), *(("import", row, 0) for row in core.rows(25, 100)))
    throttled = Answer(429, {"retry-after": "120"})
    report = made.deliver(run, tenant, throttled, then=lambda call: refuse_all(core, call))
    assert report["counts"]["deferred"] == 25
    assert len(made.calls) == 3


def test_a_full_tenant_that_refuses_whole_calls_is_waited_for_too(core, make_core):
    made = make_core(capacity_rows=2)
    tenant = core.Tenant(*deletions(core, 1))
    start = made.clock.seconds

    def then(call):
        if call.path == core.IMPORT and made.clock.seconds < start + 15:
            return core.error(400, "InvalidInput", message="limit exceeded")
        return tenant(call)

    imports = [("import", row, 0) for row in core.rows(2, start=100)]
    report = made.deliver(made.write_steps(("delete", core.there("0", 0), None), *imports), then=then)
    assert report["outcome"] == "succeeded"
    assert made.calls[-1][0] == start + 20
