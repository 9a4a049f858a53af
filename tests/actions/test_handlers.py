import pytest

from defender_indicators.errors import InputError
from defender_indicators.pack import run_action

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


@pytest.mark.parametrize("given", [{}, {"source": "feed.csv", "text": "x"}])
def test_extraction_wants_a_source_or_a_text_and_not_both(pack, recorder, given):
    with pytest.raises(InputError, match="either source or text"):
        _run(pack, "extract_indicators", recorder, **given)


def test_extraction_reads_a_file_under_a_policy_and_hands_on_its_rows(pack, live, tmp_path):
    policy, feed = tmp_path / "policy.yaml", tmp_path / "feed.csv"
    policy.write_text("schema_version: 1\ndefaults: {action: Warn}\n", encoding="utf-8")
    feed.write_text("who,note\na.example.com,x\nA.example.com,y\nsomebody,z\n", encoding="utf-8")
    given = {"source": str(feed), "policy": str(policy), "columns": {"value": "who"}, "feed": "partner"}
    outputs = run_action(pack, "extract_indicators", given, live)
    (row,) = outputs["indicators"]
    assert (row["indicatorValue"], row["action"], row["title"]) == ("a.example.com", "Warn", "DomainName from partner")
    assert outputs["coverage"] == {"read": 3, "mapped": 1, "duplicates": 1, "bad": 1, "dropped": {}}
    assert [item["place"] for item in outputs["bad"]] == ["feed.csv:4"]


def test_the_rows_of_an_extraction_are_the_inputs_of_an_import(pack, live, emulator):
    rows = run_action(pack, "extract_indicators", {"text": "see login.example[.]com today"}, live)["indicators"]
    assert run_action(pack, "import_indicators", {"indicators": rows}, live)["outcome"] == "succeeded"
    assert [row["indicatorValue"] for row in emulator.rows()] == ["login.example.com"]
