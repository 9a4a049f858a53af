"""Ratios taken side by side in one run. `make bench`; absolute times differ between machines, the ratios hardly do."""

from __future__ import annotations

import sys

from bench import calls, cpu, feeds, guarding, memory, planning, sharing, startup, stix_mapping

PARTS = (
    startup.figures,
    cpu.figures,
    feeds.figures,
    stix_mapping.figures,
    guarding.figures,
    planning.figures,
    memory.figures,
    calls.figures,
    sharing.figures,
)


def main() -> int:
    """Print every figure beside its target; return 0 always: a missed target is a finding, not a failed build."""
    print(f"{'figure':<66}{'measured':>14}{'target':>12}", flush=True)
    for part in PARTS:
        for figure in part():
            mark = "" if figure.met else "   MISSED"
            print(f"{figure.name:<66}{figure.shown:>14}{figure.target:>12}{mark}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
