import pytest

from defender_indicators import delivery, indicators, sources
from defender_indicators.cli import console
from defender_indicators.cli.remedies import known_remedies
from defender_indicators.cli.summary import NOT_YET, SHOWN, show_facts, show_report


@pytest.fixture(autouse=True)
def fresh():
    console.prepare(as_json=False)


def row(index, status, code="", reason="", value="203.0.113.7"):
    return {"index": index, "value": value, "type": "IpAddress", "action": "Block", "status": status, "id": ""} | {
        "code": code,
        "reason": reason,
        "retryable": status == "refused",
        "notes": [],
    }


def report(rows, outcome="partial", run_id="run-1"):
    counts = dict.fromkeys(("accepted", "refused", "rejected", "pending", "unknown"), 0)
    for each in rows:
        counts[each["status"]] += 1
    calls = {"count": 1, "attempts": 1, "seconds_waited": 61.2}
    return {"outcome": outcome, "run_id": run_id, "counts": counts, "results": rows, "calls": calls} | {
        "retry_with": [],
        "plan": {"kind": "import", "hash": "0" * 64},
    }


@pytest.fixture
def shown(capfd):
    """Return a function: a report to what a person sees of it."""

    def show(given):
        show_report(given)
        return capfd.readouterr().out

    return show


def test_says_what_came_of_it_and_how_long_it_waited(shown):
    words = shown(report([row(0, "accepted"), row(1, "refused", "refused_by_service", "no")]))
    assert words.startswith("partial: 1 accepted, 1 refused\nrun run-1: 1 call, 61 s waited\n")


def test_says_that_imported_is_not_yet_enforced(shown):
    words = shown(report([row(0, "accepted")], "succeeded"))
    assert NOT_YET in words
    assert "2 hours for files" in NOT_YET
    assert "48 hours for network" in NOT_YET


def test_promises_nothing_where_nothing_was_accepted(shown):
    assert NOT_YET not in shown(report([row(0, "rejected", "expired")], "failed"))


def test_case_120_a_hostile_value_is_shown_and_obeyed_by_nobody(shown):
    words = shown(report([row(0, "refused", "refused_by_service", "\x1b[2J[red]x", "\u202eevil[/red]")]))
    assert "\\u202eevil[/red]" in words
    assert "\\x1b[2J[red]x" in words
    assert all(line.isprintable() for line in words.split("\n"))


def test_many_failures_are_cut_and_counted(shown):
    words = shown(
        report([row(number, "refused", "refused_by_service", f"no {number};") for number in range(SHOWN + 30)])
    )
    assert f"no {SHOWN - 1};" in words
    assert f"no {SHOWN};" not in words
    assert "…and 30 more" in words


def test_walks_no_further_than_it_shows(shown):
    class Endless(list):
        def __iter__(self):
            yield from (row(number, "refused", "x") | {"notes": ["changed"]} for number in range(SHOWN))
            raise AssertionError("walked on")

    given = report([row(0, "refused", "x")] * (SHOWN + 1))
    given["results"] = Endless()
    assert "…and 1 more" in shown(given)


def test_says_once_what_to_do_about_a_code(shown):
    words = shown(report([row(number, "rejected", "type_not_recognised", "line 7: no hash") for number in range(3)]))
    assert words.count("type_not_recognised: ") == 1


def test_knows_what_to_do_about_every_code():
    assert delivery.CODES.keys() | indicators.CODES.keys() | sources.CODES.keys() == known_remedies().keys()


def test_says_how_to_go_on(shown):
    assert "defender-indicators retry run-1" in shown(report([row(0, "refused", "refused_by_service")], "failed"))
    assert "defender-indicators resume run-1" in shown(report([row(0, "unknown", "no_answer")], "paused"))
    assert "defender-indicators" not in shown(report([row(0, "accepted")], "succeeded"))


def test_a_plan_shows_what_would_be_sent(shown):
    words = shown(
        report([row(number, "pending", value=f"198.51.100.{number}") for number in range(9)], "paused", "dry-run")
    )
    assert words.startswith("dry run, nothing was sent: 9 pending\nwould send 9 rows in 1 call\n")
    assert "198.51.100.4" in words
    assert "198.51.100.5" not in words
    assert "…and 4 more" in words
    assert "resume" not in words


def test_says_what_was_changed_before_sending(shown):
    rows = [row(number, "pending", value=f"h{number}.example.com") | {"notes": ["a", "b"]} for number in range(7)]
    words = shown(report(rows, "paused", "dry-run"))
    changed = words.partition("changed before sending:\n")[2]
    assert changed.splitlines()[1].split() == ["0", "h0.example.com", "a;", "b"]
    assert "h4.example.com" in changed
    assert "h5.example.com" not in changed
    assert changed.endswith("…and more; --json has them all\n")


def test_a_report_without_changes_says_nothing_of_them(shown):
    assert "changed" not in shown(report([row(0, "accepted")], "succeeded"))


def test_the_reason_of_a_stop_is_said_once(capfd):
    class Stopped(dict):
        stopped = "stopped on request"

    show_report(Stopped(report([row(0, "unknown", "no_answer")], "paused")))
    assert capfd.readouterr().out.count("stopped") == 1


def test_facts_are_one_a_line(capfd):
    show_facts({"schema_version": 1, "ok": True, "missing_roles": ["Ti.ReadWrite", "Ti.\x1b"], "skew_seconds": 1.5})
    assert capfd.readouterr().out == "ok: yes\nmissing roles: Ti.ReadWrite, Ti.\\x1b\nskew seconds: 1.5\n"


def test_facts_about_rows_are_a_table(capfd):
    rows = [{"value": f"198.51.100.{number}", "ids": ["7", "8"]} for number in range(SHOWN + 2)]
    show_facts({"ok": False, "counts": {"equal": 3, "absent": 0}, "rows": rows})
    words = capfd.readouterr().out
    assert words.startswith("ok: no\ncounts: 3 equal\n")
    assert "7, 8" in words
    assert words.rstrip().endswith("…and 2 more; --json has them all")


def test_a_comparison_says_what_it_would_change_and_what_room_there_is(shown):
    plan = {
        "kind": "sync",
        "hash": "abcdef0123456789",
        "changes": {"add": 2, "delete": 1, "held": 0},
        "capacity": {
            "limit": 15000,
            "total": 14000,
            "own": 13000,
            "foreign": 1000,
            "total_after": 14001,
            "free_after": 999,
        },
        "coverage": {"line": "3 read: 3 mapped, 0 duplicates, 0 dropped"},
        "cut_off": "feed.json: the connection broke",
    }
    text = shown(report([row(0, "accepted")]) | {"plan": plan})
    assert "plan abcdef012345: 2 add, 1 delete" in text
    assert "tenant: 14,000 of 15,000 rows (13,000 own, 1,000 of others), 14,001 afterwards, 999 free" in text
    assert "source: 3 read" in text
    assert "nothing is deleted: feed.json: the connection broke" in text


def test_held_rows_are_followed_by_how_to_release_them(shown):
    assert "approve run-1, then resume run-1" in shown(report([row(0, "accepted")], "held") | {"counts": {"held": 1}})
