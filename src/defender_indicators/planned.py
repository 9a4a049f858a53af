"""A plan that shows, as a report, what it would send."""

from __future__ import annotations

from typing import Any

from defender_indicators.clock import Clock
from defender_indicators.delivery import Ledger, Plan, Report
from defender_indicators.delivery.report import DRY_RUN


class Planned(Plan):
    """A plan that can also be shown without being delivered."""

    def __init__(self, *args: Any, clock: Clock, **more: Any) -> None:
        self._clock = clock
        self._ledger: Ledger | None = None
        super().__init__(*args, **more)

    def report(self) -> Report:
        """Return what would be sent as a report in which nothing has been sent."""
        if self._ledger is None:
            self._ledger = Ledger(None)
            self.write(self._ledger, DRY_RUN, self._clock.now().isoformat(timespec="seconds"))
        return Report(self._ledger, DRY_RUN)

    def close(self) -> None:
        """Remove what the plan keeps on disk; its report ends with it."""
        super().close()
        if self._ledger is not None:
            self._ledger.close()
