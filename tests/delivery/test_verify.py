import pytest

from defender_indicators.delivery import Answer
from defender_indicators.delivery.calls import CallBook
from defender_indicators.delivery.health import Health
from defender_indicators.delivery.lister import Lister
from defender_indicators.delivery.verify import Verifier
from defender_indicators.errors import AuthorizationError, InputError, ThrottledError, TransportError


class Script:
    """A transport that answers in turn; the last answer is repeated."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.sign_ins = []
        self.paths = []

    def sign_in(self, *, renew=False, claims=""):
        self.sign_ins.append((renew, claims))

    def send(self, call):
        self.paths.append(call.path)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def delivered(core, make_core):
    """Return a core with three accepted rows and one refused one."""
    made = make_core()
    values = [f"h{number}.example.com" for number in range(4)]
    made.deliver(made.write(core.rows(4)), core.listed(*map(core.accepted, values[:3]), core.refused(values[3])))
    return made


@pytest.fixture
def verify():
    """verify(core, *answers, patient=True) is the verdict, the transport and the seconds slept."""

    def run(made, *answers, patient=True):
        slept = []

        def sleep(seconds):
            slept.append(seconds)
            made.clock.seconds += seconds
            return patient

        book = CallBook(made.ledger, made.clock, made.windows)
        health = Health(made.timing, lambda low, high: high)
        transport = Script(*answers)
        verifier = Verifier(made.ledger, Lister(made.ledger, book, health, made.clock, sleep))
        return verifier.verify("run-0", transport), transport, slept

    return run


def listed(core, *rows, **fields):
    found = [row | {"id": f"id-{place}", "lastUpdateTime": "2026-02-01T00:00:00Z"} for place, row in enumerate(rows)]
    return core.listed(*(row | fields for row in found))


def test_rows_as_they_were_sent_are_fine(core, delivered, verify):
    verdict, transport, _ = verify(delivered, listed(core, *core.rows(3)))
    assert verdict == {
        "schema_version": "1.0",
        "run_id": "run-0",
        "ok": True,
        "total": 4,
        "checked": 3,
        "counts": {"equal": 3, "older": 0, "changed": 0, "absent": 0, "doubled": 0, "deleted": 0, "still_there": 0},
        "rows": [],
    }
    assert transport.sign_ins == [(False, "")]


def test_a_refused_row_is_not_looked_for(core, delivered, verify):
    assert verify(delivered, listed(core, *core.rows(4)))[0]["counts"]["equal"] == 3


def test_what_is_missing_changed_or_doubled_is_named(core, delivered, verify):
    rows = core.rows(3)
    found = listed(core, rows[0], rows[0], rows[1] | {"title": "x"})
    verdict, _, _ = verify(delivered, found)
    assert not verdict["ok"]
    gone = {"deleted": 0, "still_there": 0}
    assert verdict["counts"] == {"equal": 1, "older": 1, "changed": 0, "absent": 1, "doubled": 1} | gone
    assert [(row["index"], row["finding"], row["ids"]) for row in verdict["rows"]] == [
        (0, "doubled", ["id-0", "id-1"]),
        (1, "older", ["id-2"]),
        (2, "absent", []),
    ]
    assert verdict["rows"][2]["value"] == "h2.example.com"


def test_a_run_without_accepted_rows_has_nothing_to_verify(core, make_core, verify):
    made = make_core()
    made.write(core.rows(1))
    with pytest.raises(InputError, match="nothing to read back"):
        verify(made, core.listed())


def test_a_page_that_fails_is_asked_for_again_after_a_pause(core, delivered, verify):
    verdict, transport, slept = verify(delivered, core.LOST, core.SERVER_ERROR, listed(core, *core.rows(3)))
    assert verdict["ok"]
    assert len(transport.paths) == 3
    assert slept == [1.6, 3.2]


def test_a_listing_that_cannot_be_read_to_its_end_proves_nothing(core, delivered, verify):
    with pytest.raises(TransportError, match="HTTP 500; nothing was proved"):
        verify(delivered, core.SERVER_ERROR)


def test_a_listing_that_is_forbidden_names_the_permission(core, delivered, verify):
    with pytest.raises(AuthorizationError, match=r"grant the application Ti\.ReadWrite\.All"):
        verify(delivered, core.error(403, "Forbidden"))


def test_a_401_costs_a_new_token(core, delivered, verify):
    challenge = Answer(401, {"www-authenticate": 'Bearer claims="abc"'})
    verdict, transport, _ = verify(delivered, challenge, listed(core, *core.rows(3)))
    assert verdict["ok"]
    assert transport.sign_ins == [(False, ""), (True, "abc")]


def test_a_429_is_waited_for_as_long_as_it_asks(core, delivered, verify):
    _, _, slept = verify(delivered, Answer(429, {"retry-after": "30"}), listed(core, *core.rows(3)))
    assert slept[0] == 1.6, "the back-off of the page"
    assert sum(slept) == pytest.approx(33.0)


def test_a_stop_while_waiting_ends_it(core, delivered, verify):
    with pytest.raises(ThrottledError, match="stopped while waiting"):
        verify(delivered, core.LOST, patient=False)


def test_a_call_of_another_process_in_flight_is_waited_for(core, delivered, verify):
    delivered.windows["list"] = [type(delivered.windows["import"][0])(1, 60.0)]
    with delivered.ledger.transaction():
        CallBook(delivered.ledger, delivered.clock, delivered.windows).open("list", "other", 0)
    _, _, slept = verify(delivered, listed(core, *core.rows(3)))
    assert slept[0] == 1.0
    assert sum(slept) >= 180.0


def test_listing_takes_slots_of_its_own(core, delivered, verify):
    verify(delivered, listed(core, *core.rows(3)))
    calls = delivered.ledger.database.execute("SELECT endpoint, kind, status FROM call ORDER BY id").fetchall()
    assert calls == [("import", "answered", 200), ("list", "answered", 200)]


@pytest.mark.parametrize("left", [False, True])
def test_a_deleted_row_has_to_be_gone(core, make_core, verify, left):
    made = make_core()
    row = core.there("5", 0)
    made.deliver(made.write_steps(("delete", row, None)))
    verdict, _, _ = verify(made, core.listed(*[row] * left, core.there("6", 0)))
    assert verdict["ok"] is not left
    assert (verdict["checked"], verdict["counts"]["deleted"], verdict["counts"]["still_there"]) == (1, not left, left)
    assert [(each["finding"], each["ids"]) for each in verdict["rows"]] == [("still_there", ["5"])] * left


def test_a_row_that_the_same_run_deleted_later_is_not_missing(core, make_core, verify):
    made = make_core()
    add = core.rows(1)[0]
    made.deliver(made.write_steps(("import", add, None), ("delete", add | {"id": "5"}, 0)))
    verdict, _, _ = verify(made, core.listed(core.there("9", 9)))
    assert (verdict["ok"], verdict["counts"]["deleted"]) == (True, 2)


def test_what_was_replaced_in_place_is_looked_for_once(core, make_core, verify):
    made = make_core()
    old = core.there("5", 0, action="Audit")
    tenant = core.Tenant(old, identity=("indicatorType", "indicatorValue"))
    made.deliver(made.write_steps(("import", core.rows(1)[0], None), ("delete", old, 0)), then=tenant)
    verdict, _, _ = verify(made, core.listed(*tenant.rows.values()))
    assert (verdict["ok"], verdict["checked"]) == (True, 1)
