"""One policy, one judge and one good row for every test about indicators."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from defender_indicators.indicators import Canonicaliser, Policy

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def now():
    return NOW


@pytest.fixture(scope="session")
def judge():
    """Judges a row at the start of 2026."""
    return Canonicaliser(Policy(now=NOW))


@pytest.fixture(scope="session")
def make_row():
    """Makes a row that passes; fields set to ``...`` are left out."""

    def make(value="evil.example", kind="DomainName", **fields):
        row = {"indicatorValue": value, "indicatorType": kind, "action": "Allowed", "title": "t", "description": "d"}
        return {name: value for name, value in (row | fields).items() if value is not ...}

    return make


@pytest.fixture(scope="session")
def probes():
    """Type → ``accepted`` (spelling → canonical value) and ``refused`` (spelling → code)."""
    return json.loads(Path(__file__).with_name("probes.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def payload():
    """Returns what would be sent for an indicator."""
    return lambda indicator: json.loads(indicator.payload)
