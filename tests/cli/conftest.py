"""Running commands, in this process and in one of their own."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from defender_indicators.cli import main

SOURCE = Path(__file__).parents[2] / "src"


class Ended(NamedTuple):
    """How a command ended: exit code and what it wrote."""

    code: int
    out: str
    err: str


@pytest.fixture
def call(capfd):
    """Return a function that runs a command in this process."""

    def run(*arguments):
        code = main(list(arguments))
        return Ended(code, *capfd.readouterr())

    return run


@pytest.fixture
def environment(tmp_path):
    """The environment of a command that finds nothing of this user's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DEFENDER_", "COLUMNS"))}
    return kept | {
        "DEFENDER_INDICATORS_HOME": str(tmp_path / "state"),
        "PYTHONPATH": os.pathsep.join(filter(None, (str(SOURCE), os.environ.get("PYTHONPATH")))),
        "HOME": str(tmp_path),
    }


@pytest.fixture
def spawn(environment):
    """Return a function that runs a command in a process of its own; ``env`` adds variables."""

    def run(*arguments, stdin="", **env):
        command = [sys.executable, "-m", "defender_indicators.cli", *arguments]
        done = subprocess.run(command, input=stdin, env=environment | env, capture_output=True, text=True, check=False)
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def tenant(start_emulator, environment):
    """An emulated Defender, and commands that sign in to it."""
    defender = start_emulator(window_seconds=1.0)
    environment.update(defender.environment())
    return defender


@pytest.fixture
def start(environment):
    """Return a function that starts a command and does not wait for it."""
    started = []

    def run(*arguments, **more):
        command = [sys.executable, "-m", "defender_indicators.cli", *arguments]
        more = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": environment} | more
        started.append(subprocess.Popen(command, **more))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def change_ledger(environment):
    """change_ledger(sql) changes the one ledger of the commands behind their back."""

    def change(sql):
        (path,) = Path(environment["DEFENDER_INDICATORS_HOME"]).rglob("*.sqlite3")
        with closing(sqlite3.connect(path)) as other, other:
            other.execute(sql)

    return change
