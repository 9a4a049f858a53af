"""The inverse of a run."""

from defender_indicators.planning.rollback import Done, inverse

A, B = "a.example.com", "b.example.com"
BEGAN = "2026-01-01T00:00:00+00:00"


def done(desk, operation, identifier, value, action="Audit", **more):
    row = desk.row(value, action, **more)
    return Done(operation, {**row, "id": identifier} if operation == "delete" else row, identifier)


def born(desk, identifier, value, moment="2026-01-01T00:00:05Z", **more):
    return desk.listed(identifier, value, creationTimeDateTimeUtc=moment, **more)


def of(changes):
    return [(change.kind, change.value, change.id) for change in changes]


def test_case_115_what_the_run_created_goes_by_its_id(desk):
    found = inverse([done(desk, "import", "5", A)], [], desk.snapshot(born(desk, 5, A)), BEGAN)
    assert of(found) == [("delete", A, "5")]


def test_a_row_that_was_there_before_is_not_deleted(desk):
    snapshot = desk.snapshot(born(desk, 5, A, "2025-12-31T23:59:58Z"))
    assert inverse([done(desk, "import", "5", A)], [], snapshot, BEGAN) == []


def test_an_overwritten_row_gets_back_what_an_older_run_said(desk):
    snapshot = desk.snapshot(born(desk, 5, A, "2025-12-01T00:00:00Z", title="new"))
    [change] = inverse(
        [done(desk, "import", "5", A, title="new")], [done(desk, "import", "5", A, title="old")], snapshot, BEGAN
    )
    assert change.kind == "update"
    assert b'"title":"old"' in change.row


def test_what_the_run_deleted_comes_back_without_its_old_id(desk):
    [change] = inverse([done(desk, "delete", "7", B, severity="High")], [], desk.snapshot(), BEGAN)
    assert (change.kind, change.value) == ("add", B)
    assert b'"id"' not in change.row
    assert b'"severity":"High"' in change.row


def test_what_is_gone_or_not_ours_is_left_alone(desk):
    gone = done(desk, "import", "5", A)
    assert inverse([gone], [], desk.snapshot(), BEGAN) == []
    assert inverse([gone], [], desk.snapshot(born(desk, 5, A, by="somebody else")), BEGAN) == []


def test_a_moment_that_cannot_be_read_proves_nothing(desk):
    snapshot = desk.snapshot(born(desk, 5, A, "yesterday"))
    assert inverse([done(desk, "import", "5", A)], [], snapshot, BEGAN) == []


def test_a_replacement_is_undone_as_a_pair(desk):
    acts = [done(desk, "import", "6", A, "Warn"), done(desk, "delete", "5", A)]
    found = inverse(acts, [], desk.snapshot(born(desk, 6, A, action="Warn")), BEGAN)
    assert of(found) == [("delete", A, "6"), ("add", A, "")]
