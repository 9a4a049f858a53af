"""One of several processes: imports COUNT rows from START on, BATCH a call, and prints what became of them."""

import json
import os
import sys
from dataclasses import replace

from defender_indicators.delivery import limiter
from defender_indicators.doors import open_context
from defender_indicators.pack import run_action

start, count, batch, scale, key = sys.argv[1:]
limiter.PACE_START *= float(scale)  # the minute of the test is shorter
row = {"indicatorType": "FileSha256", "action": "Block", "title": "Loader", "description": "A test."}
rows = [{"indicatorValue": f"{number:060x}feed", **row} for number in range(int(start), int(start) + int(count))]
reasons = set()
with open_context(environ=os.environ) as mine:
    mine.product = replace(mine.product, batch_rows=int(batch))
    mine.progress = lambda now: reasons.add(now.waiting_reason)
    report = run_action(mine.pack, "import_indicators", {"indicators": rows, "idempotency_key": key}, mine)
    found = {"run_id": report["run_id"], "outcome": report["outcome"], "calls": report["calls"]}
    json.dump(found | {"counts": report["counts"], "pid": os.getpid(), "reasons": sorted(reasons)}, sys.stdout)
