"""Reading rows of one value back, through the real connector."""

import pytest

from defender_indicators import lookup
from defender_indicators.errors import AuthorizationError, InputError, ServerError, TransportError
from defender_indicators.pack import run_action

HASH = "ab" * 32
BLOCK = {"indicatorType": "DomainName", "action": "Block", "title": "T", "description": "D"}


@pytest.fixture
def get(pack, live, monkeypatch):
    monkeypatch.setattr(live.stop, "sleep", lambda _: True)
    return lambda **inputs: run_action(pack, "get_indicator", inputs, live)


def test_every_row_of_a_value_is_found_with_action_and_scope(get, emulator):
    rows = [
        {"indicatorValue": "a.example.com"},
        {"indicatorValue": "a.example.com", "action": "Allowed", "rbacGroupNames": ["Servers"]},
        {"indicatorValue": "b.example.com"},
    ]
    emulator.add_rows([BLOCK | row for row in rows])
    found = get(value="a.example.com")
    assert found["found"] == 2
    assert [(row["action"], row["scope"]) for row in found["indicators"]] == [("Block", ""), ("Allowed", '["Servers"]')]


@pytest.mark.parametrize(
    ("kind", "stored", "asked"),
    [
        ("DomainName", "login.example.com", "LOGIN[.]example[.]com."),
        ("DomainName", "Login.Example.com", "Login.Example.com"),
        ("FileSha256", HASH.upper(), HASH),
        ("FileSha256", HASH, f" {HASH.upper()} "),
        ("IpAddress", "2001:db8::1", "2001:0db8:0:0:0:0:0:1"),
        ("IpAddress", "2001:db8:0:0:0:0:0:1", "2001:DB8::1"),
        ("Url", "http://a.example.com/it's?x=1&y=%20", "hxxp://A.example.com/it's?x=1&y=%20"),
        ("Url", "http://a.example.com/", "http://a.example.com"),
        ("WebCategory", "Gambling, adult", "Gambling, adult"),
    ],
)
def test_a_value_is_found_in_whatever_usual_spelling_it_is_stored_and_asked_for(get, emulator, kind, stored, asked):
    emulator.add_rows([BLOCK | {"indicatorType": kind, "indicatorValue": stored}])
    emulator.add_rows([BLOCK | {"indicatorValue": "other.example.com"}])
    assert get(value=asked)["found"] == 1


def test_a_hash_costs_two_calls(get, emulator):
    get(value=HASH.upper())
    assert len([arrival for arrival in emulator.arrivals if arrival.endpoint == "list"]) == 2


def test_a_service_that_does_not_mind_case_or_filter_changes_nothing():
    rows = [{"id": n, "action": "Block", "indicatorType": "FileSha256"} for n in range(2)]
    page = {"value": [rows[0] | {"indicatorValue": HASH}, rows[1] | {"indicatorValue": "cd" * 32}]}
    assert [row["id"] for row in lookup.rows_of(HASH, lambda _: page)] == ["0"]


def test_pages_are_followed_to_the_end(pack, start_emulator, open_live):
    emulator = start_emulator(page_size=1)
    emulator.add_rows([BLOCK | {"indicatorValue": "a.example.com", "action": action} for action in ("Block", "Warn")])
    found = run_action(pack, "get_indicator", {"value": "a.example.com"}, open_live(emulator))
    assert [row["action"] for row in found["indicators"]] == ["Block", "Warn"]


def test_a_row_is_found_by_its_id(get, emulator):
    emulator.add_rows([BLOCK | {"indicatorValue": "a.example.com"}])
    assert [row["value"] for row in get(id="1")["indicators"]] == ["a.example.com"]
    assert get(id="2") == {"found": 0, "indicators": []}


@pytest.mark.parametrize("inputs", [{}, {"id": "1", "value": "a.example.com"}, {"id": "x"}, {"value": " "}], ids=repr)
def test_what_is_neither_one_id_nor_one_value_is_an_input_error(get, emulator, inputs):
    with pytest.raises(InputError, match="get_indicator"):
        get(**inputs)
    assert emulator.arrivals == []


def test_a_missing_permission_is_an_error_in_the_services_words(pack, start_emulator, open_live):
    context = open_live(start_emulator(roles=("File.Read.All",)))
    with pytest.raises(AuthorizationError, match=r"GET /api/indicators.*Ti\.ReadWrite\.All") as refused:
        run_action(pack, "get_indicator", {"value": "a.example.com"}, context)
    assert refused.value.status == 403


@pytest.mark.parametrize(
    ("fault", "error"),
    [("500_before", ServerError), ("html", TransportError), ("drop_after", TransportError), ("raw=[]", TransportError)],
)
def test_an_answer_that_is_none_is_an_error_and_never_an_empty_result(get, emulator, fault, error):
    emulator.faults.add(f"{fault}@on:list")
    with pytest.raises(error, match="GET /api/indicators"):
        get(value="a.example.com")


def test_one_bad_answer_is_asked_again(get, emulator):
    emulator.add_rows([BLOCK | {"indicatorValue": "a.example.com"}])
    emulator.faults.add("500_before@on:list@first:1")
    emulator.faults.add("drop_after@on:list@every:2")
    assert get(value="a.example.com")["found"] == 1


@pytest.mark.parametrize("page", [None, {}, {"value": "rows"}], ids=repr)
def test_a_page_without_rows_is_no_proof_of_absence(page):
    with pytest.raises(TransportError, match="no list of rows"):
        lookup.rows_of("a.example.com", lambda _: page)


def test_a_page_that_links_to_itself_ends():
    def read(path):
        asked.append(path)
        return {"value": [], "@odata.nextLink": path}

    asked = []
    assert lookup.rows_of("a.example.com", read) == []
    assert len(asked) == 1
