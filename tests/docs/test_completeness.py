"""What the code can do stands in the docs, and what the docs list exists in the code."""

import json
import re
from pathlib import Path

import click
import pytest
import yaml

from defender_indicators import delivery, errors, indicators, sources
from defender_indicators.cli import entry
from defender_indicators.delivery import outcome
from defender_indicators.delivery.codes import code_of
from defender_indicators.emulator.faults import NAMES

ROOT = Path(__file__).parents[2]
ACTIONS = sorted(file.stem for file in (ROOT / "actions").glob("*.yaml"))


def code_words(text):
    """Every word between backticks; what stands between is cut at anything that is no name."""
    return {word for span in re.findall(r"`([^`\n]+)`", text) for word in re.split(r"[^\w./+-]+", span)}


def section(text, heading):
    return re.split(rf"^#+ {re.escape(heading)}$", text, flags=re.MULTILINE)[1].split("\n## ")[0]


def table(text):
    """The first cells of the rows of a table, without its head."""
    return [cells.strip("`") for cells in re.findall(r"^\| ([^|]+?) \|", text, re.MULTILINE)][1:]


@pytest.mark.parametrize("name", ACTIONS)
def test_every_action_has_a_section_that_names_its_inputs(pages, name):
    manifest = yaml.safe_load((ROOT / "actions" / f"{name}.yaml").read_text(encoding="utf-8"))
    assert set(manifest["inputs"].get("properties", {})) <= code_words(section(pages["docs/actions.md"], name))


def test_outputs_of_the_connection_test_are_described(pages):
    manifest = yaml.safe_load((ROOT / "actions" / "test_connection.yaml").read_text(encoding="utf-8"))
    assert set(manifest["outputs"]["properties"]) <= code_words(section(pages["docs/actions.md"], "test_connection"))


def test_every_configuration_key_is_described(pages):
    schema = json.loads((ROOT / "schemas" / "configuration.schema.json").read_text(encoding="utf-8"))
    assert set(keys_of(schema)) <= code_words(pages["docs/configuration.md"])


def test_every_key_of_a_policy_is_described(pages):
    schema = json.loads((ROOT / "schemas" / "policy.schema.json").read_text(encoding="utf-8"))
    words = code_words(pages["docs/policy.md"])
    assert set(keys_of(schema)) - {"schema_version", "rules"} <= words
    settings = schema["$defs"]["settings"]["properties"]
    assert table(section(pages["docs/policy.md"], "What can be set")) == list(settings)
    assert table(section(pages["docs/policy.md"], "Rules")) == list(schema["$defs"]["when"]["properties"])


def test_every_format_is_described(pages):
    assert table(section(pages["docs/sources.md"], "Formats")) == list(sources.FORMATS)


def keys_of(schema):
    if isinstance(schema, dict):
        for name, value in schema.items():
            if name == "properties":
                yield from value
            yield from keys_of(value)


def test_every_environment_variable_is_described(pages):
    used = set()
    for file in (ROOT / "src").rglob("*.py"):
        if "emulator" in file.parts:  # it sets variables of other programs, it reads none
            continue
        used |= set(re.findall(r'"((?:DEFENDER|AZURE)_[A-Z_]+)"', file.read_text(encoding="utf-8")))
    assert used <= code_words(pages["docs/configuration.md"])
    assert "DEFENDER_TENANT_ID" in used


def test_environment_variables_of_the_docs_exist(pages):
    source = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "src").rglob("*.py"))
    named = {name for text in pages.values() for name in re.findall(r"\b(?:DEFENDER|AZURE)_[A-Z_]+[A-Z]\b", text)}
    assert {name for name in named if name not in source} == set()


@pytest.mark.parametrize("page", ["README.md", "docs/report.md"])
def test_every_exit_code_is_in_the_table(pages, page):
    raised = {
        kind.exit_code for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)
    }
    listed = {
        int(number) for row in re.findall(r"^\| ([\d, ]+) \|", pages[page], re.MULTILINE) for number in row.split(", ")
    }
    assert listed == raised | {0, 1, 5, 6, 130, 143}


def test_every_status_and_outcome_is_described(pages):
    report = pages["docs/report.md"]
    assert table(section(report, "Status of a row")) == list(outcome.STATUSES)
    assert table(section(report, "Outcome")) == list(outcome.OUTCOMES)


def test_what_is_called_retryable_is_retryable(pages):
    rows = section(pages["docs/report.md"], "Status of a row")
    assert set(re.findall(r"^\| `(\w+)` \|.*\| yes \|$", rows, re.MULTILINE)) == outcome.RETRYABLE


@pytest.mark.parametrize(
    ("heading", "codes"),
    [
        ("Rejected: the row cannot be an indicator", indicators.CODES),
        ("Rejected: the line cannot be read", sources.CODES),
    ],
)
def test_the_tables_of_codes_say_what_the_code_says(pages, heading, codes):
    rows = re.findall(
        r"^\| `(\w+)` \| (.*) \|$", section_of_level_three(pages["docs/report.md"], heading), re.MULTILINE
    )
    assert dict(rows) == {code: text.rstrip(".").replace("|", r"\|") for code, text in codes.items()}


def section_of_level_three(text, heading):
    return section(text, heading).split("\n### ")[0]


def test_codes_of_delivery_are_described_with_the_statuses_they_come_with(pages):
    text = section_of_level_three(pages["docs/report.md"], "Decided while planning and sending")
    rows = re.findall(r"^\| `(\w+)` \| ([\w, ]+) \| (.*) \|$", text, re.MULTILINE)
    assert {code: meaning for code, _, meaning in rows} == delivery.CODES
    named = {(code, status) for code, statuses, _ in rows for status in statuses.split(", ")}
    assert {status for _, status in named} <= set(outcome.STATUSES)
    for status in ("pending", "unknown", "deferred", "quarantined"):
        possible = {code for code in delivery.CODES if code_of(status, code) == code}
        assert {code for code, named_status in named if named_status == status} == possible


def every_command():
    context = click.Context(entry.root)
    for name in entry.root.list_commands(context):
        command = entry.root.get_command(context, name)
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {sub}", command.commands[sub]) for sub in command.commands)


def test_every_command_appears_in_the_docs(pages):
    text = "\n".join(pages.values())
    missing = [name for name, _ in every_command() if not re.search(rf"(`|defender-indicators ){name}\b", text)]
    assert missing == []


def test_options_that_the_docs_show_exist(pages):
    known = {option for _, command in every_command() for parameter in command.params for option in parameter.opts}
    known |= {"--help", "--version"}
    shown = {
        option
        for text in pages.values()
        for line in text.splitlines()
        for command in re.findall(r"defender-indicators (?:\w[\w-]*)[^`|;\n]*", line)
        for option in re.findall(r"(?<=\s)--[a-z-]+", command)
    }
    assert shown - known == set()
    assert "--dry-run" in shown


def test_every_fault_of_the_emulator_is_described(pages):
    assert set(NAMES) <= code_words(pages["docs/emulator.md"])
