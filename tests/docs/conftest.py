import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]
_FENCE = re.compile(
    r"^(?:<!-- (?P<comment>[^\n]*?) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_MARK = "\x1emark\x1e"


@dataclass
class Command:
    """One line after ``$``, the lines that continue it (``>``), and what the page shows of its output."""

    line: int
    text: str
    shown: list[str] = field(default_factory=list)


@dataclass
class Block:
    page: Path
    line: int
    language: str
    text: str
    comment: str

    @property
    def not_run(self) -> bool:
        return self.comment.startswith("not run: ")

    def commands(self) -> list[Command]:
        found: list[Command] = []
        for number, line in enumerate(self.text.splitlines(), self.line + 1):
            if line.startswith("$ "):
                found.append(Command(number, line[2:]))
            elif line.startswith("> "):
                found[-1].text += f"\n{line[2:]}"
            elif line.strip():
                found[-1].shown.append(line)
        return found


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(page, text.count("\n", 0, match.start("text")), match["language"], match["text"], match["comment"] or "")
        for match in _FENCE.finditer(text)
    ]


class Terminal:
    """A shell that runs the commands of a page in order, as a reader would; variables live as long as the terminal."""

    def __init__(self, folder: Path, variables: Path, environment: dict[str, str]) -> None:
        tools = Path(sys.executable).parent
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("DEFENDER_", "MAKE", "MFLAGS"))
        }
        self.folder = folder
        self.variables = variables
        self.environment = kept | {"PATH": f"{tools}:{os.environ['PATH']}", "COLUMNS": "160"} | environment

    def run(self, commands: list[Command]) -> list[tuple[Command, int, str]]:
        script = "".join(f"{command.text}\nprintf '{_MARK}%s{_MARK}' $?\n" for command in commands)
        shell = subprocess.run(
            ["bash"], input=f"{script}env -0 > '{self.variables}'\n", cwd=self.folder, env=self.environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        parts = shell.stdout.split(_MARK)
        assert len(parts) == 2 * len(commands) + 1, shell.stdout
        variables = self.variables.read_text(encoding="utf-8")
        self.environment = dict(line.split("=", 1) for line in variables.split("\0") if line)
        return [(command, int(parts[2 * i + 1]), parts[2 * i]) for i, command in enumerate(commands)]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def pages() -> dict[str, str]:
    """Path relative to the root → text, for every page written for people."""
    return {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8") for page in PAGES}


@pytest.fixture(scope="session")
def blocks() -> list[Block]:
    return [block for page in PAGES for block in blocks_of(page)]


@pytest.fixture
def terminal(tmp_path, emulator):
    """A shell whose Defender is the emulator and whose folder holds the examples, as after `git clone`."""
    folder = tmp_path / "clone"
    folder.mkdir()
    for name in ("examples", "Makefile"):
        (folder / name).symlink_to(ROOT / name)
    state = {"DEFENDER_INDICATORS_HOME": str(tmp_path / "state"), "HOME": str(tmp_path)}
    return Terminal(folder, tmp_path / "variables", emulator.environment() | state)


@pytest.fixture
def emulator():
    from defender_indicators.emulator import Emulator, Settings  # noqa: PLC0415 - slow to import, few tests need it

    with Emulator(Settings(window_seconds=1.0)) as running:
        yield running
