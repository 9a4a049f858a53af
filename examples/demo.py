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
        environment = _environment(emulator, home)
        emulator.faults.add("refuse=refused.example.org")
        emulator.faults.add("reason=The value is on the list of protected domains")
        code, report = _show(environment, "import", str(SAMPLE), "--expires", "30d", "--json")
        first = _branch(code, report) == (1, "partial")

        print("\nThe cause is removed (here: the emulator stops refusing). Only what was refused is sent again.")
        emulator.faults.clear()
        code, report = _show(environment, "retry", report["run_id"], "--json")
        second = _branch(code, report) == (0, "succeeded")

        print(f"\nThe emulated tenant now holds {len(emulator.rows())} indicators.")
    return 0 if first and second else 1


def _environment(emulator: Emulator, home: str) -> dict[str, str]:
    """Leave out what points at a real tenant."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DEFENDER_")}
    return {**kept, **emulator.environment(), "DEFENDER_INDICATORS_HOME": home}


def _show(environment: Mapping[str, str], *arguments: str) -> tuple[int, dict[str, Any]]:
    """Run the command line; its tables go to the terminal by way of stderr, its report comes back."""
    command = Path(sys.executable).with_name("defender-indicators")
    print(f"\n$ defender-indicators {' '.join(arguments)}", flush=True)
    run = subprocess.run([command, *arguments], env=environment, stdout=subprocess.PIPE, check=False)
    return run.returncode, json.loads(run.stdout)


def _branch(code: int, report: Mapping[str, Any]) -> tuple[int, str]:
    """Do what a playbook does: look at one word."""
    outcome = str(report["outcome"])
    print(f"\nexit code {code}, outcome: {outcome} -> {BRANCHES[outcome]}")
    return code, outcome


if __name__ == "__main__":
    sys.exit(main())
