"""Time as an argument: every module that needs a clock is handed one.

Two readings are kept apart. ``now`` is the calendar (expiry, reports); it may jump. ``boottime`` only ever
advances while the machine is up, suspended or not; windows, back-off and deadlines are measured with it.
"""

from __future__ import annotations

import subprocess
import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Protocol

_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock(Protocol):
    """What the runtime needs to know about time."""

    def now(self) -> datetime:
        """Return the calendar time, in UTC."""

    def boottime(self) -> float:
        """Return seconds since boot, suspend included; never jumps."""

    def boot_id(self) -> str:
        """Return a name of this boot: boot times of different boots cannot be compared."""


class SystemClock:
    """The clocks of this machine."""

    def now(self) -> datetime:
        """Return the calendar time, in UTC."""
        return datetime.now(UTC)

    def boottime(self) -> float:
        """Return seconds since boot, suspend included."""
        return time.clock_gettime(_BOOT_CLOCK)

    def boot_id(self) -> str:
        """Return the kernel's name of this boot."""
        return _boot_id()


@cache
def _boot_id() -> str:
    linux = Path("/proc/sys/kernel/random/boot_id")
    if linux.exists():
        return linux.read_text(encoding="ascii").strip()
    macos = subprocess.run(
        ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"], capture_output=True, text=True, check=True
    )
    return macos.stdout.strip()
