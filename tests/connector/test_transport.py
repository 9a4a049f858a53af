import gc
import socket
import ssl
import threading
import time
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from defender_indicators.delivery.answer import Call, Failure
from defender_indicators.errors import ConfigurationError
from defender_indicators.pack.content import content_root

IMPORT = "/api/indicators/import"


def post(http, url, body=b'{"Indicators":[]}'):
    return http.exchange("POST", url + IMPORT, {"Authorization": "Bearer x"}, body)


def test_a_complete_answer_comes_back_whole(serve, faults, http):
    server = serve(faults.answer(b'{"value":[1]}', b"HTTP/1.1 400 Bad\r\nX-A: 1\r\nX-A: 2\r\n"))
    answer = post(http(), server.url)
    assert (answer.status, answer.failure, answer.body) == (400, None, b'{"value":[1]}')
    assert answer.headers["x-a"] == "1, 2"
    assert server.hits[0].endswith(b'\r\n\r\n{"Indicators":[]}')


def test_case_001_a_name_that_does_not_resolve_was_not_sent(http, monkeypatch):
    def fail(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    answer = post(http(), "https://nonexistent.invalid")
    assert answer.failure is Failure.NOT_SENT
    assert "nonexistent.invalid" in answer.detail


def test_case_002_a_refused_connection_was_not_sent(http):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    answer = post(http(), f"https://127.0.0.1:{port}")
    assert answer.failure is Failure.NOT_SENT
    assert "refused" in answer.detail


def test_case_003_an_address_that_does_not_answer_was_not_sent(faults, http):
    listener, fillers = faults.unanswered_port()
    started = time.monotonic()
    answer = post(http(connect_timeout=0.2), f"https://127.0.0.1:{listener.getsockname()[1]}")
    assert answer.failure is Failure.NOT_SENT
    assert 0.15 < time.monotonic() - started < 0.5
    for each in [listener, *fillers]:
        each.close()


def test_case_004_a_wrong_host_name_is_fatal_and_says_what_to_do(serve, faults, http, authority):
    server = serve(faults.answer(), faults.server_context(authority, "other.example"))
    answer = post(http(), server.url)
    assert answer.failure is Failure.FATAL
    assert "127.0.0.1" in answer.detail
    assert "--ca-bundle" in answer.detail
    assert server.hits == []


def test_case_005_an_unknown_authority_is_fatal_not_a_connection_error(serve, faults, http):
    server = serve(faults.answer(), faults.server_context(trustme.CA()))
    answer = post(http(), server.url)
    assert answer.failure is Failure.FATAL
    assert "DEFENDER_CA_BUNDLE" in answer.detail
    assert server.hits == []


def test_case_006_an_expired_certificate_shows_our_own_clock(serve, faults, http, authority, clock):
    past = datetime.now(UTC) - timedelta(days=1)
    old = faults.server_context(authority, not_before=past - timedelta(days=9), not_after=past)
    server, good = serve(faults.answer(), old), serve(faults.answer(head=faults.HEAD + _date(clock, 3600)))
    client = http()
    post(client, good.url)
    answer = post(client, server.url)
    assert answer.failure is Failure.FATAL
    assert f"{clock.now():%Y-%m-%d}" in answer.detail
    assert "3600 s off" in answer.detail


def _date(clock, ahead):
    when = clock.now() + timedelta(seconds=ahead)
    return f"Date: {when:%a, %d %b %Y %H:%M:%S} GMT\r\n".encode()


def test_case_007_plain_http_on_the_tls_port_is_fatal(serve, http):
    def plain(connection, server):
        connection.recv(64)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    server = serve(plain, None)
    answer = post(http(), server.url.replace("http://", "https://"))
    assert answer.failure is Failure.FATAL


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
def test_case_008_a_server_with_old_tls_only_is_fatal(serve, faults, http, authority, version):
    with pytest.warns(DeprecationWarning, match="deprecated"):
        context = faults.server_context(authority, maximum=ssl.TLSVersion[version])
    server = serve(faults.answer(), context)
    answer = post(http(), server.url)
    assert answer.failure is Failure.FATAL
    assert server.hits == []


def test_case_009_nothing_turns_verification_off(serve, faults, http, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent")
    monkeypatch.setenv("CURL_CA_BUNDLE", "/nonexistent")
    assert post(http(), serve(faults.answer()).url).status == 200
    assert post(http(ca_bundle=""), serve(faults.answer()).url).failure is Failure.FATAL
    root = content_root()
    sources = [*(root / "src").rglob("*.py"), *(root / "connectors").glob("*.py")]
    suspects = ("verify=False", "CERT_NONE", "check_hostname = False", "_create_unverified", "InsecureRequest")
    found = [f"{file}: {text}" for file in sources for text in suspects if text in file.read_text("utf-8")]
    assert found == []


def test_a_bundle_that_holds_no_certificates_is_a_configuration_error(http, tmp_path):
    (tmp_path / "empty.pem").write_text("nothing")
    for path in (tmp_path / "empty.pem", tmp_path / "missing.pem"):
        with pytest.raises(ConfigurationError, match=r"\.pem: not usable as CA bundle.*--ca-bundle"):
            http(ca_bundle=str(path))


@pytest.mark.parametrize(("status", "failure"), [(407, "FATAL"), (403, "FATAL"), (502, "NOT_SENT"), (503, "NOT_SENT")])
def test_case_010_a_proxy_that_refuses(serve, faults, http, status, failure):
    target, proxy = serve(faults.answer()), serve(faults.proxy(status), None)
    answer = post(http(proxy=f"http://user:proxy-password@127.0.0.1:{proxy.port}"), target.url)
    assert answer.failure is Failure[failure]
    assert str(status) in answer.detail
    assert "proxy-password" not in answer.detail
    assert target.hits == []


def test_case_010_a_dead_proxy_was_not_sent_and_a_good_one_carries_the_call(serve, faults, http):
    target = serve(faults.answer())
    with socket.create_server(("127.0.0.1", 0)) as closed:
        dead = closed.getsockname()[1]
    assert post(http(proxy=f"http://127.0.0.1:{dead}"), target.url).failure is Failure.NOT_SENT
    good = serve(faults.proxy(), None)
    assert post(http(proxy=f"http://127.0.0.1:{good.port}"), target.url).status == 200
    assert (len(good.hits), len(target.hits)) == (1, 1)


def test_case_011_a_proxy_of_the_environment_needs_a_word_from_the_configuration(serve, faults, http, monkeypatch):
    target, proxy = serve(faults.answer()), serve(faults.proxy(), None)
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert post(http(), target.url).status == 200
    assert proxy.hits == []
    assert post(http(proxy="env"), target.url).status == 200
    assert len(proxy.hits) == 1
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert post(http(proxy="env"), target.url).status == 200
    assert len(proxy.hits) == 1


def test_a_netrc_file_does_not_replace_the_token(serve, faults, http, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server = serve(faults.answer())
    post(http(), server.url)
    assert b"Authorization: Bearer x" in server.hits[0]


@pytest.fixture
def lost(serve, http):
    """lost(fault): what has begun to leave and got no whole answer is lost, whatever the exception was called."""

    def check(fault):
        server = serve(fault)
        answer = post(http(), server.url, b"x" * 400_000)
        assert (answer.status, answer.failure) == (0, Failure.LOST)
        assert answer.detail
        assert len(server.hits) <= 1

    return check


@pytest.fixture
def cut(serve, http):
    """cut(fault): the call ends at its deadline."""

    def check(fault):
        server = serve(fault)
        started = time.monotonic()
        answer = post(http(deadline=0.4), server.url)
        assert 0.35 < time.monotonic() - started < 0.9
        assert (answer.status, answer.failure, answer.detail) == (0, Failure.LOST, "no complete answer within 0.4 s")

    return check


def test_case_012_a_reset_before_the_body_was_read_is_lost(faults, lost):
    lost(faults.rst_before_body)


def test_case_013_a_reset_after_the_body_is_lost(faults, lost):
    lost(faults.rst_after_body)


def test_case_013_an_end_without_an_answer_is_lost(faults, lost):
    lost(faults.fin_after_body)


def test_case_017_a_header_of_200_kb_is_lost(faults, lost):
    lost(faults.huge_header)


def test_case_017_a_hundred_and_one_headers_are_lost(faults, lost):
    lost(faults.many_headers)


def test_case_017_a_garbage_status_line_is_lost(faults, lost):
    lost(faults.garbage)


def test_case_022_a_body_shorter_than_its_length_is_lost(faults, lost):
    lost(faults.trunc_cl)


def test_case_025_a_bad_chunk_size_is_lost(faults, lost):
    lost(faults.bad_chunk)


def test_case_025_a_missing_last_chunk_is_lost(faults, lost):
    lost(faults.trunc_chunk)


def test_case_025_a_body_that_is_not_gzip_is_lost(faults, lost):
    lost(faults.bad_gzip)


def test_case_014_no_answer_ends_at_the_deadline(faults, cut):
    cut(faults.hang_after_body)


def test_case_015_a_slow_body_ends_at_the_deadline(faults, cut):
    cut(faults.slowloris)


def test_case_015_a_slow_body_without_length_is_not_taken_for_whole(faults, cut):
    cut(faults.slowloris_until_closed)


def test_case_016_slow_headers_end_at_the_deadline(faults, cut):
    cut(faults.slow_headers)


def test_a_deadline_in_the_handshake_was_not_sent(serve, faults, http):
    server = serve(faults.slow_handshake, None)
    started = time.monotonic()
    answer = post(http(connect_timeout=5, deadline=0.3), server.url.replace("http://", "https://"))
    assert time.monotonic() - started < 0.8
    assert answer.failure is Failure.NOT_SENT


@pytest.mark.parametrize("status", [301, 302, 303])
def test_case_018_a_redirect_at_home_is_not_followed(serve, faults, http, status):
    server = serve(faults.redirect(status, "/api/indicators/other"))
    answer = post(http(), server.url)
    assert (answer.status, answer.failure) == (0, Failure.FATAL)
    assert "unexpected redirect to the same host" in answer.detail
    assert [hit[:5] for hit in server.hits] == [b"POST "]


@pytest.mark.parametrize("status", [301, 307, 308])
@pytest.mark.parametrize("scheme", ["https", "http", "file"])
def test_case_019_a_redirect_elsewhere_is_not_followed(serve, faults, http, status, scheme):
    other = serve(faults.answer())
    server = serve(faults.redirect(status, f"{scheme}://127.0.0.1:{other.port}/x"))
    answer = post(http(), server.url)
    assert (answer.status, answer.failure) == (0, Failure.FATAL)
    assert "unexpected redirect to 127.0.0.1; set DEFENDER_API_URL or DEFENDER_AUTHORITY" in answer.detail
    assert (len(server.hits), len(other.hits)) == (1, 0)


def test_case_020_a_connection_closed_between_calls_is_not_noticed(serve, faults, http):
    server, client = serve(faults.close_after_answer), http()
    for _ in range(3):
        assert post(client, server.url).status == 200
        time.sleep(0.03)
    assert post(client, serve(faults.http10).url).status == 200


def test_case_021_a_dead_ipv6_address_does_not_stop_the_call(serve, faults, http):
    server = serve(faults.answer())
    assert post(http(), f"https://localhost:{server.port}").status == 200


def test_case_023_an_answer_cut_without_a_length_is_handed_on_as_it_is(serve, faults, http):
    answer = post(http(), serve(faults.trunc_nocl).url)
    assert (answer.status, answer.failure, answer.body) == (200, None, b'{"valu')


@pytest.mark.parametrize("fault", ["gzip_bomb", "raw_deflate_bomb"])
def test_case_026_a_bomb_is_given_up_at_eight_megabytes(serve, faults, http, fault):
    server, client = serve(getattr(faults, fault)), http(deadline=20)
    received = []
    thread = threading.Thread(target=lambda: received.append(post(client, server.url)))
    gc.collect()
    thread.start()
    while not server.hits:
        time.sleep(0.01)
    time.sleep(0.3)  # the server packs the bomb; only what we allocate is to be seen
    tracemalloc.start()
    thread.join()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert received[0].failure is Failure.LOST
    assert "larger than" in received[0].detail
    assert peak < 32_000_000


def test_an_answer_given_before_the_body_was_read_is_not_success(serve, faults, http):
    answer = post(http(), serve(faults.early_answer).url, b"x" * 5_000_000)
    assert answer.status == 413 or answer.failure is Failure.LOST


def test_four_threads_share_one_client(serve, faults, http):
    server, client, answers = serve(faults.answer()), http(), []
    threads = [
        threading.Thread(target=lambda: answers.extend(post(client, server.url).status for _ in range(10)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 40


def test_no_cookie_is_kept(serve, faults, http):
    server, client = serve(faults.answer(head=faults.HEAD + b"Set-Cookie: a=b; Path=/\r\n")), http()
    post(client, server.url)
    post(client, server.url)
    assert b"Cookie" not in server.hits[1]


def test_headers_name_the_call_and_the_client(serve, faults, connect):
    server = serve(faults.answer())
    connect(server.url, token="t0ken-value").send(Call("POST", IMPORT, b"{}", "batch-7"))
    head = server.hits[0].decode()
    for line in (
        "Authorization: Bearer t0ken-value",
        "client-request-id: batch-7",
        "User-Agent: defender-indicators/",
        "Content-Type: application/json",
        "Accept: application/json",
    ):
        assert line in head


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/api/indicators",
        "http://127.0.0.1:{port}/api/indicators",
        "https://127.0.0.1:1/api/indicators",
        "https://user@127.0.0.1:{port}/api/indicators",
        ".evil.example/x",
        "@evil.example/x",
        "0/x",
        "https://[/x",
    ],
)
def test_case_117_a_link_that_leads_away_is_not_followed(serve, faults, connect, path):
    server = serve(faults.answer())
    answer = connect(server.url, token="t0ken-value").send(Call("GET", path.format(port=server.port)))
    assert answer.failure is Failure.FATAL
    assert "leads away" in answer.detail
    assert server.hits == []


def test_an_absolute_link_to_the_same_origin_is_followed(serve, faults, connect):
    server = serve(faults.answer())
    assert connect(server.url, token="t").send(Call("GET", f"{server.url}/api/indicators?$skip=1")).status == 200
