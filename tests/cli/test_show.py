"""``show``: a report in the form, and the place, that is wanted."""

import csv
import io
import json
import stat

import pytest

ROW = {"indicatorType": "DomainName", "indicatorValue": "one.example.com", "action": "Block"} | {
    "title": "t",
    "description": "d",
}
BAD = ROW | {"indicatorValue": "203.0.113.0/24", "indicatorType": "IpAddress"}


@pytest.fixture
def run(tenant, spawn):
    """The id of a run with one row in place and one rejected."""
    return json.loads(spawn("import", "-", "--json", stdin=json.dumps([ROW, BAD])).out)["run_id"]


def rows(text):
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_writes_a_csv_to_standard_output(run, spawn):
    ended = spawn("show", run, "--output", "csv")
    assert (ended.code, ended.err) == (1, "")
    assert [row["status"] for row in rows(ended.out)] == ["accepted", "rejected"]


def test_the_ending_of_the_file_says_the_form(run, spawn, tmp_path):
    for name in ("report.csv", "report.html", "report.JSON"):
        ended = spawn("show", run, "--to", str(tmp_path / name))
        assert (ended.code, ended.out) == (1, f"report of run {run} written to {tmp_path / name}\n")
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert len(rows((tmp_path / "report.csv").read_text(encoding="utf-8"))) == 2
    assert f"<h1>Run {run} (import)</h1>" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "report.JSON").read_bytes())["run_id"] == run


def test_output_says_the_form_where_the_ending_does_not(run, spawn, tmp_path):
    target = tmp_path / "report.txt"
    target.write_text("what was there")
    assert spawn("show", run, "--output", "html", "--to", str(target)).code == 1
    assert target.read_bytes().startswith(b"<!DOCTYPE html>")


def test_json_tells_where_the_report_is(run, spawn, tmp_path):
    target = str(tmp_path / "report.html")
    document = json.loads(spawn("show", run, "--to", target, "--json").out)
    assert document == {"schema_version": 1, "run_id": run, "form": "html", "file": target}


def test_output_json_is_the_document_that_json_prints(run, spawn):
    assert spawn("show", run, "--output", "json") == spawn("show", run, "--json")


def test_forms_that_contradict_each_other_end_with_2(run, spawn, tmp_path):
    ended = spawn("show", run, "--output", "csv", "--json")
    assert ended.code == 2
    assert "--json and --output csv both want standard output; add --to FILE" in ended.err
    ended = spawn("show", run, "--to", str(tmp_path / "report.txt"))
    assert ended.code == 2
    assert "its ending is none of json, csv, html; add --output" in ended.err


def test_a_file_that_cannot_be_written_ends_with_2(run, spawn, tmp_path):
    target = tmp_path / "missing" / "report.csv"
    ended = spawn("show", run, "--to", str(target))
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"Error: {target}: cannot be written: No such file or directory; ")
