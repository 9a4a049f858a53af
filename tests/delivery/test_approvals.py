from datetime import timedelta

import pytest

from defender_indicators.delivery import approvals, events
from defender_indicators.delivery.plan import Plan
from defender_indicators.delivery.resume import reopen
from defender_indicators.errors import InputError
from defender_indicators.guard import Hold


@pytest.fixture
def made(make_core):
    return make_core()


@pytest.fixture
def held_run(core, made):
    """held_run(hold, …): a run whose rows are held for these reasons, one each."""

    def make(*holds, **more):
        reasons = iter(holds)
        run = made.write(core.rows(len(holds)), guard=lambda _: next(reasons), author="ann", **more)
        return made.ledger.run(run)

    return make


LISTED = Hold("warninglist", 'on the warninglist "Top 1000" as example.com')
ALLOWED = Hold("allowed_action", "action Allowed")
NEVER = Hold("never_block", "sign-in", hard=True)


def test_case_112_an_approval_counts_for_a_day_and_for_one_plan(made):
    now = made.clock.now()
    given = approvals.approve(made.ledger, "hash", "bob", "looked at it", now)
    assert approvals.approved(made.ledger, "hash", now) == given
    assert approvals.approved(made.ledger, "hash", now + timedelta(hours=24, seconds=-1)) == given
    assert approvals.approved(made.ledger, "hash", now + timedelta(hours=24)) is None
    assert approvals.approved(made.ledger, "hash", now - timedelta(seconds=1)) is None
    assert approvals.approved(made.ledger, "edited", now) is None


def test_the_approval_that_lasts_longest_counts(made):
    now = made.clock.now()
    approvals.approve(made.ledger, "hash", "bob", "a", now, hours=1)
    approvals.approve(made.ledger, "hash", "cid", "b", now, hours=30)
    again = approvals.approve(made.ledger, "hash", "bob", "c", now, hours=48)
    assert approvals.approved(made.ledger, "hash", now + timedelta(hours=2)) == again
    assert again.why == "c"


def test_case_113_the_author_does_not_approve_where_somebody_else_has_to(made):
    now = made.clock.now()
    with pytest.raises(InputError, match="ann approves what ann planned"):
        approvals.approve(made.ledger, "hash", "ann", "mine", now, author="ann", approver_differs=True)
    assert list(events.events(made.ledger.database)) == []
    approvals.approve(made.ledger, "hash", "ann", "mine", now, author="ann")
    assert approvals.approved(made.ledger, "hash", now, author="ann")
    assert approvals.approved(made.ledger, "hash", now, author="ann", approver_differs=True) is None
    other = approvals.approve(made.ledger, "hash", "bob", "seen", now, author="ann", approver_differs=True)
    assert approvals.approved(made.ledger, "hash", now, author="ann", approver_differs=True) == other


def test_an_approval_needs_a_reason(made):
    with pytest.raises(InputError, match="--why"):
        approvals.approve(made.ledger, "hash", "bob", "  ", made.clock.now())


def test_an_approval_and_its_use_are_in_the_audit_log(made, held_run):
    run = held_run(ALLOWED)
    given = approvals.approve(made.ledger, run.plan_hash, "bob", "looked", made.clock.now(), author="ann")
    reopen(made.ledger, run, released=True, beside=lambda: approvals.use(made.ledger, given, run.id, made.clock.now()))
    created, gave, used = events.events(made.ledger.database)
    assert created.to_dict()["details"]["held"] == {"allowed_action": 1}
    assert (gave.what, gave.actor, gave.why) == ("approval given", "bob", "looked")
    assert (used.what, used.actor, used.run) == ("approval used", "bob", run.id)
    assert used.to_dict()["details"]["plan"] == run.plan_hash
    assert made.ledger.counts(run.id) == {"pending": 1}


def test_what_would_be_released_is_counted_by_code_and_list(made, held_run):
    run = held_run(LISTED, ALLOWED, LISTED, NEVER)
    assert approvals.releasable(made.ledger, run) == {("warninglist", "Top 1000"): 2, ("allowed_action", ""): 1}


def test_a_hard_hold_is_not_released_and_says_so(made, held_run):
    run = held_run(NEVER, NEVER)
    with pytest.raises(InputError, match=r"no approval releases what is held \(never_block 2\)"):
        approvals.releasable(made.ledger, run)
    reopen(made.ledger, run, released=True)
    assert made.ledger.counts(run.id) == {"held": 2}


def test_where_nothing_is_held_there_is_nothing_to_approve(core, made):
    run = made.ledger.run(made.write(core.rows(1)))
    with pytest.raises(InputError, match="nothing is held"):
        approvals.releasable(made.ledger, run)


def test_a_run_is_found_by_its_id_and_by_the_hash_of_its_plan(made, held_run):
    run = held_run(ALLOWED)
    assert approvals.subject(made.ledger, run.id) == run
    assert approvals.subject(made.ledger, run.plan_hash) == run
    with pytest.raises(InputError, match="not in"):
        approvals.subject(made.ledger, "nothing")


def test_a_plan_held_for_another_reason_has_another_hash(core, made):
    free, one, other = (made.plan(core.rows(1), guard=lambda _, hold=hold: hold) for hold in (None, ALLOWED, LISTED))
    assert isinstance(free, Plan)
    assert len({free.hash, one.hash, other.hash}) == 3
    assert free.subject_hash == one.subject_hash
    braked = made.plan(core.rows(1), brake=lambda _: Hold("too_many_blocks", "many"))
    assert braked.hash != free.hash
