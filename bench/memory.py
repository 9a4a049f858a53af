"""Peak memory of a dry run over many streamed rows, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.figure import Figure, at_most, sample_row

ROWS = 150_000
SCRIPT = """
import resource, sys
from pathlib import Path
from defender_indicators.cli import main
sys.argv = ["defender-indicators", "import", sys.argv[1], "--dry-run", "--json"]
try:
    main()
finally:
    status = Path("/proc/self/status")
    # Where it can be had: the other figure starts with what the parent had when it forked.
    line = next((line for line in status.open() if line.startswith("VmHWM")), "") if status.exists() else ""
    peak = int(line.split()[1]) * 1024 if line else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(peak, file=sys.stderr)
"""


def figures() -> Iterator[Figure]:
    """Measure a file of one JSON object a line."""
    with tempfile.TemporaryDirectory() as folder:
        few, many = (_peak(Path(folder), rows) for rows in (ROWS // 100, ROWS))
    yield at_most(f"peak memory, dry run of {ROWS:,} streamed rows, MB", many, 100)
    yield Figure("  of it for the rows (against a hundredth of them), MB", f"{many - few:.1f}")


def _peak(folder: Path, rows: int) -> float:
    path = folder / f"{rows}.ndjson"
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(sample_row(number)) + "\n" for number in range(rows))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )
    return int(done.stderr.split()[-1]) / 1e6
