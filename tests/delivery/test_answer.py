from dataclasses import FrozenInstanceError

import pytest

from defender_indicators.delivery import Answer, Call, Failure


def test_an_answer_without_arguments_holds_nothing():
    assert Answer() == Answer(status=0, headers={}, body=b"", failure=None, detail="")


def test_two_answers_do_not_share_their_headers():
    assert Answer().headers is not Answer().headers


@pytest.mark.parametrize("frozen", [Answer(), Call("GET", "/")])
def test_what_was_sent_and_what_came_back_cannot_be_changed(frozen):
    with pytest.raises(FrozenInstanceError):
        frozen.body = b"other"


def test_failures_are_told_apart_by_name():
    assert {failure.value for failure in Failure} == {"not_sent", "lost", "garbled", "fatal"}
