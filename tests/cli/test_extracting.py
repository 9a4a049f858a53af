import csv
import io
import json

import pytest

REPORT = "The loader calls login.example[.]com, hxxps://cdn.example[.]net/a.js and login.example[.]com again.\n"
BUNDLE = json.dumps(
    {
        "type": "bundle",
        "id": "bundle--00000000-0000-4000-8000-000000000000",
        "objects": [
            {
                "type": "indicator",
                "spec_version": "2.1",
                "id": "indicator--00000000-0000-4000-8000-000000000001",
                "created": "2026-01-01T00:00:00Z",
                "modified": "2026-01-01T00:00:00Z",
                "name": "Phishing",
                "pattern": "[domain-name:value = 'login.example.com']",
                "pattern_type": "stix",
                "valid_from": "2026-01-01T00:00:00Z",
            }
        ],
    }
)
POLICY = "schema_version: 1\ndefaults: {action: Warn, title: '{feed}: {value}', lifetime_days: 5}\n"


@pytest.fixture
def policy(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY, encoding="utf-8")
    return str(path)


def lines(ended):
    return [json.loads(line) for line in ended.out.splitlines()]


def test_prints_each_indicator_once_and_accounts_for_the_rest(spawn):
    ended = spawn("extract", "-", stdin=REPORT)
    assert ended.code == 0, ended
    assert [row["indicatorValue"] for row in lines(ended)] == ["login.example.com", "https://cdn.example.net/a.js"]
    assert ended.err.splitlines()[-1] == "3 read: 2 mapped, 1 duplicates, 0 dropped."


@pytest.mark.parametrize("output", ["ndjson", "json", "portal-csv"])
def test_what_it_prints_can_be_imported(spawn, output):
    printed = spawn("extract", "-", "--output", output, stdin=REPORT)
    ended = spawn("import", "-", "--dry-run", "--json", stdin=printed.out)
    assert ended.code == 0, ended
    rows = json.loads(ended.out)["results"]
    assert [(row["value"], row["action"]) for row in rows] == [
        ("login.example.com", "Audit"),
        ("https://cdn.example.net/a.js", "Audit"),
    ]


def test_prints_values_alone(spawn):
    assert spawn("extract", "-", "--output", "values", stdin=REPORT).out == (
        "login.example.com\nhttps://cdn.example.net/a.js\n"
    )


def test_prints_a_table(spawn):
    head, *rows = spawn("extract", "-", "--output", "table", stdin=REPORT).out.splitlines()
    assert head.split() == ["type", "value", "action", "title"]
    assert len(rows) == 2


def test_prints_one_document_with_what_was_left_out(spawn):
    ended = spawn("extract", "-", "--json", "--format", "values", stdin="10.0.0.1\nevil.example.com\nno value\n")
    document = json.loads(ended.out)
    assert ended.code == 1
    assert document["coverage"] == {
        "read": 3,
        "mapped": 1,
        "duplicates": 0,
        "bad": 1,
        "dropped": {"private_address": 1},
    }
    assert [item["value"] for item in document["dropped"]] == ["10.0.0.1"]
    assert [item["place"] for item in document["bad"]] == ["standard input:3"]
    assert "Unreadable: standard input:3: " in ended.err


def test_case_120_a_spreadsheet_computes_no_cell(spawn):
    row = {"indicatorType": "DomainName", "indicatorValue": "a.example.com", "title": '=HYPERLINK("x")'}
    ended = spawn("extract", "-", "--output", "portal-csv", stdin=json.dumps(row) + "\n")
    (found,) = csv.DictReader(io.StringIO(ended.out))
    assert found["Title"] == '\'=HYPERLINK("x")'


def test_a_policy_says_what_the_rows_get(spawn, policy):
    (row,) = lines(spawn("extract", "-", "--policy", policy, "--feed", "partner", stdin=BUNDLE))
    assert (row["action"], row["title"]) == ("Warn", "partner: login.example.com")


def test_a_wrong_policy_ends_with_2_and_its_line(spawn, tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text("schema_version: 1\ndefaults: {action: Blok}\n", encoding="utf-8")
    ended = spawn("extract", "-", "--policy", str(path), stdin=BUNDLE)
    assert ended.code == 2
    assert "policy.yaml:2: $.defaults.action" in ended.err


def test_columns_are_named_by_the_user(spawn):
    ended = spawn(
        "extract", "-", "--column", "value=who", "--column", "title=what", stdin="who,what\na.example.com,x\n"
    )
    (row,) = lines(ended)
    assert (row["indicatorValue"], row["title"]) == ("a.example.com", "x")
    assert "column 1 'who' → value" in ended.err


@pytest.mark.parametrize("column", ["value", "=x", "value="])
def test_a_column_without_a_name_ends_with_2(spawn, column):
    ended = spawn("extract", "-", "--column", column, stdin="a,b\n")
    assert ended.code == 2
    assert "is not FIELD=NAME" in ended.err


def test_a_folder_with_an_unreadable_file_is_incomplete(spawn, tmp_path):
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "a.json").write_text(BUNDLE, encoding="utf-8")
    (tmp_path / "feeds" / "b.json").write_text("{", encoding="utf-8")
    ended = spawn("extract", str(tmp_path / "feeds"))
    assert (ended.code, len(lines(ended))) == (1, 1)
    assert "Incomplete: b.json: not JSON" in ended.err
    refused = spawn("import", str(tmp_path / "feeds"), "--dry-run")
    assert refused.code == 2
    assert "Error: import_indicators: b.json: not JSON" in refused.err


def test_an_import_of_intelligence_watches_for_ninety_days(tenant, spawn):
    ended = spawn("import", "-", stdin=BUNDLE)
    assert ended.code == 0, ended
    (row,) = tenant.rows()
    assert (row["indicatorValue"], row["action"], row["title"]) == ("login.example.com", "Audit", "Phishing")
    assert row["expirationTime"]
    assert "Note: no policy is given" in ended.err
    assert "1 read: 1 mapped, 0 duplicates, 0 dropped." in ended.err


def test_options_of_an_import_have_the_last_word_over_its_policy(tenant, spawn, policy):
    ended = spawn("import", "-", "--policy", policy, "--title", "Mine", "--expires", "never", stdin=BUNDLE)
    assert ended.code == 0, ended
    (row,) = tenant.rows()
    assert (row["action"], row["title"], row.get("expirationTime")) == ("Warn", "Mine", None)


def test_a_plain_list_needs_no_action_where_a_policy_names_it(tenant, spawn, policy):
    assert spawn("import", "-", "--policy", policy, stdin="a.example.com\n").code == 0
    assert [row["action"] for row in tenant.rows()] == ["Warn"]


@pytest.mark.parametrize("form", ["ndjson", "json", "portal-csv", "values"])
def test_case_120_nothing_that_a_terminal_obeys_is_printed(spawn, tmp_path, form):
    row = {
        "indicatorType": "DomainName",
        "indicatorValue": "login.example.com",
        "action": "Block",
        "title": "a\u202eb\x1b[2J",
    }
    file = tmp_path / "rows.json"
    file.write_text(json.dumps([row]), encoding="utf-8")
    ended = spawn("extract", str(file), "--output", form)
    assert "\x1b" not in ended.out
    assert "\u202e" not in ended.out
