import gzip
import hashlib
import io
import os
import socket
import ssl
import stat

import pytest
import trustme

from defender_indicators.errors import InputError, LedgerError
from defender_indicators.network import Network
from defender_indicators.redaction import Secret
from defender_indicators.sources.feed import Feed, FeedError, authorization
from defender_indicators.sources.feed_addresses import Reach
from defender_indicators.sources.feed_store import FeedStore
from defender_indicators.sources.lines import Line, numbered_lines
from defender_indicators.sources.observed import SourceCutOff

TEXT = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
LIST = b"203.0.113.1\n203.0.113.2\n203.0.113.3"


class Clock:
    """Stands still."""

    def boottime(self):
        return 1000.0


@pytest.fixture(scope="session")
def faults(load_module):
    return load_module("connector/fault_server.py")


@pytest.fixture(scope="session")
def authority():
    return trustme.CA()


@pytest.fixture
def serve(faults, authority):
    """serve(fault) starts a TLS server whose every answer is the fault; tls=False one without."""
    running = []

    def start(fault, *, tls=True, **options):
        context = faults.server_context(authority) if tls else None
        running.append(faults.FaultServer(fault, context, **options).__enter__())
        return running[-1]

    yield start
    for server in running:
        server.__exit__()


@pytest.fixture
def feed(authority, tmp_path):
    """feed(**options) is a feed that may reach this machine, and remembers in the test's folder."""
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(bundle)
    made = []

    def make(*, store=None, **options):
        options = {"allow_loopback": True, "seconds": 5.0} | options
        network = Network(ca_bundle=str(bundle), connect_timeout=1.0)
        made.append(Feed(network, Clock(), store, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def store(tmp_path):
    return FeedStore(tmp_path / "home" / "feeds")


@pytest.fixture
def resolving(monkeypatch):
    """resolving(name=[address, …]) makes these names resolve, each look-up to the next list when there are several."""

    def make(**names):
        system = socket.getaddrinfo
        answers = {name.replace("_", "."): list(lists) for name, lists in names.items()}

        def look_up(host, port, *rest, **named):
            if host not in answers:
                return system(host, port, *rest, **named)
            lists = answers[host]
            found = lists.pop(0) if len(lists) > 1 else lists[0]
            family = {True: socket.AF_INET6, False: socket.AF_INET}
            return [(family[":" in each], socket.SOCK_STREAM, 6, "", (each, port)) for each in found]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)

    return make


def script(*answers):
    """Answer the first request with the first answer, and so on; the last one for ever."""

    def fault(connection, server):
        waiting = list(answers)
        while server.request(connection):
            head, body = waiting[min(len(server.hits), len(waiting)) - 1]
            connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    return fault


def lines_of(opened):
    return [line.text for line in numbered_lines(io.BufferedReader(opened.stream), "feed") if isinstance(line, Line)]


def test_a_document_comes_back_whole(serve, faults, feed):
    server = serve(faults.answer(b'{"objects": []}'))
    answer = feed().get(f"{server.url}/a.json?key=secret", {"Accept": "application/json"})
    assert (answer.status, answer.body) == (200, b'{"objects": []}')
    assert answer.headers["content-type"] == "application/json"
    assert b"GET /a.json?key=secret HTTP/1.1" in server.hits[0]
    assert b"Accept: application/json" in server.hits[0]


def test_a_feed_is_streamed_from_disk_and_says_its_place_and_extension(serve, faults, feed):
    server = serve(faults.answer(gzip.compress(LIST), TEXT + b"Content-Encoding: gzip\r\n"))
    with feed().open(f"{server.url}/lists/bad.TXT?key=secret") as opened:
        assert opened.stream.read() == LIST
        assert opened.place == f"127.0.0.1:{server.port}/lists/bad.TXT?***"
        assert (opened.extension, opened.is_unchanged) == ("txt", False)


def test_credentials_are_a_bearer_token_or_a_password_and_reach_the_server(serve, faults, feed):
    server = serve(faults.answer(LIST, TEXT))
    feed().get(server.url, authorization(Secret("token-value")))
    assert b"Authorization: Bearer token-value" in server.hits[0]
    assert authorization(Secret("pass"), "user") == {"Authorization": "Basic dXNlcjpwYXNz"}


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("http://feed.example/list", "not https"),
        ("http://127.0.0.1/list", "not https"),
        ("ftp://feed.example/list", "not https"),
        ("file:///etc/passwd", "not https"),
        ("feed.example/list", "not https"),
        ("https://user:hunter22@feed.example/list", "user name or password"),
        ("https://@feed.example/list", "user name or password"),
        ("https:///list", "names no host"),
        ("https://feed.example./list", "ends with a dot"),
        ("https://feed.example:99999/list", "not a URL"),
        ("https://[::1/list", "not a URL"),
        ("https://feed.example/a b", "white space"),
        ("https://feed.example/a\r\nX: y", "white space"),
        ("https://feed.example\\@127.0.0.1/", "white space"),
        ("https://169.254.169.254/latest/meta-data", "not on the internet"),
        ("https://[::1]/list", "not on the internet"),
        ("https://[::ffff:127.0.0.1]/list", "not on the internet"),
        ("https://[64:ff9b::a00:1]/list", "not on the internet"),
        ("https://[2002:a00:1::]/list", "not on the internet"),
        ("https://[fe80::1]/list", "not on the internet"),
        ("https://10.0.0.1/list", "not on the internet"),
        ("https://224.0.0.1/list", "not on the internet"),
        ("https://0.0.0.0/list", "not on the internet"),
        ("https://2130706433/list", "not on the internet"),
        ("https://0x7f.1/list", "not on the internet"),
    ],
)
def test_case_117_a_url_that_must_not_be_fetched_is_refused_before_anything_is_sent(url, cause, feed):
    with pytest.raises(InputError, match=cause) as refused:
        feed(allow_loopback=False).get(url)
    assert "hunter22" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00::1", "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1"],
)
def test_case_117_a_name_must_not_lead_into_this_network(address, feed, resolving):
    resolving(feed_example=[["203.0.113.1", address]])
    with pytest.raises(InputError, match=r"feed\.example is .* not on the internet"):
        feed(allow_loopback=False).get("https://feed.example/list")


def test_case_117_a_second_look_up_of_a_name_changes_nothing(serve, faults, feed, resolving, monkeypatch):
    inside = serve(faults.answer(b"inner secret", TEXT))
    resolving(feed_example=[["203.0.113.1"], ["127.0.0.1"]])
    asked = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: asked.append(address[0]) or _refuse())
    with pytest.raises(InputError, match="cannot be fetched"):
        feed(allow_loopback=False).get(f"https://feed.example:{inside.port}/list")
    assert asked == ["203.0.113.1"]
    assert inside.hits == []


def _refuse():
    raise ConnectionRefusedError(111, "Connection refused")


def test_case_117_tls_is_verified_against_the_name_not_the_address(serve, faults, feed, authority, resolving):
    resolving(feed_example=[["127.0.0.1"]], other_example=[["127.0.0.1"]])
    server = faults.FaultServer(faults.answer(LIST, TEXT), faults.server_context(authority, "feed.example"))
    with server:
        assert feed().get(f"https://feed.example:{server.port}/").body == LIST
        assert b"Host: feed.example" in server.hits[0]
        with pytest.raises(InputError, match=r"TLS to other\.example failed"):
            feed().get(f"https://other.example:{server.port}/")


def test_the_next_address_is_tried_when_one_does_not_answer(serve, faults, feed, authority, resolving):
    resolving(localhost=[["::1", "127.0.0.1"]])
    server = serve(faults.answer(LIST, TEXT))
    assert feed().get(f"https://localhost:{server.port}/").body == LIST


def test_private_networks_are_reached_only_when_allowed_and_link_local_addresses_never():
    private = Reach(allow_private=True)
    for host in ("10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "[fd00::1]", "[::ffff:10.0.0.1]"):
        assert private.check(f"https://{host}/x") == f"{host}/x"
        with pytest.raises(InputError, match="not on the internet"):
            Reach().check(f"https://{host}/x")
    for host in ("169.254.169.254", "127.0.0.1", "[fe80::1]", "0.0.0.0", "[::ffff:169.254.169.254]"):
        with pytest.raises(InputError, match="not on the internet"):
            private.check(f"https://{host}/x")


def test_a_redirect_is_followed_and_its_origin_keeps_the_credentials(serve, faults, feed):
    moved = b"HTTP/1.1 302 Found\r\nLocation: /new\r\n"
    server = serve(script((moved, b""), (TEXT, LIST)))
    assert feed().get(f"{server.url}/old", {"Authorization": "Bearer token-value"}).body == LIST
    assert server.hits[1].startswith(b"GET /new ")
    assert b"Bearer token-value" in server.hits[1]


def test_a_redirect_to_another_host_takes_no_secret_along(serve, faults, feed):
    target = serve(faults.answer(LIST, TEXT))
    server = serve(faults.redirect(302, target.url + "/there"))
    secrets = {"Authorization": "Bearer token-value", "X-Api-Key": "key-value", "Accept": "text/plain"}
    assert feed().get(server.url, secrets).body == LIST
    assert b"token-value" not in target.hits[0]
    assert b"key-value" not in target.hits[0]
    assert b"Accept: text/plain" in target.hits[0]


@pytest.mark.parametrize(
    ("location", "cause"),
    [
        ("http://feed.example/list", "away from https"),
        ("https://169.254.169.254/latest", "not on the internet"),
        ("https://user:pass@feed.example/", "user name or password"),
        ("file:///etc/passwd", "away from https"),
        ("https://[bad", "to nowhere"),
        ("", "to nowhere"),
    ],
)
def test_case_117_every_redirect_is_judged_like_the_first_url(location, cause, serve, faults, feed):
    server = serve(faults.redirect(302, location))
    with pytest.raises(InputError, match=cause):
        feed().get(server.url)


def test_redirects_that_do_not_end_are_given_up(serve, faults, feed):
    server = serve(faults.redirect(302, "/again"))
    with pytest.raises(InputError, match="more than 5 redirects"):
        feed().get(server.url)
    assert len(server.hits) == 6


def test_http_is_for_this_machine_only_and_only_when_allowed(serve, faults, feed):
    server = serve(faults.answer(LIST, TEXT), tls=False)
    assert feed().get(server.url).body == LIST
    with pytest.raises(InputError, match="not https"):
        feed().get("http://feed.example/")


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (401, "wants credentials"),
        (403, "ask its owner"),
        (404, "check the URL"),
        (410, "gone"),
        (418, "check the URL"),
        (429, r"less often \(after 30 s\)"),
        (503, r"try again later \(after 30 s\)"),
        (304, "check the URL"),
    ],
)
def test_a_status_is_one_clear_error_with_a_remedy(status, remedy, serve, feed):
    server = serve(script((b"HTTP/1.1 %d No\r\nRetry-After: 30\r\n" % status, b"")))
    with pytest.raises(FeedError, match=remedy) as refused:
        feed().get(f"{server.url}/list?key=secret-in-query")
    assert refused.value.status == status
    assert str(refused.value).startswith(f"127.0.0.1:{server.port}/list?***: HTTP {status}")


def test_case_104_a_web_page_is_no_feed(serve, faults, feed):
    page = b"\xef\xbb\xbf\n <!DOCTYPE html><title>Sign in</title>"
    server = serve(faults.answer(page, TEXT))
    with pytest.raises(FeedError, match="a web page instead of a feed"):
        feed().get(server.url)
    with pytest.raises(FeedError, match="a web page"), feed().open(server.url):
        pass


def test_case_104_a_feed_cut_off_gives_its_complete_lines_and_then_says_so(serve, faults, feed):
    server = serve(faults.raw(TEXT + b"Content-Length: 5000\r\n\r\n" + LIST))
    with feed().open(server.url) as opened:
        lines = numbered_lines(io.BufferedReader(opened.stream), "feed")
        assert [next(lines).text, next(lines).text] == ["203.0.113.1", "203.0.113.2"]
        with pytest.raises(SourceCutOff, match=r"the connection ended after 35 bytes .* fetch it again"):
            next(lines)


@pytest.mark.parametrize("fault", ["bad_chunk", "trunc_chunk", "bad_gzip"])
def test_case_104_a_broken_body_is_a_source_cut_off(fault, serve, faults, feed):
    server = serve(getattr(faults, fault))
    with pytest.raises(SourceCutOff, match="fetch it again"):
        feed().get(server.url)


def test_a_body_that_never_ends_is_cut_off_by_time(serve, faults, feed):
    for fault in (faults.slowloris, faults.slowloris_until_closed):
        server = serve(fault)
        with pytest.raises(SourceCutOff, match="not complete within"):
            feed(seconds=0.4).get(server.url)


def test_case_104_half_a_line_of_a_feed_cut_off_is_never_handed_on(serve, faults, feed):
    long = b"203.0.113.1\n" * 10_000
    for body, whole in ((LIST, LIST[:24]), (LIST[:5], b""), (long + b"2" * 100_000, long)):
        server = serve(faults.raw(TEXT + b"Content-Length: 5000000\r\n\r\n" + body))
        with feed().open(server.url) as opened:
            assert b"".join(opened.stream.read(8) for _ in range(0, len(whole), 8)) == whole
            with pytest.raises(SourceCutOff):
                opened.stream.read(8)


def test_a_server_that_does_not_answer_is_given_up(serve, faults, feed):
    server = serve(faults.hang_after_body)
    with pytest.raises(InputError, match="no answer within"):
        feed(seconds=0.3).get(server.url)


def test_case_103_what_unpacks_to_more_than_the_limit_is_given_up_while_it_is_read(serve, faults, feed, monkeypatch):
    server = serve(faults.gzip_bomb)
    with pytest.raises(InputError, match="larger than 64 MiB"):
        feed().get(server.url)
    monkeypatch.setattr("defender_indicators.sources.feed.LARGEST_STREAM", 2**20)
    with pytest.raises(InputError, match="larger than 1 MiB"), feed().open(server.url):
        pass


def test_a_proxy_is_used_and_may_lie_in_this_network(serve, faults, authority, tmp_path):
    target = serve(faults.answer(LIST, TEXT))
    proxy = serve(faults.proxy(), tls=False)
    bundle = tmp_path / "bundle.pem"
    authority.cert_pem.write_to_path(bundle)
    feed = Feed(Network(ca_bundle=str(bundle), proxy=proxy.url), Clock(), allow_loopback=True)
    assert feed.get(target.url).body == LIST
    assert proxy.hits[0].startswith(b"CONNECT 127.0.0.1")
    feed.close()


def test_an_unchanged_feed_is_read_from_the_kept_body(serve, feed, store):
    tagged = TEXT + b'ETag: "v1"\r\nLast-Modified: Mon, 01 Jan 2029 00:00:00 GMT\r\n'
    server = serve(script((tagged, LIST), (b"HTTP/1.1 304 Not Modified\r\n", b"")))
    for is_unchanged in (False, True, True):
        with feed(store=store).open(server.url) as opened:
            assert opened.stream.read() == LIST
            assert opened.is_unchanged is is_unchanged
    assert b"If-None-Match" not in server.hits[0]
    assert b'If-None-Match: "v1"' in server.hits[1]
    assert b"If-Modified-Since: Mon, 01 Jan 2029" in server.hits[1]


def test_a_changed_feed_replaces_the_kept_body(serve, feed, store):
    first, second = TEXT + b'ETag: "v1"\r\n', TEXT + b'ETag: "v2"\r\n'
    server = serve(script((first, LIST), (second, b"203.0.113.9"), (b"HTTP/1.1 304 Not Modified\r\n", b"")))
    seen = []
    for _ in range(3):
        with feed(store=store).open(server.url) as opened:
            seen.append(opened.stream.read())
    assert seen == [LIST, b"203.0.113.9", b"203.0.113.9"]


def test_what_is_kept_is_private_and_does_not_show_the_url(serve, faults, feed, store, tmp_path):
    server = serve(faults.answer(LIST, TEXT + b'ETag: "v1"\r\n'))
    url = f"{server.url}/list?key=secret-value"
    with feed(store=store).open(url):
        pass
    folder = tmp_path / "home" / "feeds"
    name = hashlib.sha256(url.encode()).hexdigest()
    assert sorted(path.name for path in folder.iterdir()) == [f"{name}.body", f"{name}.json"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert b"secret-value" not in b"".join(path.read_bytes() for path in folder.iterdir())


@pytest.mark.parametrize("harm", ["body", "note", "open", "link", "missing"])
def test_a_kept_feed_that_cannot_be_trusted_is_downloaded_again(harm, serve, feed, store, tmp_path):
    server = serve(script((TEXT + b'ETag: "v1"\r\n', LIST)))
    with feed(store=store).open(server.url):
        pass
    body = next((tmp_path / "home" / "feeds").glob("*.body"))
    harms = {
        "body": lambda: body.write_bytes(b"203.0.113.66"),
        "note": lambda: body.with_suffix(".json").write_text('{"etag": 1'),
        "open": lambda: body.chmod(0o644),
        "link": lambda: (body.rename(tmp_path / "elsewhere"), body.symlink_to(tmp_path / "elsewhere")),
        "missing": body.unlink,
    }
    harms[harm]()
    with feed(store=store).open(server.url) as opened:
        assert opened.stream.read() == LIST
    assert b"If-None-Match" not in server.hits[1]


def test_a_feed_cut_off_is_not_kept_and_the_good_one_stays(serve, feed, store, faults):
    def fault(connection, server):
        while server.request(connection):
            if len(server.hits) == 1:
                connection.sendall(TEXT + b'ETag: "v1"\r\nContent-Length: %d\r\n\r\n' % len(LIST) + LIST)
                continue
            connection.sendall(TEXT + b'ETag: "v2"\r\nContent-Length: 500\r\n\r\n' + LIST[:12])
            return

    server = serve(fault)
    with feed(store=store).open(server.url):
        pass
    with feed(store=store).open(server.url) as opened, pytest.raises(SourceCutOff):
        lines_of(opened)
    kept = store.recall(server.url)
    assert kept.headers == {"If-None-Match": '"v1"'}
    assert kept.body.read() == LIST
    kept.body.close()


def test_a_feed_without_a_tag_is_not_kept_and_no_draft_stays(serve, faults, feed, store, tmp_path):
    server = serve(faults.answer(LIST, TEXT))
    with feed(store=store).open(server.url) as opened:
        assert opened.stream.read() == LIST
    assert list((tmp_path / "home" / "feeds").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_a_clear_error(serve, faults, feed, tmp_path):
    (tmp_path / "taken").write_text("a file")
    server = serve(faults.answer(LIST, TEXT))
    with pytest.raises(LedgerError, match="a feed cannot be kept there"):
        feed(store=FeedStore(tmp_path / "taken"))._store.draft().__enter__()
    assert server.hits == []


def test_a_disk_that_fills_up_is_a_clear_error(serve, faults, feed, monkeypatch):
    class Full(io.BytesIO):
        name = "/disk/draft"

        def write(self, _):
            raise OSError(28, os.strerror(28))

    monkeypatch.setattr("defender_indicators.sources.feed._nameless", Full)
    server = serve(faults.answer(LIST, TEXT))
    with pytest.raises(LedgerError, match="No space left"), feed().open(server.url):
        pass


def test_an_unknown_authority_names_the_remedy(serve, faults, feed):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with (
        faults.FaultServer(faults.answer(LIST, TEXT), context) as server,
        pytest.raises(InputError, match="--ca-bundle"),
    ):
        feed().get(server.url)
