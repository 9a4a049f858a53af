import pytest

import defender_indicators
from defender_indicators.errors import InputError
from defender_indicators.pack import Pack, content_root, run_action

ACTIONS = Pack(content_root()).actions
EXAMPLES = [(action, example) for action in ACTIONS.values() for example in action.examples]
ROW = {"indicatorType": "DomainName", "action": "Block", "title": "T", "description": "D"}


def _holds(value, expected):
    if isinstance(expected, dict):
        return all(_holds(value[name], inner) for name, inner in expected.items())
    return value == expected


def test_every_manifest_is_an_action_of_the_pack():
    assert sorted(ACTIONS) == sorted(file.stem for file in (content_root() / "actions").glob("*.yaml"))


def test_the_packs_version_is_the_runtimes(pack):
    assert pack.version == defender_indicators.__version__


@pytest.mark.parametrize("name", ACTIONS)
def test_a_handler_has_forty_lines_at_most(name):
    text = (content_root() / "actions" / f"{name}.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 40


@pytest.mark.parametrize(("action", "example"), EXAMPLES, ids=lambda thing: getattr(thing, "name", ""))
def test_an_example_returns_what_it_promises(pack, live, action, example):
    outputs = run_action(pack, action.name, example["inputs"], live)
    assert _holds(outputs, example["expect"]), dict(outputs)


@pytest.mark.parametrize(("action", "example"), EXAMPLES, ids=lambda thing: getattr(thing, "name", ""))
def test_every_row_of_the_outputs_fits_the_schema(pack, live, action, example):
    outputs = run_action(pack, action.name, example["inputs"], live)
    whole = outputs.to_dict() if hasattr(outputs, "to_dict") else dict(outputs)
    assert [str(finding) for finding in action.output_checker.findings(whole)] == []


def test_actions_that_read_leave_the_tenant_as_it_was(pack, live, emulator):
    for action, example in EXAMPLES:
        if action.effects == "read":
            run_action(pack, action.name, example["inputs"], live)
    assert emulator.rows() == []
    assert "import" not in {arrival.endpoint for arrival in emulator.arrivals}


def test_validation_makes_no_call_at_all(pack, live, emulator):
    run_action(pack, "validate_indicators", {"indicators": [{**ROW, "indicatorValue": "login.example.com"}]}, live)
    assert emulator.arrivals == []


def test_case_118_a_template_in_a_title_reaches_the_tenant_as_it_is(pack, live, emulator):
    titles = ["{{7*7}}", "${7*7}", "{0.__class__}", "%(x)s", "<%= 7*7 %>"]
    rows = [{**ROW, "indicatorValue": f"a{n}.example.com", "title": title} for n, title in enumerate(titles)]
    report = run_action(pack, "import_indicators", {"indicators": rows}, live)
    assert report["outcome"] == "succeeded"
    assert sorted(row["title"] for row in emulator.rows()) == sorted(titles)


@pytest.mark.parametrize(
    "row", [7, None, "login.example.com", ["x"], {"indicatorValue": {1}}, {"title": "\ud800"}], ids=repr
)
def test_a_row_that_is_no_indicator_is_data_and_not_an_error(pack, live, row):
    report = run_action(pack, "validate_indicators", {"indicators": [row]}, live)
    (result,) = report["results"]
    assert result["status"] == "rejected"
    assert result["code"]


def test_case_095_a_number_in_the_place_of_a_hash_is_a_rejected_row(pack, live):
    rows = [{**ROW, "indicatorType": "FileSha1", "indicatorValue": value} for value in (10**39, 1.5, 12345e67, True)]
    report = run_action(pack, "validate_indicators", {"indicators": rows}, live)
    assert {(row["status"], row["code"]) for row in report["results"]} == {("rejected", "not_a_string")}


def test_a_wrong_default_is_an_input_error_that_names_the_way_out(pack, live):
    with pytest.raises(InputError) as refused:
        run_action(pack, "import_indicators", {"indicators": [], "defaults": {"action": "Blok", "titel": "T"}}, live)
    assert str(refused.value).splitlines() == [
        "import_indicators: $.defaults.action: is not one of the allowed values; did you mean Block?",
        "import_indicators: $.defaults.titel: is not known here; did you mean title?",
    ]


def test_submit_takes_nothing_but_plain_values(pack):
    rules = pack.action("submit_indicator").inputs["properties"].values()
    assert {rule["type"] for rule in rules} == {"string", "boolean"}
