import pytest

ROW = {"indicatorType": "DomainName", "indicatorValue": "login.example.com", "action": "Block"}
SCALARS = {**ROW, "title": "T", "description": "D"}


def _run(pack, name, context, **inputs):
    action = pack.action(name)
    filled = action.filled(inputs)
    assert action.input_problems(filled) == []
    return action.run(filled, context)


def test_import_hands_the_rows_and_wishes_on_and_delivers_the_plan(pack, recorder):
    rows = iter([ROW])
    wishes = {"defaults": {"title": "T"}, "legacy_actions": "keep", "idempotency_key": "feed-7"}
    assert _run(pack, "import_indicators", recorder, indicators=rows, **wishes) == {"from": "connector"}
    assert recorder.planned == [(rows, wishes)]
    assert len(recorder.delivered) == 1


@pytest.mark.parametrize("name", ["import_indicators", "submit_indicator"])
@pytest.mark.parametrize("by", ["the inputs", "the caller"])
def test_a_dry_run_delivers_nothing(pack, recorder, name, by):
    inputs = {"indicators": [ROW]} if name == "import_indicators" else SCALARS
    recorder.dry_run = by == "the caller"
    assert _run(pack, name, recorder, **inputs, dry_run=by == "the inputs") == {"from": "plan"}
    assert recorder.delivered == []


def test_submit_makes_one_row_of_what_is_set(pack, recorder):
    groups = {"rbacGroupNames": "Servers, Office one,,"}
    assert _run(pack, "submit_indicator", recorder, **SCALARS, **groups, severity="", generateAlert=False) == {
        "from": "connector"
    }
    row = {**SCALARS, "rbacGroupNames": ["Servers", "Office one"], "generateAlert": False}
    assert recorder.planned == [([row], {})]


def test_submit_leaves_out_what_is_not_set(pack, recorder):
    _run(pack, "submit_indicator", recorder, **SCALARS)
    assert recorder.planned == [([SCALARS], {})]


def test_validate_reports_the_plan_and_needs_no_connector(pack, recorder):
    del recorder.connector
    assert _run(pack, "validate_indicators", recorder, indicators=[ROW]) == {"from": "plan"}
    assert recorder.planned == [([ROW], {"defaults": {}, "legacy_actions": ""})]


def test_test_connection_asks_the_connector(pack, recorder):
    assert _run(pack, "test_connection", recorder) == {"ok": True}
    assert recorder.planned == []
