"""A TAXII 2.1 collection, page by page: read to its end or known to be incomplete."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest

from defender_indicators.clock import SystemClock
from defender_indicators.errors import InputError, TransportError
from defender_indicators.network import Network
from defender_indicators.redaction import Secret
from defender_indicators.sources import taxii
from defender_indicators.sources.feed import Feed, authorization
from defender_indicators.sources.observed import Observed, SourceCutOff
from defender_indicators.sources.taxii import read_taxii

URL = "https://taxii.example.com/api1/collections/91a7b528-80eb-42ed-a74d-c6fbd5a26116/"
GREEN = "marking-definition--22222222-2222-4222-8222-222222222222"


class Page(NamedTuple):
    status: int
    headers: dict
    body: bytes


class Server:
    """Answers in order; an exception in the list is raised."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def __call__(self, url, headers):
        self.asked.append((url, headers))
        answer = self.answers[len(self.asked) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Page) else Page(200, {}, json.dumps(answer).encode())

    def queries(self):
        return [parse_qs(urlsplit(url).query) for url, _ in self.asked]


def indicator(number, **fields):
    pattern = f"[ipv4-addr:value = '203.0.113.{number}']"
    return {"type": "indicator", "id": f"indicator--{number}", "pattern": pattern, "pattern_type": "stix", **fields}


def page(*numbers, **envelope):
    return {"objects": [indicator(number) for number in numbers], **envelope}


def read(server, url=URL, **options):
    return list(read_taxii(server, url, "intel", **options))


def values(readings):
    return [reading.value.rpartition(".")[2] for reading in readings]


def test_one_page_is_a_whole_collection():
    server = Server(page(1, 2))
    assert values(read(server)) == ["1", "2"]
    assert server.asked == [(f"{URL}objects/?limit=1000", {"Accept": "application/taxii+json;version=2.1"})]


@pytest.mark.parametrize("envelope", [{}, {"more": False}, {"objects": [], "more": False, "next": None}])
def test_an_empty_collection_is_complete(envelope):
    assert read(Server(envelope)) == []


def test_pages_are_followed_to_the_end():
    server = Server(page(1, more=True, next="a&b=1"), page(2, more=True, next="c"), page(3, more=False, next="d"))
    readings = read(server)
    assert values(readings) == ["1", "2", "3"]
    assert readings[2].place == "intel page 3: indicator--3"
    assert [query.get("next") for query in server.queries()] == [None, ["a&b=1"], ["c"]]


def test_next_never_leads_to_another_server():
    server = Server(page(1, more=True, next="https://evil.example.com/#"), page(2))
    read(server)
    assert {urlsplit(url)[:3] for url, _ in server.asked} == {urlsplit(f"{URL}objects/")[:3]}


@pytest.mark.parametrize("url", [URL, URL[:-1], f"{URL}objects", f"{URL}objects/", f"{URL}?limit=1&next=x"])
def test_every_spelling_of_the_url_is_understood(url):
    server = Server(page(1))
    read(server, url)
    assert server.asked[0][0] == f"{URL}objects/?limit=1000"


def test_a_filter_in_the_url_is_kept_and_added_after_is_sent():
    server = Server(page(1, more=True, next="n"), page(2))
    read(server, f"{URL}objects/?match[type]=indicator", added_after="2026-01-01T00:00:00Z")
    for query in server.queries():
        assert (query["match[type]"], query["added_after"]) == (["indicator"], ["2026-01-01T00:00:00Z"])


@pytest.mark.parametrize("url", ["https://taxii.example.com/taxii2/", "", "collections/x/", "https://[/collections/x/"])
def test_another_url_is_refused_before_anything_is_fetched(url):
    server = Server()
    with pytest.raises(InputError, match="intel: no URL of a TAXII collection"):
        read(server, url)


def test_every_page_is_asked_for_with_the_secret_as_it_is_now():
    secrets = iter(["one", "two"])
    server = Server(page(1, more=True, next="n"), page(2))
    read(server, authorize=lambda: authorization(Secret(next(secrets))))
    assert [headers["Authorization"] for _, headers in server.asked] == ["Bearer one", "Bearer two"]


def test_a_definition_of_an_earlier_page_marks_a_later_indicator():
    marking = {"type": "marking-definition", "id": GREEN, "definition": {"tlp": "green"}}
    marked = indicator(1, object_marking_refs=[GREEN])
    (reading,) = read(Server({"objects": [marking], "more": True, "next": "n"}, {"objects": [marked]}))
    assert reading.facts.tlp == "green"


BROKEN = [
    Page(200, {}, b"<html>sign in</html>"),
    Page(206, {}, b"{}"),
    Page(503, {}, b""),
    {"title": "Not now", "error_code": "7"},
    {"objects": {}},
    {"objects": [], "more": "yes"},
    {"objects": [], "next": 3},
    [],
    InputError("taxii.example.com: HTTP 401: wrong password"),
    TransportError("taxii.example.com: no answer"),
]


@pytest.mark.parametrize("answer", BROKEN, ids=range(len(BROKEN)))
def test_a_first_page_that_cannot_be_had_is_an_error(answer):
    with pytest.raises((InputError, TransportError)) as caught:
        read(Server(answer))
    assert not isinstance(caught.value, SourceCutOff)


@pytest.mark.parametrize("answer", BROKEN, ids=range(len(BROKEN)))
def test_case_104_a_later_page_that_cannot_be_had_cuts_the_source_off(answer):
    readings = read_taxii(Server(page(1, more=True, next="n"), answer), URL, "intel")
    assert isinstance(next(readings), Observed)
    with pytest.raises(SourceCutOff, match="1 pages were read, the rest is missing"):
        next(readings)


@pytest.mark.parametrize(
    ("pages", "why"),
    [
        ([page(1, more=True)], "names no next page"),
        ([page(1, more=True, next="")], "names no next page"),
        ([page(1, more=True, next="a"), page(2, more=True, next="a")], "names a page again"),
        ([page(1, more=True, next=f"{number}") for number in range(5)], "more than 4 pages"),
    ],
    ids=["none", "empty", "repeated", "endless"],
)
def test_case_104_more_without_an_end_cuts_the_source_off(pages, why, monkeypatch):
    monkeypatch.setattr(taxii, "MOST_PAGES", 4)
    readings = read_taxii(Server(*pages), URL, "intel")
    with pytest.raises(SourceCutOff, match=why):
        list(readings)


@pytest.fixture
def loopback():
    """Yield the URL of a server with 25 objects in pages of 10 behind the password ``s3cret``."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            allowed = self.headers["Authorization"] == "Basic dXNlcjpzM2NyZXQ="
            start = int(parse_qs(urlsplit(self.path).query).get("next", ["0"])[0])
            envelope = page(*range(start, min(start + 10, 25)), more=start < 20, next=str(start + 10))
            body = json.dumps(envelope).encode() if allowed else b"{}"
            self.send_response(200 if allowed else 401)
            self.send_header("Content-Type", "application/taxii+json;version=2.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/api/collections/1/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_collection_is_read_over_http(loopback):
    feed = Feed(Network(), SystemClock(), allow_loopback=True)
    secret = Secret("s3cret")
    try:
        readings = list(read_taxii(feed.get, loopback, "intel", authorize=lambda: authorization(secret, "user")))
        with pytest.raises(InputError, match="401"):
            list(read_taxii(feed.get, loopback, "intel"))
    finally:
        feed.close()
    assert values(readings) == [str(number) for number in range(25)]
