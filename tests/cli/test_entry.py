import json
import subprocess
import sys

import click
import pytest

from defender_indicators import __version__, errors
from defender_indicators.cli import entry
from defender_indicators.cli.entry import COMMANDS, LazyGroup, root
from defender_indicators.cli.signals import Interrupted

HEAVY = {"rich", "requests", "msal", "jsonschema", "jsonschema_rs", "orjson", "yaml", "sqlite3", "publicsuffixlist"}
RAISED = [
    (errors.ManifestError(["actions/x.yaml:3: broken"]), 2),
    (errors.ConfigurationError("no tenant"), 2),
    (errors.InputError("bad input"), 2),
    (errors.LedgerError("disk full"), 7),
    (errors.LockedError("process 7 is sending"), 3),
    (errors.AuthenticationError("wrong secret"), 4),
    (errors.AuthorizationError("missing role"), 4),
    (errors.TransportError("no route"), 5),
    (errors.ThrottledError("slow down"), 5),
    (errors.ServerError("500"), 5),
    (errors.RequestRejectedError("400"), 4),
    (KeyboardInterrupt(), 130),
    (click.Abort(), 130),
    (Interrupted(15), 143),
]


def commands(group=root, name=""):
    with click.Context(group) as context:
        for each in group.list_commands(context):
            command = group.get_command(context, each)
            yield f"{name} {each}".strip(), command
            if isinstance(command, click.Group):
                yield from commands(command, each)


@pytest.fixture
def raising(monkeypatch):
    """Return a function that makes every command raise an error."""

    def replace(error):
        def fail(*_, **__):
            raise error

        monkeypatch.setattr(LazyGroup, "get_command", fail)

    return replace


def test_the_list_of_commands_says_what_each_command_says_of_itself():
    for name, (_, text) in COMMANDS.items():
        command = root.get_command(click.Context(root), name)
        assert command.name == name
        assert text.rstrip(".").split()[0] == command.help.split()[0], name


@pytest.mark.parametrize("name", [name for name, _ in commands()])
def test_every_command_and_option_has_help(name):
    command = dict(commands())[name]
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.name}"
            assert parameter.help.endswith("."), f"{name} {parameter.name}"


@pytest.mark.parametrize("name", ["", *(name for name, _ in commands())])
def test_help_ends_with_0_and_writes_to_standard_output(call, name):
    ended = call(*name.split(), "--help")
    assert ended.code == 0
    assert ended.out.startswith("Usage: defender-indicators")
    assert ended.err == ""


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["import", "--help"], ["runs", "--help"]])
def test_help_imports_nothing_heavy(environment, arguments):
    script = f"import sys; from defender_indicators.cli import main; main({arguments}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert HEAVY.isdisjoint(done.stdout.split())


def test_every_exit_code_is_in_the_help(call):
    words = call("--help").out
    assert [code for code in ("0", "1", "2", "3", "4", "5", "6", "7", "130", "143") if f" {code}" not in words] == []


def test_the_list_of_exit_codes_keeps_its_lines(call):
    words = call("--help").out
    assert "\n    0  every row is accepted" in words
    assert "\\b" not in words


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_failure(environment, closed):
    command = f"exec {sys.executable} -m defender_indicators.cli actions {closed}"
    done = subprocess.run(command, shell=True, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("arguments", ["actions", "actions --json"])
def test_a_full_disk_under_standard_output_ends_with_7_and_one_line(environment, arguments):
    command = f"exec {sys.executable} -m defender_indicators.cli {arguments} > /dev/full"
    done = subprocess.run(command, shell=True, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 7
    assert done.stderr.startswith("Error: standard output: cannot be written: ")
    assert done.stderr.count("\n") == 1


def test_a_choice_is_offered_as_it_is_spelt(call):
    ended = call("import", "x", "--action", "Blok")
    assert "BlockAndRemediate" in ended.err
    assert "blockandremediate" not in ended.err


def test_says_its_version(call):
    assert call("--version").out.strip() == f"defender-indicators, version {__version__}"


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such"],
        ["import"],
        ["import", "x", "--no-such"],
        ["import", "x", "--action", "Blok"],
        ["block"],
        ["ledger", "x"],
    ],
)
def test_wrong_usage_ends_with_2_and_names_the_help(call, arguments):
    ended = call(*arguments)
    assert ended.code == 2
    assert ended.out == ""
    assert "--help'." in ended.err


@pytest.mark.parametrize("arguments", [[], ["ledger"]])
def test_without_a_command_it_shows_the_help_and_ends_with_2(call, arguments):
    ended = call(*arguments)
    assert ended.code == 2
    assert ended.err.startswith("Usage: defender-indicators")


@pytest.mark.parametrize(("error", "code"), RAISED, ids=lambda value: type(value).__name__)
def test_every_error_ends_with_its_exit_code_and_one_line(call, raising, error, code):
    raising(error)
    ended = call("runs")
    assert ended.code == code
    assert ended.out == ""
    assert ended.err.lstrip().startswith("Error: ")
    assert ended.err.lstrip().count("\n") == 1


@pytest.mark.parametrize(("error", "code"), RAISED, ids=lambda value: type(value).__name__)
def test_with_json_every_error_is_one_document(call, raising, error, code):
    raising(error)
    ended = call("runs", "--json")
    assert json.loads(ended.out)["error"]["exit_code"] == ended.code == code


def test_a_defect_is_one_line_without_traceback_and_without_its_text(call, raising):
    raising(RuntimeError("secret payload"))
    ended = call("runs")
    assert ended.code == entry.UNEXPECTED
    assert ended.err == "Error: Unexpected RuntimeError; this is a defect. Add --verbose for the details.\n"


def test_verbose_shows_where_a_defect_is_without_secrets(call, raising):
    raising(RuntimeError("Authorization: Bearer abcdefghijklmnop"))
    ended = call("runs", "--verbose")
    assert ended.code == entry.UNEXPECTED
    assert "Traceback" in ended.err
    assert "abcdefghijklmnop" not in ended.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_each_shell(call, shell):
    ended = call("completion", shell)
    assert ended.code == 0
    assert "_DEFENDER_INDICATORS_COMPLETE" in ended.out


def test_completion_completes_commands_and_options(spawn):
    ended = spawn(_DEFENDER_INDICATORS_COMPLETE="bash_complete", COMP_WORDS="defender-indicators re", COMP_CWORD="1")
    assert [line.partition(",")[2] for line in ended.out.split()] == ["replace", "resume", "retry"]


def test_windows_is_told_in_one_line_what_to_use_instead(monkeypatch, capsys):
    monkeypatch.setattr(entry.os, "name", "nt")
    code = entry.main(["actions"])
    monkeypatch.undo()
    assert code == 2
    assert "Windows is not supported" in capsys.readouterr().err
