"""Plans of replacements and deletions for the crash tests."""

import hashlib
import os
from pathlib import Path

import orjson

from defender_indicators.delivery.records import NewBatch
from defender_indicators.doors import open_context


class Changes:
    """A plan as :class:`Delivery` takes it: a list of [operation, row, position that comes first or None]."""

    idempotency_key = ""

    def __init__(self, steps, batch_rows):
        self.steps, self._rows = steps, batch_rows
        self.hash = self.subject_hash = hashlib.sha256(orjson.dumps(steps)).hexdigest()

    def write(self, ledger, run_id, created):
        """Create the run: what waits for something in a lane behind it."""
        facts = {"subject_hash": self.hash, "retry_of": "", "total": len(self.steps)}
        keys = [(0 if after is None else 1, what) for what, _, after in self.steps]
        with ledger.transaction():
            ledger.put_run(run_id, created, self.hash, max_rows=self._rows, max_bytes=900_000, **facts)
            for lane, what in sorted(set(keys)):
                here = [place for place, key in enumerate(keys) if key == (lane, what)]
                for start in range(0, len(here), self._rows):
                    part = here[start : start + self._rows]
                    after = {str(place): self.steps[place][2] for place in part if self.steps[place][2] is not None}
                    rows = [orjson.dumps(self.steps[place][1]) for place in part]
                    ledger.put_batches(run_id, [NewBatch(lane, part, rows, {}, what, after)])


def deliver(path, batch_rows):
    """Carry out the plan in a file; returns the exit code."""
    plan = Changes(orjson.loads(Path(path).read_bytes()), batch_rows)
    with open_context(environ=os.environ) as context:
        return context.delivery.deliver(plan, context.connector).exit_code
