"""A server that misbehaves on purpose, on raw sockets: one function per fault.

A fault is a function of (connection, server); it reads the request with ``server.request(connection)``, which also
remembers it in ``server.hits``, and answers, or not, byte by byte.
"""

import contextlib
import gzip
import socket
import ssl
import struct
import threading
import time
import zlib

OK = b'{"value":[]}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class FaultServer:
    def __init__(self, fault, context=None, host="127.0.0.1"):
        self.hits = []
        self.stopped = threading.Event()
        self._fault, self._context = fault, context
        self._listener = socket.create_server((host, 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._open = []

    def __enter__(self):
        self._threads[0].start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def request(self, connection):
        data = b""
        while b"\r\n\r\n" not in data:
            received = connection.recv(65536)
            if not received:
                return b""
            data += received
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
        )
        while len(body) < length:
            body += connection.recv(65536)
        self.hits.append(head + b"\r\n\r\n" + body)
        return head

    def pause(self, seconds):
        """Wait, but not longer than the server lives."""
        self.stopped.wait(seconds)

    def _accept(self):
        while not self.stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection):
        self._open.append(connection)
        try:
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            self._fault(connection, self)
        except (OSError, ValueError):
            pass
        finally:
            connection.close()


def answer(body=OK, head=HEAD, length=None):
    """Answer properly, on a connection that stays open."""

    def fault(connection, server):
        while server.request(connection):
            size = len(body) if length is None else length
            connection.sendall(head + b"Content-Length: %d\r\n\r\n" % size + body)

    return fault


def raw(*parts, pause=0.0):
    """Answer with these bytes, with a pause between the parts, and close."""

    def fault(connection, server):
        server.request(connection)
        for part in parts:
            connection.sendall(part)
            server.pause(pause)

    return fault


def redirect(status, location):
    return answer(b"", b"HTTP/1.1 %d Moved\r\nLocation: %s\r\n" % (status, location.encode()))


def _reset(connection):
    raw_socket = socket.socket(fileno=connection.detach())
    raw_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw_socket.close()


def rst_before_body(connection, server):
    connection.recv(64)
    _reset(connection)


def rst_after_body(connection, server):
    server.request(connection)
    server.pause(0.02)
    _reset(connection)


def fin_after_body(connection, server):
    server.request(connection)


def hang_after_body(connection, server):
    server.request(connection)
    server.pause(30)


def slowloris(connection, server):
    server.request(connection)
    connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
    while not server.stopped.is_set():
        connection.sendall(b" ")
        server.pause(0.05)


def slowloris_until_closed(connection, server):
    """The same without a length: only the end of the connection ends the answer."""
    server.request(connection)
    connection.sendall(HEAD + b"Connection: close\r\n\r\n" + OK)
    while not server.stopped.is_set():
        connection.sendall(b" ")
        server.pause(0.05)


def slow_headers(connection, server):
    server.request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not server.stopped.is_set():
        connection.sendall(b"a")
        server.pause(0.05)


def slow_handshake(connection, server):
    """Never answers the TLS hello. For a server without a context."""
    connection.recv(64)
    server.pause(30)


huge_header = raw(HEAD + b"X-Huge: " + b"a" * 200_000 + b"\r\nContent-Length: 12\r\n\r\n" + OK)
many_headers = raw(HEAD + b"".join(b"X-%d: a\r\n" % n for n in range(101)) + b"Content-Length: 12\r\n\r\n" + OK)
garbage = raw(b"\x00\x01\x02 garbage \xff\xfe\r\n\r\n")
trunc_cl = raw(HEAD + b"Content-Length: 500\r\n\r\n" + OK)
trunc_nocl = raw(HEAD + b"\r\n" + OK[:6])
valid_prefix_nocl = raw(HEAD + b"\r\n" + OK)
bad_chunk = raw(HEAD + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"val\r\nzz\r\nrest\r\n0\r\n\r\n')
trunc_chunk = raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\nc\r\n" + OK + b"\r\n")
bad_gzip = answer(b"\x1f\x8b\x08\x00 this is not gzip at all", HEAD + b"Content-Encoding: gzip\r\n")
html200 = answer(b"<html>sign in</html>", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n")
plain_error = raw(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def gzip_bomb(connection, server):
    """200 KB that unpack to 200 MB."""
    member = gzip.compress(bytes(20_000_000))
    answer(member * 10, HEAD + b"Content-Encoding: gzip\r\n")(connection, server)


def raw_deflate_bomb(connection, server):
    packer = zlib.compressobj()
    body = packer.compress(bytes(50_000_000)) + packer.flush()
    answer(body, HEAD + b"Content-Encoding: deflate\r\n")(connection, server)


def close_after_answer(connection, server):
    """Promises to keep the connection and closes it."""
    server.request(connection)
    connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(OK) + OK)


def http10(connection, server):
    server.request(connection)
    connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + OK)


def early_answer(connection, server):
    """Answers 413 after the first bytes of the body and closes."""
    connection.recv(64)
    connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    connection.recv(1 << 20)
    server.pause(0.05)


def proxy(status=200):
    """A proxy: refuses CONNECT with ``status``, or for 200 carries bytes to where it is told."""

    def fault(connection, server):
        head = server.request(connection)
        if status != 200:
            connection.sendall(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status)
            return
        host, _, port = head.split()[1].decode().rpartition(":")
        with socket.create_connection((host, int(port))) as onward:
            connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            back = threading.Thread(target=_pump, args=(onward, connection), daemon=True)
            back.start()
            _pump(connection, onward)
            back.join(5)

    return fault


def _pump(source, target):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


def unanswered_port():
    """Return a listening socket whose backlog is full, and the connections that fill it."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fillers = []
    for _ in range(8):
        filler = socket.socket()
        filler.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            filler.connect(listener.getsockname())
        fillers.append(filler)
    time.sleep(0.05)
    return listener, fillers


def server_context(authority, *names, maximum=None, **issue):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if maximum:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = maximum
    authority.issue_cert(*(names or ("localhost", "127.0.0.1")), **issue).configure_cert(context)
    return context
