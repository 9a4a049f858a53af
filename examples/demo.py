"""Import good, bad and refused rows into an emulated Defender; branch on the report; retry. `make demo` runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from defender_indicators.emulator import Emulator, Settings

SAMPLE = Path(__file__).with_name("indicators.json").relative_to(Path.cwd())
BRANCHES = {
    "succeeded": "everything is in place: close the ticket",
    "partial": "some rows are in place: go on, open a ticket with the others",
    "failed": "no row is in place: tell somebody",
    "held": "rows wait for approval: ask",
    "paused": "rows are left to send: resume later",
    "halted": "mend the cause, then resume",
}


def main() -> int:
    """Run the demo; return 0 when everything came out as promised."""
    with tempfile.TemporaryDirectory() as home, Emulator(Settings()) as emulator:
        terminal = _Terminal(_environment(emulator, home))
        emulator.faults.add("refuse=refused.example.org")
        emulator.faults.add("reason=The value is on the list of protected domains")
        first = terminal.branch_on("import", str(SAMPLE), "--expires", "30d")

        print("\nThe cause is removed (here: the emulator stops refusing). Only what was refused is sent again.")
        emulator.faults.clear()
        second = terminal.branch_on("retry", terminal.newest_run())

        print(f"\nThe emulated tenant now holds {len(emulator.rows())} indicators.")
    return 0 if (first, second) == ((1, "partial"), (0, "succeeded")) else 1


def _environment(emulator: Emulator, home: str) -> dict[str, str]:
    """Leave out what points at a real tenant."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DEFENDER_")}
    return {**kept, **emulator.environment(), "DEFENDER_INDICATORS_HOME": home}


class _Terminal:
    """The command line, as somebody would use it who is connected to the emulator."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def branch_on(self, *arguments: str) -> tuple[int, str]:
        """Run a command, then do what a playbook does: look at one word."""
        print(f"\n$ defender-indicators {' '.join(arguments)}", flush=True)
        code = self._run(*arguments).returncode
        outcome = str(self._ask("show", self.newest_run(), "--json")["outcome"])
        print(f"exit code {code}, outcome: {outcome} -> {BRANCHES[outcome]}")
        return code, outcome

    def newest_run(self) -> str:
        """Return the id of the newest run."""
        return str(self._ask("runs", "--json")["runs"][-1]["run_id"])

    def _ask(self, *arguments: str) -> Any:
        return json.loads(self._run(*arguments, stdout=subprocess.PIPE).stdout)

    def _run(self, *arguments: str, stdout: int | None = None) -> subprocess.CompletedProcess[bytes]:
        command = Path(sys.executable).with_name("defender-indicators")
        return subprocess.run([command, *arguments], env=self._environment, stdout=stdout, check=False)


if __name__ == "__main__":
    sys.exit(main())
