"""The line that every reading ends with, and how duplicates are found."""

import io
import os
import sqlite3
import subprocess
import sys

import pytest

from defender_indicators.delivery import BadRow
from defender_indicators.errors import InputError, LedgerError
from defender_indicators.sources import Coverage, Dropped, open_source

MEBIBYTE = 2**20


def counted(items, *, unique=False):
    coverage = Coverage()
    return coverage, list(coverage.count(items, lambda row: row.get("value", ""), unique=unique))


def row(value):
    return {"value": value}


def test_the_line_names_everything_that_was_read():
    dropped = [Dropped("f:1", "email", "x", "r")] * 7 + [Dropped("f:2", "mutex", "x", "r")] * 3
    rows = [row(f"v{number}") for number in range(12_301)] + [row("v1")] * 180
    coverage, _ = counted([*rows, *dropped])
    assert str(coverage) == "12,491 read: 12,301 mapped, 180 duplicates, 10 dropped (email 7, mutex 3)"
    coverage.bad = 4
    assert str(coverage).endswith(", 4 unreadable")


def test_only_the_commonest_kinds_are_named():
    coverage, _ = counted([Dropped("f", f"kind {number}", "", "") for number in range(9)])
    assert str(coverage).count("kind ") == 6
    assert str(coverage).endswith(", …)")


def test_what_was_read_is_the_sum_of_what_became_of_it():
    items = [row("a"), row("b"), row("a"), Dropped("f", "email", "", ""), BadRow("f:9", "bad_csv", "why"), row("")]
    coverage, rows = counted(items)
    assert coverage.as_dict() == {"read": 6, "mapped": 3, "duplicates": 1, "bad": 1, "dropped": {"email": 1}}
    assert rows == [item for item in items if not isinstance(item, Dropped)]
    assert (coverage.first_dropped, coverage.first_bad) == ([items[3]], [items[4]])


def test_repeated_rows_are_left_out_where_that_is_wanted_and_the_first_one_stays():
    items = [{"value": "a", "n": 1}, row("b"), {"value": "a", "n": 2}, row(""), row("")]
    _, rows = counted(items, unique=True)
    assert rows == [items[0], items[1], row(""), row("")]


def test_repeats_are_found_across_batches_and_across_the_files_of_a_folder():
    coverage, _ = counted([row(str(number)) for number in range(12_000)])
    again = list(coverage.count([row("5"), row("new")], lambda each: each["value"], unique=True))
    assert again == [row("new")]
    assert coverage.duplicates == 1


def test_only_the_first_thousand_verdicts_are_kept_and_all_are_counted():
    coverage, _ = counted([Dropped("f", "email", "", "")] * 1500 + [BadRow("f", "bad_csv", "")] * 1200)
    assert (len(coverage.first_dropped), len(coverage.first_bad)) == (1000, 1000)
    assert (coverage.dropped["email"], coverage.bad) == (1500, 1200)


def test_what_came_before_an_error_is_handed_on_first():
    def failing():
        yield row("a")
        raise InputError("feed: broken")

    coverage, rows = Coverage(), []
    with pytest.raises(InputError, match="broken"):
        rows.extend(each for each in coverage.count(failing(), lambda each: each["value"]))
    walk = Coverage().count(failing(), lambda each: each["value"])
    assert next(walk) == row("a")
    assert coverage.read == 1


def test_a_full_disk_is_a_clear_error(mocker):
    database = mocker.Mock()
    database.execute.side_effect = [None] * 5 + [sqlite3.OperationalError("database or disk is full")]
    mocker.patch("defender_indicators.sources.coverage.sqlite3.connect", return_value=database)
    with pytest.raises(LedgerError, match=r"disk is full; free space, or set TMPDIR"):
        counted([row("a")])


@pytest.mark.parametrize(
    ("lines", "duplicates"),
    [
        (["evil.example.com", "EVIL[.]example.com.", "evil。example.com"], 2),
        (["https://a.example.com/X", "hxxps://A.example.com/X", "https://a.example.com/x"], 1),
        (["203.0.113.9", "198.51.100.9"], 0),
    ],
)
def test_case_096_spellings_of_one_value_are_one(lines, duplicates):
    with open_source("-", io.BytesIO("\n".join(lines).encode()), chosen="values") as source:
        assert len(list(source.rows)) == len(lines)
    assert source.coverage.duplicates == duplicates


def test_rows_of_one_value_for_other_devices_or_with_another_action_are_no_repeats():
    base = '{"indicatorType":"DomainName","indicatorValue":"a.example.com","action":"%s","rbacGroupNames":%s}'
    lines = [base % ("Block", '["A"]'), base % ("Block", '["B"]'), base % ("Warn", '["A"]'), base % ("Block", '["A"]')]
    with open_source("-", io.BytesIO("\n".join(lines).encode()), unique=True) as source:
        assert len(list(source.rows)) == 3


READS_A_LARGE_TABLE = """
import resource, sys
from itertools import islice
from defender_indicators.sources import open_source

ROWS = int(sys.argv[1])

class Table:
    def __init__(self):
        self.lines, self.left = self.written(), b""

    def written(self):
        yield b"value,description\\n"
        for number in range(ROWS):
            about = b"seen in a campaign whose name is long enough for a line of this size"
            yield b"h%d.example.com,%s %d\\n" % (number % (ROWS - ROWS // 10), about, number)

    def read(self, size):
        while len(self.left) < size and (more := b"".join(islice(self.lines, 500))):
            self.left += more
        data, self.left = self.left[:size], self.left[size:]
        return data

def peak():
    # On Linux the figure of getrusage outlives exec, so that it may be that of whoever started us.
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))

with open_source("-", Table(), chosen="csv", unique=True) as source:
    for number, _ in enumerate(source.rows):
        if number == 10_000:
            before = peak()
print(source.coverage.read, source.coverage.duplicates, peak() - before, peak())
"""


@pytest.mark.timeout(0)
def test_case_106_memory_does_not_grow_with_the_rows():
    """ROUNDS is the number of rows; ten million of them are a table of 1 GB."""
    rows = max(int(os.environ.get("ROUNDS") or 0), 200_000)
    command = [sys.executable, "-c", READS_A_LARGE_TABLE, str(rows)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    read, duplicates, growth, peak = map(int, result.stdout.split())
    assert (read, duplicates) == (rows, rows // 10)
    assert growth < 64 * MEBIBYTE
    assert peak < 200 * MEBIBYTE
