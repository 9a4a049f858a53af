import io
import json
import os
import sys
from collections import UserDict
from pathlib import Path

import pytest

from defender_indicators.cli import console

HOSTILE = "a\x1b[31mb\x07c\u202ed\x9be\rf\u200bg[bold]h[/bold]"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def fresh():
    console.prepare(as_json=False)


def test_case_120_text_cannot_drive_the_terminal():
    shown = console.printable(HOSTILE)
    assert shown == "a\\x1b[31mb\\x07c\\u202ed\\x9be\\rf\\u200bg[bold]h[/bold]"
    assert shown.isprintable()


def test_case_120_no_stream_gets_a_control_character(capfd):
    console.show(HOSTILE)
    console.say(HOSTILE)
    console.fail("Kind", HOSTILE, 2)
    console.show_table(["one"], [[HOSTILE]])
    out, err = capfd.readouterr()
    assert all(line.isprintable() for line in (out + err).split("\n"))
    assert "[bold]h[/bold]" in out


def test_line_ends_of_our_own_stay(capfd):
    console.show("one\ntwo")
    assert capfd.readouterr().out == "one\ntwo\n"


def test_long_text_is_cut_where_a_limit_is_given():
    assert console.printable("x" * 300, 200) == "x" * 199 + "…"
    assert console.printable("x" * 300) == "x" * 300


def test_lone_surrogates_are_shown_as_escapes(capfd):
    console.show("a\ud800b")
    assert capfd.readouterr().out == "a\\ud800b\n"


def test_a_failure_with_json_is_one_document_and_one_line(capfd):
    console.prepare(as_json=True)
    assert console.fail("InputError", "no \x1b", 2) == 2
    out, err = capfd.readouterr()
    assert json.loads(out) == {
        "schema_version": 1,
        "error": {"kind": "InputError", "message": "no \x1b", "exit_code": 2},
    }
    assert err == "Error: no \\x1b\n"


def test_a_failure_after_the_document_adds_no_second_one(capfd):
    console.prepare(as_json=True)
    console.show_json({"a": 1})
    console.fail("LedgerError", "disk full", 7)
    assert json.loads(capfd.readouterr().out) == {"a": 1}


def test_a_document_may_hold_what_is_computed_as_it_is_read(capfd):
    console.show_json([UserDict(a=range(3), b=Path("x"))])
    assert json.loads(capfd.readouterr().out) == [{"a": [0, 1, 2], "b": "x"}]


@pytest.mark.parametrize("variables", [{}, {"FORCE_COLOR": "1"}, {"TTY_COMPATIBLE": "1"}, {"CLICOLOR_FORCE": "1"}])
def test_no_colours_where_nobody_watches(capfd, monkeypatch, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    console.show_table(["head"], [["cell"]])
    assert "\x1b" not in capfd.readouterr().out


def test_no_colours_where_they_are_not_wanted(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    plain = console.rich_console(Terminal())
    plain.print("x", style="red")
    assert "\x1b[31m" in plain.file.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    bare = console.rich_console(Terminal())
    bare.print("x", style="red")
    assert "\x1b[31m" not in bare.file.getvalue()


@pytest.mark.parametrize(("terminal", "watched"), [("xterm", True), ("dumb", False), ("", False)])
def test_a_terminal_that_cannot_move_its_cursor_is_not_watched(monkeypatch, terminal, watched):
    monkeypatch.setenv("TERM", terminal)
    assert console.is_watched(Terminal()) is watched
    assert not console.is_watched(io.StringIO())


def test_a_reader_that_goes_away_is_no_failure(monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as gone:
        monkeypatch.setattr(sys, "stdout", gone)
        console.show("lost")
        console.show_json({"lost": True})
        console.show_table(["lost"], [["lost"]])
        assert console.finish(0) == 0


@pytest.mark.parametrize(("code", "ends_with"), [(0, console.OUTPUT_LOST), (1, 1), (5, 5)])
def test_a_result_that_cannot_be_written_is_one_line_and_spoils_only_a_good_exit_code(
    monkeypatch, capfd, code, ends_with
):
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        console.show("lost")
        console.show_json({"lost": True})
        assert console.finish(code) == ends_with
    assert capfd.readouterr().err == (
        "Error: standard output: cannot be written: No space left on device; the result is lost\n"
    )


def test_remarks_that_cannot_be_written_change_no_exit_code(monkeypatch):
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stderr", full)
        console.say("lost")
        assert console.finish(0) == 0


SHA256 = "0123456789abcdef" * 4
TABLE = [["row", "value", "code", "reason"], [[7, SHA256, "refused_by_service", "a reason of several words, " * 5]]]


def test_off_a_terminal_a_row_is_one_line(capfd, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    console.show_table(*TABLE)
    head, line = capfd.readouterr().out.splitlines()
    assert f"7    {SHA256}  refused_by_service  a reason" in line
    assert line.index("refused_by") == head.index("code")


@pytest.mark.parametrize("columns", [20, 60, 80, 100, 120, 160])
def test_on_a_terminal_only_the_last_column_is_folded(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", Terminal())
    console.show_table(*TABLE)
    shown = sys.stdout.getvalue()
    lines = shown[shown.index("7    ") :].splitlines()
    assert f"7    {SHA256}  refused_by_service" in lines[0]
    assert len(lines) > 1
    assert all(len(line) <= max(columns, 28) for line in lines[1:])
    assert " ".join(" ".join(lines).split()).endswith("several words," + " a reason of several words," * 4)


@pytest.mark.parametrize("last", ["", " ", "x"])
def test_a_narrow_terminal_loses_no_row(monkeypatch, last):
    monkeypatch.setenv("COLUMNS", "3")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", Terminal())
    console.show_table(["a", "b"], [["12", last]])
    assert sys.stdout.getvalue().splitlines()[-1].split() in (["12"], ["12", "x"], ["x"])
