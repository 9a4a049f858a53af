import pytest

from defender_indicators.delivery import Answer, Failure
from defender_indicators.delivery.calls import CallBook
from defender_indicators.delivery.health import Health
from defender_indicators.delivery.lister import Lister
from defender_indicators.errors import ThrottledError, TransportError

FOUND = Answer(200, {}, b'{"value":[{"id":"1"}]}')


class Script:
    """A transport that answers in turn; the last answer is repeated."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.calls = []
        self.renewals = []

    def sign_in(self, *, renew=False, claims=""):
        self.renewals.append(renew)

    def send(self, call):
        self.calls.append(call)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def lister(make_core):
    """lister(patient=True) is a lister on virtual time."""

    def make(*, patient=True):
        made = make_core()

        def sleep(seconds):
            made.clock.seconds += seconds
            return patient

        health = Health(made.timing, lambda low, high: high)
        return Lister(made.ledger, CallBook(made.ledger, made.clock, made.windows), health, made.clock, sleep), made

    return make


def test_the_list_comes_page_by_page(lister):
    pages = [Answer(200, {}, b'{"value":[{"id":"1"}],"@odata.nextLink":"https://api.example/2"}'), FOUND]
    transport = Script(*pages)
    assert list(lister()[0].rows(transport)) == [[{"id": "1"}], []]
    assert [call.path for call in transport.calls] == ["/api/indicators?$top=10000&$skip=0", "https://api.example/2"]


def test_a_list_that_breaks_off_raises(lister):
    pages = [Answer(200, {}, b'{"value":[],"@odata.nextLink":"https://api.example/2"}'), Answer(500)]
    with pytest.raises(TransportError, match="HTTP 500"):
        list(lister()[0].rows(Script(*pages)))


@pytest.mark.parametrize("passing", [Answer(500), Answer(429), Answer(401), Answer(failure=Failure.NOT_SENT)])
def test_a_read_is_repeated_while_that_can_help(lister, passing):
    transport = Script(passing, FOUND)
    assert lister()[0].read("/api/x", transport) is FOUND
    assert transport.renewals == ([False, True] if passing.status == 401 else [False])


@pytest.mark.parametrize("final", [FOUND, Answer(404), Answer(403), Answer(400)])
def test_an_answer_that_stays_the_same_is_for_the_caller_to_judge(lister, final):
    transport = Script(final)
    assert lister()[0].read("/api/x", transport) is final
    assert len(transport.calls) == 1


def test_a_read_ends_after_three_tries(lister):
    transport = Script(Answer(500))
    assert lister()[0].read("/api/x", transport).status == 500
    assert len(transport.calls) == 3


def test_a_read_counts_by_its_own_limits(lister):
    reader, made = lister()
    made.windows["read"] = [*made.windows["list"]]
    reader.read("/api/x", Script(FOUND), "read")
    assert made.ledger.database.execute("SELECT endpoint FROM call").fetchall() == [("read",)]


def test_whoever_stops_is_not_kept_waiting(lister):
    with pytest.raises(ThrottledError, match="stopped"):
        lister(patient=False)[0].read("/api/x", Script(Answer(500)))
