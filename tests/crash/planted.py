"""Design errors, each put into a running importer; the oracles must notice every one of them."""

from contextlib import contextmanager
from dataclasses import replace

import orjson

from defender_indicators.delivery import classify, control, resume
from defender_indicators.delivery.calls import CallBook
from defender_indicators.delivery.classify import Kind, Verdict
from defender_indicators.delivery.conditions import Conditions
from defender_indicators.delivery.ledger import Ledger, checksum_of
from defender_indicators.delivery.machine import Machine
from defender_indicators.delivery.reconcile import Reconciler
from defender_indicators.delivery.records import NOTHING
from defender_indicators.delivery.settle import Settler
from defender_indicators.planning import prepared
from defender_indicators.planning.capacity import EARLY
from defender_indicators.planning.diff import Diff

_set_batch, _start, _candidates, _hand_out, _recover, _rows = (
    Ledger.set_batch,
    Machine.start,
    Machine._candidates,
    Machine._hand_out,
    CallBook.recover,
    classify._rows,
)


def intent_is_not_written():
    """What is in flight is known in memory only."""

    def set_batch(self, batch_id, **columns):
        if columns.get("state") == "inflight":
            columns["state"] = "pending"
        _set_batch(self, batch_id, **columns)

    Ledger.set_batch = set_batch


def accepted_before_it_is_sent():
    """The verdict is written together with the intent."""

    def set_batch(self, batch_id, **columns):
        if columns.get("state") == "inflight":
            size = len(self.batch(batch_id).positions)
            columns |= {"state": "answered", "accepted": size, "ids": b"[" + b",".join([b'""'] * size) + b"]"}
        _set_batch(self, batch_id, **columns)

    Ledger.set_batch = set_batch


def doubt_is_rebuilt():
    """What was in flight is planned anew after a crash, with other bytes."""

    def start(self):
        for batch in list(self._ledger.batches("state = 'inflight'")):
            body = batch.body.replace(b'"title":"', b'"title":"again ')
            sql = "SELECT positions, notes, after, operation FROM batch WHERE id = ?"
            checksum = checksum_of(*self._ledger.database.execute(sql, (batch.id,)).fetchone(), body)
            _set_batch(self._ledger, batch.id, state="pending", body=body, checksum=checksum)
        _start(self)

    Machine.start = start


def every_send_has_new_bytes():
    """A resend carries a newer payload under the old request id."""

    def hand_out(self, identifier, call, batch):
        if batch and batch.attempts:
            call = replace(call, body=call.body.replace(b'"title":"', b'"title":"again '))
        return _hand_out(self, identifier, call, batch)

    Machine._hand_out = hand_out


def answers_by_index():
    """The service's rows are taken to be in the order of ours."""

    def by_value(rows, values, _):
        return {
            place: classify._row_answer(row, failed=row["isFailed"]) for place, row in enumerate(rows[: len(values)])
        }

    classify._by_value = by_value


def missing_rows_are_accepted():
    """A row that the answer does not name is taken for good."""

    def rows(*arguments):
        verdict = _rows(*arguments)
        places = enumerate(verdict.ids)
        ids = ["" if found is None and place not in verdict.refused else found for place, found in places]
        return replace(verdict, ids=ids)

    classify._rows = rows


def missing_rows_are_forgotten():
    """A row that the answer does not name is dropped."""
    Settler._ask_again = lambda *_: None


def doubt_is_accepted():
    """A call without a trustworthy answer is taken for good."""

    def ambiguous(self, batch, _, now):
        return self._answered(batch, Verdict(Kind.ANSWERED, ids=[""] * len(batch.positions)), now)

    Settler._ambiguous = ambiguous


def slots_die_with_the_process():
    """The limiter forgets at every start what was sent before."""

    def recover(self):
        _recover(self)
        with self._ledger.transaction():
            self._ledger.database.execute("UPDATE call SET ended = 0")

    CallBook.recover = recover


def overtaken_rows_are_sent():
    """An unfinished run is resumed as it was, whatever newer runs have sent."""
    resume._supersede = lambda *_: None


def doubt_of_older_runs_is_no_fence():
    """A newer run goes ahead while an older one still has rows in doubt."""

    def candidates(self, where, order):
        return [] if where.startswith("run <>") else _candidates(self, where, order)

    Machine._candidates = candidates


def lock_is_ignored():
    """Everybody sends at once."""

    @contextmanager
    def sender_lock(*_):
        yield

    control.sender_lock = sender_lock


def conditions_are_ignored():
    """A row is sent whatever became of the one that comes first."""
    Conditions.sift = lambda *_: False


def deletions_in_doubt_are_done():
    """A deletion without a trustworthy answer is taken for good."""

    def in_doubt(self, batch, _, now):
        return self._answered(batch, Verdict(Kind.ANSWERED, ids=batch.row_ids()), now)

    Settler._deletion_in_doubt = in_doubt


def deletions_know_no_lane():
    """What is to be deleted is deleted when its turn has not come."""
    conditions_are_ignored()

    def candidates(self, where, order):
        return [(batch, 0, root) for batch, _, root in _candidates(self, where, order)]

    Machine._candidates = candidates


def _replaced(change):
    """Plan every replacement with its deletions as told, each half for itself."""
    replaced = Diff._replaced

    def planned(self, wanted, ours):
        for each in replaced(self, wanted, ours):
            yield change(each, wanted.position) if each.kind == "clear" else each._replace(after=NOTHING)

    Diff._replaced = planned


def everything_is_deleted_first():
    """A replacement deletes the old row first, whatever it says."""
    _replaced(lambda change, _: change._replace(after=NOTHING, lane=EARLY))


def everything_is_imported_first():
    """A replacement imports the new row first, also beside what allows."""
    _replaced(lambda change, position: change._replace(after=position))


def resumptions_forget_what_comes_first():
    """What is resumed is sent whatever became of the row that comes first."""
    reopened = control.reopen

    def reopen(*arguments, **more):
        conditions_are_ignored()
        reopened(*arguments, **more)

    control.reopen = reopen


def unfinished_runs_are_forgotten():
    """A new sync removes the runs of its set that it finds, with all that they still have to delete."""

    def forget(ledger, kind, set_name):
        for run in ledger.unfinished():
            for table in ("row", "batch"):
                ledger.database.execute(f"DELETE FROM {table} WHERE run = ?", (run.id,))
            ledger.database.execute("DELETE FROM run WHERE id = ?", (run.id,))

    prepared.retire = forget


def absent_rows_are_accepted():
    """A row in doubt that the tenant does not hold is taken for good."""

    def not_there(self, batch, places, *, aged):
        taken = {"state": "answered", "accepted": len(places), "ids": orjson.dumps([""] * len(places))}
        self._ledger.put_batches(batch.run, [batch.part(places)], **taken)

    Reconciler._not_there = not_there


def older_syncs_go_on():
    """An older sync still does what a newer one did not ask for."""
    resume._planned_anew = lambda *_: lambda _: ""


def halves_are_left():
    """A sync does not see the old row of a replacement whose new row is there."""
    leaving = Diff._leaving

    def blind(self, one, there):
        seen = any((row["action"], row["scope"]) == (one.action, one.scope) for row in there)
        return [] if seen else leaving(self, one, there)

    Diff._leaving = blind


BUGS = {
    bug.__name__: bug
    for bug in (
        intent_is_not_written,
        accepted_before_it_is_sent,
        doubt_is_rebuilt,
        every_send_has_new_bytes,
        answers_by_index,
        missing_rows_are_accepted,
        missing_rows_are_forgotten,
        doubt_is_accepted,
        slots_die_with_the_process,
        overtaken_rows_are_sent,
        doubt_of_older_runs_is_no_fence,
        lock_is_ignored,
        conditions_are_ignored,
        deletions_in_doubt_are_done,
        deletions_know_no_lane,
        everything_is_deleted_first,
        everything_is_imported_first,
        resumptions_forget_what_comes_first,
        unfinished_runs_are_forgotten,
        absent_rows_are_accepted,
        older_syncs_go_on,
        halves_are_left,
    )
}
