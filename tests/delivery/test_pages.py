import json

import pytest

from defender_indicators.delivery import Answer, Failure
from defender_indicators.delivery.pages import PAGE_BYTES, PAGE_ROWS, SURELY_SHORT, Pages


def page(*rows, following=None):
    body = {"value": rows} | ({"@odata.nextLink": following} if following is not None else {})
    return Answer(200, {}, json.dumps(body).encode())


def rows(count, start=0):
    return [{"id": str(number)} for number in range(start, start + count)]


def walk(*sizes):
    """Return the paths that a service is asked for whose pages have these sizes, and what is left to ask."""
    pages, asked, start = Pages(), [], 0
    for size in sizes:
        asked.append(pages.path.rpartition("=")[2])
        assert pages.take(page(*rows(size, start))) == ("", rows(size, start))
        start += size
    return asked, pages.path.rpartition("=")[2]


def test_the_most_that_the_service_gives_is_asked_for_at_once():
    call = Pages().call()
    assert (call.method, call.path) == ("GET", "/api/indicators?$top=10000&$skip=0")
    assert call.most_bytes == PAGE_BYTES


@pytest.mark.parametrize(
    ("sizes", "left"),
    [
        ((0,), ""),
        ((SURELY_SHORT - 1,), ""),
        ((SURELY_SHORT,), "1000"),
        ((SURELY_SHORT, 0), ""),
        ((PAGE_ROWS,), "10000"),
        ((PAGE_ROWS, 5000), ""),
        ((PAGE_ROWS, PAGE_ROWS), "20000"),
        ((PAGE_ROWS, PAGE_ROWS, 0), ""),
        ((2000, 2000, 2000), "6000"),
        ((2000, 2000, 1999), ""),
        ((2000, 3000), "5000"),
    ],
)
def test_a_page_shorter_than_the_one_before_is_the_last_whatever_the_service_makes_of_top(sizes, left):
    assert walk(*sizes)[1] == left


def test_15000_rows_are_two_calls():
    assert walk(10_000, 5_000) == (["0", "10000"], "")


def test_a_row_that_comes_twice_is_given_once_and_counted():
    pages = Pages()
    assert pages.take(page(*rows(1500)))[1] == rows(1500)
    assert pages.take(page(*rows(500, 1400)))[1] == rows(400, 1500)
    assert pages.total == 2000


def test_what_has_no_id_is_given_as_it_is():
    odd = [None, 5, {}, {}, {"id": []}, {"id": []}, {"id": 5}]
    assert Pages().take(page(*odd, {"id": 5})) == ("", odd)


@pytest.mark.parametrize("following", ["https://api.example/next", ""])
def test_a_link_of_the_service_leads_to_the_next_page(following):
    pages = Pages()
    pages.take(page(*rows(1), following=following))
    assert pages.path == following


def test_a_link_that_is_no_text_is_no_link():
    pages = Pages()
    pages.take(page(*rows(1), following=5))
    assert pages.path == ""


def test_a_link_that_was_followed_already_is_no_page():
    pages = Pages()
    pages.take(page(following="https://api.example/next"))
    problem, found = pages.take(page(*rows(1), following="https://api.example/next"))
    assert "read already" in problem
    assert found == []


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (Answer(failure=Failure.LOST, detail="reset"), "reset"),
        (Answer(failure=Failure.LOST), "lost"),
        (Answer(500), "HTTP 500"),
        (Answer(200, {}, b"<html>"), "not the API's JSON"),
        (Answer(200, {}, b'{"value":[],"value":[]}'), "given twice"),
        (Answer(200, {}, b"[]"), "no list of rows"),
        (Answer(200, {}, b'{"value":{}}'), "no list of rows"),
    ],
)
def test_what_is_no_page_proves_nothing_and_is_asked_for_again(answer, cause):
    pages = Pages()
    path = pages.path
    assert cause in pages.take(answer)[0]
    assert cause in pages.take(answer)[0]
    assert (pages.path, pages.failures) == (path, 2)
    pages.take(page())
    assert (pages.path, pages.failures) == ("", 0)
