"""Every fault switch, as a client meets it."""

from __future__ import annotations

import http.client
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from defender_indicators.emulator.faults import NAMES, Faults, parse
from defender_indicators.emulator.faults import __doc__ as page
from defender_indicators.errors import InputError

NETWORK_ERRORS = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


@pytest.mark.parametrize("fault", ["drop_before", "rst", "hang_before=0.05"])
def test_a_call_cut_off_before_it_is_served_changes_nothing(start_emulator, connect, row, fault):
    emulator = start_emulator(faults=[fault])
    with pytest.raises(NETWORK_ERRORS):
        connect(emulator).send(row())
    assert emulator.rows() == []
    assert emulator.arrivals[-1].status == 0


@pytest.mark.parametrize("fault", ["drop_after", "trunc_after", "hang=0.05"])
def test_a_call_cut_off_after_it_was_served_was_applied(start_emulator, connect, row, fault):
    emulator = start_emulator(faults=[fault])
    with pytest.raises(NETWORK_ERRORS):
        connect(emulator).send(row())
    assert len(emulator.rows()) == 1
    assert emulator.arrivals[-1].status == 0


def test_a_reset_is_a_reset(start_emulator):
    emulator = start_emulator(faults=["rst@on:identity"])
    address = emulator.identity_url.removeprefix("http://").split(":")
    # over plain HTTP, because the TLS library reports a reset as an end of file
    connection = http.client.HTTPConnection(address[0], int(address[1]), timeout=9)
    connection.request("GET", "/msi/token")
    with pytest.raises(ConnectionResetError):
        connection.getresponse()
    connection.close()


def test_a_hanging_call_outlasts_the_clients_patience_and_not_the_emulator(start_emulator, connect, row):
    emulator = start_emulator(faults=["hang=60"])
    with pytest.raises(requests.ReadTimeout):
        connect(emulator).send(row(), timeout=0.2)
    before = time.monotonic()
    emulator.stop()
    assert time.monotonic() - before < 2


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("500_before", 500, "InternalServerError"),
        ("500_if=evil.example.com", 500, "InternalServerError"),
        ("status=503", 503, "InternalServerError"),
        ("status=400:InvalidHashValue", 400, "InvalidHashValue"),
        ("status_once=408", 408, "BadRequest"),
        ("403=Forbidden", 403, "Forbidden"),
        ("403=DisabledFeature", 403, "DisabledFeature"),
        ("disallow=evil.example.com", 403, "DisallowedOperation"),
        ("reject_all", 400, "InvalidRequestBody"),
        ("poison=evil.example.com", 400, "InvalidRequestBody"),
        ("poison=1", 400, "InvalidRequestBody"),
        ("retry_after_on_400=5", 400, "BadRequest"),
        ("throttle", 429, "TooManyRequests"),
        ("max_batch=0", 400, "MaximumBatchSizeExceeded"),
    ],
)
def test_a_refused_call_answers_the_documented_envelope_and_changes_nothing(client_of, row, fault, status, code):
    client = client_of(faults=[fault])
    answer = client.send(row())
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert set(answer.json()["error"]) == {"code", "message", "target"}
    assert client.emulator.rows() == []


def test_500_after_was_applied(start_emulator, connect, row):
    emulator = start_emulator(faults=["500_after"])
    assert connect(emulator).send(row()).status_code == 500
    assert len(emulator.rows()) == 1


def test_status_once_passes_the_second_call(start_emulator, connect, row):
    client = connect(start_emulator(faults=["status_once=503;7"]))
    first = client.send(row())
    assert (first.status_code, first.headers["Retry-After"]) == (503, "7")
    assert client.send(row()).status_code == 200


@pytest.mark.parametrize("value", ["0", "-5", "1.5", "soon", "", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_throttle_says_any_retry_after(start_emulator, connect, row, value):
    answer = connect(start_emulator(faults=[f"throttle={value}"])).send(row())
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, value)


def test_throttle_may_say_nothing_or_two_things(start_emulator, connect, row):
    emulator = start_emulator(faults=["throttle@first:1"])
    client = connect(emulator)
    assert "Retry-After" not in client.send(row()).headers
    emulator.faults.add("throttle=1|60")
    assert client.send(row()).headers["Retry-After"] == "1, 60"


@pytest.mark.parametrize(("fault", "said"), [("retry_after=soon", "soon"), ("retry_after=", None)])
def test_retry_after_changes_what_the_limiter_says(start_emulator, connect, row, fault, said):
    client = connect(start_emulator(faults=[fault, "foreign_load=30/min"]))
    answer = client.send(row())
    assert (answer.status_code, answer.headers.get("Retry-After")) == (429, said)


def test_foreign_load_leaves_less_for_us(start_emulator, connect, row):
    client = connect(start_emulator(faults=["foreign_load=20/min"]))
    assert [client.send(row()).status_code for _ in range(11)] == [200] * 10 + [429]


def test_html_is_a_page_with_200(start_emulator, connect, row):
    emulator = start_emulator(faults=["html"])
    answer = connect(emulator).send(row())
    assert (answer.status_code, answer.text[:15]) == (200, "<!DOCTYPE html>")
    assert emulator.rows() == []


def test_raw_is_exactly_the_bytes_given(start_emulator, connect, row):
    emulator = start_emulator(faults=['raw={"value":null}@first:1'])
    client = connect(emulator)
    assert client.send(row()).content == b'{"value":null}'
    emulator.faults.add("raw", b"\xef\xbb\xbf{}")
    assert client.send(row()).content == b"\xef\xbb\xbf{}"
    assert emulator.rows() == []


def test_raw_after_was_applied(start_emulator, connect, row):
    emulator = start_emulator(faults=["raw_after=null"])
    assert connect(emulator).send(row()).content == b"null"
    assert len(emulator.rows()) == 1


def test_empty_405_has_no_body(start_emulator, connect, row):
    answer = connect(start_emulator(faults=["empty_405"])).send(row())
    assert (answer.status_code, answer.content, answer.headers["Allow"]) == (405, b"", "POST")


def test_max_bytes_is_a_413(start_emulator, connect, row):
    client = connect(start_emulator(faults=["max_bytes=200"]))
    assert client.send(row()).status_code == 200
    assert client.send(row(), row()).status_code == 413


def test_max_batch_says_what_is_allowed(start_emulator, connect, rows):
    answer = connect(start_emulator(faults=["max_batch=100"])).send(*rows(101))
    assert "Received: 101, allowed: 100" in answer.json()["error"]["message"]


def test_a_drawn_poison_stays_the_same_row(start_emulator, connect, rows):
    client, batch = connect(start_emulator(faults=["poison=1"])), rows(20)
    assert client.send(*batch).status_code == 400
    halves = {client.send(*batch[:10]).status_code, client.send(*batch[10:]).status_code}
    assert halves == {200, 400}


def test_refused_rows_come_with_200_and_the_chosen_reason(start_emulator, connect, row):
    emulator = start_emulator(faults=["refuse=bad.example.com", "reason=because\x1b[0m"])
    answer = connect(emulator).send(row(), row("bad.example.com"))
    good, bad = answer.json()["value"]
    assert (answer.status_code, good["isFailed"], bad["isFailed"]) == (200, False, True)
    assert (bad["id"], bad["failureReason"]) == (None, "because\x1b[0m")
    assert [stored["indicatorValue"] for stored in emulator.rows()] == ["evil.example.com"]


def test_refuse_all_and_refuse_share(start_emulator, connect, rows):
    emulator = start_emulator(faults=["refuse_all@first:1", "refuse_share=0.5@after:1"])
    client = connect(emulator)
    assert all(result["isFailed"] for result in client.send(*rows(9)).json()["value"])
    refused = [result["isFailed"] for result in client.send(*rows(100)).json()["value"]]
    assert 20 < sum(refused) < 80
    assert refused == [result["isFailed"] for result in client.send(*rows(100)).json()["value"]]


@pytest.mark.parametrize(("fault", "stored"), [("short", 4), ("short_notapplied", 2), ("short=1", 4)])
def test_short_lists_fewer_rows(start_emulator, connect, rows, fault, stored):
    emulator = start_emulator(faults=[fault])
    listed = connect(emulator).send(*rows(4)).json()["value"]
    assert len(listed) == (1 if "=" in fault else 2)
    assert len(emulator.rows()) == stored


def test_shuffle_changes_the_order_and_nothing_else(start_emulator, connect, rows):
    batch = rows(50)
    listed = [
        result["indicator"] for result in connect(start_emulator(faults=["shuffle"])).send(*batch).json()["value"]
    ]
    sent = [one["indicatorValue"] for one in batch]
    assert listed != sent
    assert sorted(listed) == sorted(sent)


def test_dup_adds_repeated_and_unknown_rows(start_emulator, connect, rows):
    listed = [r["indicator"] for r in connect(start_emulator(faults=["dup"])).send(*rows(3)).json()["value"]]
    assert len(listed) == 6
    assert listed[3:5] == listed[:2]
    assert listed[5] == "unknown.example"


def test_canon_spells_values_in_another_way(start_emulator, connect, row):
    emulator = start_emulator(faults=["canon@first:1", "canon=upper@after:1"])
    batch = [row("EVIL.example.com"), row("https://EVIL.example.com/Path", indicatorType="Url"), row("AB" * 32)]
    client = connect(emulator)
    spelt = [result["indicator"] for result in client.send(*batch).json()["value"]]
    assert spelt == ["evil.example.com", "https://evil.example.com/Path", "ab" * 32]
    spelt = [result["indicator"] for result in client.send(*batch).json()["value"]]
    assert spelt == ["EVIL.EXAMPLE.COM.", "https://EVIL.EXAMPLE.COM/Path", "AB" * 32]


@pytest.mark.parametrize("fault", ["lie_once", "lie_once=evil.example.com"])
def test_lie_once_claims_a_row_that_is_not_there(start_emulator, connect, row, fault):
    emulator = start_emulator(faults=[fault])
    client, batch = connect(emulator), (row(), row("other.example.com"))
    assert not any(result["isFailed"] for result in client.send(*batch).json()["value"])
    assert [stored["indicatorValue"] for stored in emulator.rows()] == ["other.example.com"]
    client.send(*batch)
    assert len(emulator.rows()) == 2


def test_expire_token_after_is_a_401_for_that_token_only(start_emulator, connect, row):
    client = connect(start_emulator(faults=["expire_token_after=3"]))
    assert [client.send(row()).status_code for _ in range(4)] == [200, 200, 200, 401]
    assert client.sign_in().send(row()).status_code == 200


def test_claims_wants_a_token_that_answers_the_challenge(start_emulator, connect, row):
    client = connect(start_emulator(faults=["claims"]))
    answer = client.send(row())
    assert answer.status_code == 401
    assert 'error="insufficient_claims"' in answer.headers["WWW-Authenticate"]
    assert client.sign_in(claims='{"access_token":{}}').send(row()).status_code == 200


def test_date_skew_moves_the_services_clock(start_emulator, connect, row, fake_clock):
    emulator = start_emulator(faults=["date_skew=-600"], clock=fake_clock)
    assert connect(emulator).send(row()).headers["Date"] == "Wed, 31 Dec 2025 23:50:00 GMT"


def test_latency_passes_for_all_calls_at_once(start_emulator, connect, row):
    emulator = start_emulator(faults=["latency=0.4,0.05"])
    clients = [connect(emulator) for _ in range(4)]
    before = time.monotonic()
    with ThreadPoolExecutor() as pool:
        statuses = list(pool.map(lambda client: client.send(row()).status_code, clients))
    assert statuses == [200] * 4
    assert 0.34 < time.monotonic() - before < 1.2


def test_capacity_can_be_lowered(start_emulator, connect, rows):
    listed = connect(start_emulator(faults=["capacity=2"])).send(*rows(3)).json()["value"]
    assert [result["isFailed"] for result in listed] == [False, False, True]


def test_chaos_is_the_same_chaos_for_the_same_seed(start_emulator, connect, rows):
    def lived_through(seed):
        emulator = start_emulator(faults=["chaos=0.5"], seed=seed)
        client = connect(emulator)
        for _ in range(25):
            try:
                client.send(*rows(4))
            except NETWORK_ERRORS:
                continue
        return [arrival.faults for arrival in emulator.arrivals if arrival.endpoint == "import"]

    met = lived_through(7)
    assert met == lived_through(7)
    assert met != lived_through(8)
    assert 4 < sum(map(bool, met)) < 21


def test_limits_choose_calls():
    def pattern(spec):
        switch, faults = parse(spec), Faults()
        return "".join("x" if switch.hits("import", faults.dice) else "." for _ in range(6))

    assert pattern("rst@first:2") == "xx...."
    assert pattern("rst@every:3") == "..x..x"
    assert pattern("rst@after:4") == "....xx"
    assert pattern("rst@probability:0") == "......"
    assert pattern("rst@first:2@on:list") == "......"
    assert pattern("rst") == "xxxxxx"


def test_a_fault_can_be_meant_for_another_endpoint(start_emulator, connect, row):
    emulator = start_emulator()
    client = connect(emulator)
    emulator.faults.add("status=503@on:list,token")
    assert client.call("GET").status_code == 503
    assert client.token().status_code == 503
    assert client.send(row()).status_code == 200
    emulator.faults.remove("status")
    assert client.call("GET").status_code == 200


@pytest.mark.parametrize(
    "spec",
    [
        "nonsense",
        "",
        "rst=1",
        "status",
        "status=abc",
        "status=700",
        "latency=slow",
        "foreign_load=many",
        "capacity=x",
        "rst@first:x",
        "rst@on:moon",
        "rst@often:1",
    ],
)
def test_a_fault_nobody_knows_is_refused(spec):
    with pytest.raises(InputError, match=r"^fault '"):
        Faults().add(spec)


def test_every_switch_is_on_the_page():
    assert [name for name in NAMES if name not in page] == []
