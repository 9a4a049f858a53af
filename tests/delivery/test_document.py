import pytest

from defender_indicators.delivery.answer import Answer, Failure
from defender_indicators.delivery.document import document
from defender_indicators.errors import (
    AuthenticationError,
    AuthorizationError,
    ConnectorError,
    RequestRejectedError,
    ServerError,
    ThrottledError,
    TransportError,
)

REFUSED = b'{"error": {"code": "Forbidden", "message": "API required roles: File.Read.All", "target": "c-1"}}'


def test_an_object_is_returned_as_it_is():
    assert document("/api/files/x", Answer(200, {}, b'{"sha1": "a", "n": 1}')) == {"sha1": "a", "n": 1}


def test_nothing_there_is_none():
    assert document("/api/files/x", Answer(404, {}, REFUSED)) is None


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(400, {}, REFUSED), RequestRejectedError),
        (Answer(401, {}, REFUSED), AuthenticationError),
        (Answer(403, {}, REFUSED), AuthorizationError),
        (Answer(405, {}, b""), RequestRejectedError),
        (Answer(429, {}, REFUSED), ThrottledError),
        (Answer(500, {}, REFUSED), ServerError),
        (Answer(503, {"retry-after": "9"}, b""), ServerError),
        (Answer(204, {}, b""), RequestRejectedError),
        (Answer(200, {}, b"<html>"), TransportError),
        (Answer(200, {}, b'{"a": 1, "a": 2}'), TransportError),
        (Answer(200, {}, b"[]"), TransportError),
        (Answer(failure=Failure.LOST, detail="reset"), TransportError),
        (Answer(failure=Failure.FATAL, detail="certificate"), ConnectorError),
    ],
    ids=lambda thing: getattr(thing, "__name__", "") or f"{thing.status}-{thing.body[:4].decode()}",
)
def test_any_other_answer_is_the_error_of_who_must_act(answer, kind):
    with pytest.raises(ConnectorError, match=r"GET /api/files/x: ") as raised:
        document("/api/files/x", answer)
    assert type(raised.value) is kind
    assert raised.value.status == answer.status


def test_the_error_says_what_the_service_said_and_nothing_that_moves_a_cursor():
    with pytest.raises(AuthorizationError, match=r"HTTP 403 Forbidden: API required roles: File\.Read\.All") as raised:
        document("/api/files/\x1b[2J" + "x" * 900, Answer(403, {}, REFUSED))
    assert raised.value.request_id == "c-1"
    assert "\x1b" not in str(raised.value)
    assert len(str(raised.value)) < 300
