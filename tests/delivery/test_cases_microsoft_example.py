"""Microsoft's own example of an import, as its documentation shows it. Source: import-ti-indicators.md."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from defender_indicators.clock import SystemClock

REQUEST = {
    "Indicators": [
        {
            "indicatorValue": "220e7d15b0b3d7fac48f2bd61114db1022197f7f",
            "indicatorType": "FileSha1",
            "title": "Loader of a campaign",
            "application": "demo-test",
            "expirationTime": "2021-12-12T00:00:00Z",
            "action": "Alert",
            "severity": "Informational",
            "description": "First stage, seen in mail.",
            "recommendedActions": "Look at the sender.",
            "rbacGroupNames": ["group1", "group2"],
        },
        {
            "indicatorValue": "2233223322332233223322332233223322332233223322332233223322332222",
            "indicatorType": "FileSha256",
            "title": "Second stage of it",
            "application": "demo-test2",
            "expirationTime": "2021-12-12T00:00:00Z",
            "action": "Alert",
            "severity": "Medium",
            "description": "What the loader fetches.",
            "recommendedActions": "Isolate the device.",
            "rbacGroupNames": [],
        },
    ]
}
FIRST, SECOND = (row["indicatorValue"] for row in REQUEST["Indicators"])


class Calendar(SystemClock):
    """The machine's clock with another date."""

    def __init__(self, start):
        self._ahead = datetime.now(UTC) - start

    def now(self):
        return datetime.now(UTC) - self._ahead


@pytest.fixture
def in_2021(make_world):
    return make_world(clock=Calendar(datetime(2021, 1, 1, tzinfo=UTC)))


def stored(world):
    return {row["indicatorValue"]: row for row in world.emulator.rows()}


def test_the_request_example_is_imported_as_it_stands(in_2021):
    report = in_2021.run(REQUEST["Indicators"], legacy_actions="keep")
    assert report["outcome"] == "succeeded"
    assert report.exit_code == 0
    for row in REQUEST["Indicators"]:
        assert {name: stored(in_2021)[row["indicatorValue"]][name] for name in row} == row


def test_the_legacy_action_of_the_example_is_translated_unless_it_is_to_be_kept(in_2021):
    report = in_2021.run(REQUEST["Indicators"])
    assert [(row["status"], row["action"]) for row in report["results"]] == [("accepted", "Audit")] * 2
    assert all("Alert" in " ".join(row["notes"]) for row in report["results"])
    assert [(row["action"], row["generateAlert"]) for row in stored(in_2021).values()] == [("Audit", True)] * 2


def test_the_fields_of_the_response_example_arrive_in_the_report(in_2021):
    response = [
        {"id": "2841", "indicator": FIRST, "isFailed": False, "failureReason": None},
        {"id": None, "indicator": SECOND, "isFailed": True, "failureReason": "Not this one"},
    ]
    document = {"@odata.context": "https://api.securitycenter.microsoft.com/api/$metadata#…", "value": response}
    report = in_2021.run(REQUEST["Indicators"], f"refuse={SECOND}", ("raw_after", json.dumps(document)))
    shown = [(row["value"], row["id"], row["status"], row["reason"]) for row in report["results"]]
    assert shown == [(FIRST, "2841", "accepted", ""), (SECOND, "", "refused", "Not this one")]


def test_today_both_rows_of_the_example_have_expired(make_world):
    world = make_world(clock=Calendar(datetime.now(UTC) - timedelta(minutes=1)))
    report = world.run(REQUEST["Indicators"])
    assert [(row["status"], row["code"]) for row in report["results"]] == [("rejected", "expired")] * 2
    assert (report["outcome"], report.exit_code) == ("failed", 1)
    assert not world.imports()


def test_the_command_line_reads_the_example_and_says_so_too(world, tmp_path):
    file = tmp_path / "request.json"
    file.write_text(json.dumps(REQUEST))
    done = subprocess.run(
        [sys.executable, "-m", "defender_indicators.cli", "import", str(file), "--json"],
        env=os.environ | world.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert [row["code"] for row in json.loads(done.stdout)["results"]] == ["expired", "expired"]
