"""Hostile input from seeds: a failure names its seed, and the seed alone replays it."""

import json
import os
import random
import time

import pytest

ROUNDS = int(os.environ.get("ROUNDS") or 1200)
CHUNKS = 4
LIMIT_SECONDS = 1.0

TEXTS = [
    "", " ", "\0", "\ud800", "\udcff", "\ufeff", "\u202e", "\r\n", "\x1b[31m", "a" * 5000, "é" * 300, "null", "NaN",
    "-0", "1e999", "0x1f", "12345e67", "no", "~", "~no-such-user", "/", "..", "::", "::1", "1.2.3.4", "1.2.3.4/32",
    "10.0.0.0/8", "999.1.1.1", "example.com", "hxxp://ex[.]com", "http://[::1", "http://a:99999/", "xn--a.com",
    "*.com", "co.uk", "a" * 64, "0" * 32, "Block", "Allowed", "Audit", "DomainName", "IpAddress", "Url", "FileSha256",
    "2030-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "${HOME}", "{{7*7}}", "=cmd()",
    '"', "'", "\\", "\\u0000",
]  # fmt: skip
TOKENS = [
    b"\0", b"\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"NaN", b"Infinity", b"1e999", b"9" * 5000, b"[" * 3000,
    b"{" * 99, b'{"a":' * 3000, b'"', b"\\", b"\\ud800", b"\\u0022", b",", b":", b"}", b"]", b"\r", b"\n", b"\t",
    b"null", b"true", b"&a", b"*a", b"!!python/object", b"<<:", b"%YAML", b"---\n", b"- ", b"? ", b"#", b"|", b"'",
    b'"value"', b'"indicator"', b'"isFailed"',
]  # fmt: skip
NUMBERS = [0, -1, 1, 2**31, 2**63, 2**64, -(2**63) - 1, 10**400, 1.5, 1e308, float("nan"), float("inf")]


class Hostile(random.Random):
    """Dice that know what hurts."""

    def text(self):
        """Return a text; half of them are known to have hurt somebody."""
        if self.random() < 0.5:
            return self.choice(TEXTS)
        return "".join(
            chr(self.choice((self.randrange(32, 127), self.randrange(0x110000)))) for _ in range(self.randrange(12))
        )

    def value(self, names=(), depth=0):
        """Return what a JSON reader could hand over, and a little more; ``names`` are likely keys."""
        kind = self.randrange(4 if depth > 3 else 6)
        if kind == 0:
            return self.choice([None, True, False, b"bytes", object])
        if kind == 1:
            return self.choice(NUMBERS)
        if kind < 4:
            return self.text()
        inner = [self.value(names, depth + 1) for _ in range(self.randrange(4))]
        if kind == 4:
            return inner
        return {self.choice([*names, self.text()]): each for each in inner}

    def json_value(self, names=()):
        """Return the same, but only what JSON can carry."""
        return json.loads(json.dumps(self.value(names), default=str))

    def mutated(self, data):
        """Return bytes with a few small injuries."""
        for _ in range(self.randrange(1, 5)):
            start = self.randrange(len(data) + 1)
            end = min(len(data), start + self.choice((0, 1, 1, 4, 40)))
            piece = self.choice((b"", self.choice(TOKENS), self.randbytes(self.randrange(8)), data[start:end] * 2))
            data = data[:start] + piece + data[end:]
        return data[: self.randrange(len(data) + 1)] if self.random() < 0.1 else data


@pytest.fixture(scope="session")
def core(load_module):
    """Return the delivery core on virtual time."""
    return load_module("delivery/virtual.py")


@pytest.fixture(params=range(CHUNKS))
def attack(request):
    """attack(function, share) calls function(dice) for every seed; share says how many of the rounds it is worth."""

    def run(function, share=1.0):
        for seed in range(request.param, max(CHUNKS, int(ROUNDS * share)), CHUNKS):
            started = time.process_time()
            try:
                function(Hostile(seed))
            except Exception as error:
                raise AssertionError(f"seed {seed}") from error
            assert time.process_time() - started < LIMIT_SECONDS, f"seed {seed} takes too long"

    return run
