"""Fifteen thousand rows against the emulator, beside a bare loop that checks, records and limits nothing."""

from __future__ import annotations

import math
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msal  # type: ignore[import-untyped]  # it ships no types
import orjson
import requests
from bench.figure import Figure, at_most, exactly, sample_row

from defender_indicators.doors import open_context
from defender_indicators.emulator import Emulator, Settings
from defender_indicators.pack import run_action

ROWS = 15_000
LATENCY = 1.0
IN_FLIGHT = 4


def figures() -> Iterator[Figure]:
    """Measure calls, total time at one second a call, and the price of everything beyond the bare loop."""
    rows = [sample_row(number) for number in range(ROWS)]
    with Emulator(Settings(limits=False)) as emulator:
        bare = min(_bare_loop(emulator, rows) for _ in range(3))
        ours = min(_import(emulator, rows) for _ in range(3))
        yield Figure(f"{ROWS:,} rows, no latency: bare loop, s", f"{bare:.2f}")
        yield Figure("  the pack: checked, recorded, limited, x bare loop", f"{ours / bare:.2f}")
    with Emulator(Settings(), faults=[f"latency={LATENCY}"]) as emulator:
        spent = _import(emulator, rows)
        arrivals = [arrival for arrival in emulator.arrivals if arrival.endpoint == "import"]
        yield exactly(f"calls for {ROWS:,} rows", len(arrivals), ROWS // 500)
        yield exactly("  answered 429", sum(arrival.status == 429 for arrival in arrivals), 0)
        bound = 1.10 * math.ceil(len(arrivals) / IN_FLIGHT) * LATENCY + 0.7
        yield at_most("  total when a call takes 1 s, s", spent, round(bound, 2))


def _import(emulator: Emulator, rows: list[dict[str, Any]]) -> float:
    with tempfile.TemporaryDirectory() as home:
        settings = Path(home) / "configuration.yaml"
        settings.write_text("schema_version: 1\ndefaults:\n  limits: {import: [{calls: 100000, seconds: 60}]}\n")
        environment = {**os.environ, **emulator.environment(), "DEFENDER_INDICATORS_HOME": home}
        start = time.perf_counter()
        with open_context(environ=environment, config=settings if not emulator.settings.limits else None) as opened:
            report = run_action(opened.pack, "import_indicators", {"indicators": rows}, opened)
            if report["outcome"] != "succeeded":
                raise AssertionError(report["counts"])
        return time.perf_counter() - start


def _bare_loop(emulator: Emulator, rows: list[dict[str, Any]]) -> float:
    start = time.perf_counter()
    session = requests.Session()
    session.trust_env, session.verify = False, str(emulator.ca_file)
    application = msal.ConfidentialClientApplication(
        emulator.client_id,
        client_credential=emulator.client_secret,
        authority=f"{emulator.authority}/{emulator.tenant_id}",
        instance_discovery=False,
        http_client=session,
    )
    found = application.acquire_token_for_client(["https://api.securitycenter.microsoft.com/.default"])
    headers = {"Authorization": f"Bearer {found['access_token']}", "Content-Type": "application/json"}
    for first in range(0, len(rows), 500):
        body = orjson.dumps({"Indicators": rows[first : first + 500]})
        answer = session.post(f"{emulator.url}/api/indicators/import", data=body, headers=headers, timeout=30)
        answer.raise_for_status()
    session.close()
    return time.perf_counter() - start
