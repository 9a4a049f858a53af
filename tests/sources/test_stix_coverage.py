"""A synthetic bundle of every shape of pattern, made from a seed: what names a supported value is mapped."""

import io
import json
import random

from defender_indicators.sources.observed import Observed
from defender_indicators.sources.stix import read_stix

INDICATORS = 600
TYPES = {
    "ipv4-addr:value": "IpAddress",
    "ipv6-addr:value": "IpAddress",
    "domain-name:value": "DomainName",
    "hostname:value": "DomainName",
    "url:value": "Url",
    "network-traffic:dst_ref.value": "IpAddress",
    "network-traffic:src_ref.value": "IpAddress",
    "x509-certificate:hashes.'SHA-1'": "CertificateThumbprint",
    **dict.fromkeys(("file:hashes.MD5", "file:hashes.'MD5'", "file:hashes.md5"), "FileMd5"),
    **dict.fromkeys(("file:hashes.'SHA-1'", "file:hashes.SHA1", "artifact:hashes.SHA-1"), "FileSha1"),
    **dict.fromkeys(("file:hashes.'SHA-256'", 'file:hashes."SHA-256"', "file:hashes.sha256"), "FileSha256"),
}
QUALIFIERS = (
    "",
    "",
    " REPEATS 3 TIMES",
    " WITHIN 300 SECONDS",
    " START t'2026-01-01T00:00:00Z' STOP t'2027-01-01T00:00:00Z'",
)


def value_of(path, dice):
    number = dice.getrandbits(64)
    return {
        "IpAddress": f"203.0.113.{number % 256}" if "ipv6" not in path else f"2001:db8::{number % 65536:x}",
        "DomainName": f"host{number}.example.com",
        "Url": f"https://host{number}.example.net/it\\'s/{number}?a=b",
        "FileMd5": f"{number:032x}",
        "FileSha1": f"{number:040x}",
        "CertificateThumbprint": f"{number:040x}",
        "FileSha256": f"{number:064x}",
    }[TYPES[path]]


def one(dice):
    path = dice.choice([*TYPES])
    gap = dice.choice(["", " "])
    return f"{path}{gap}={gap}'{value_of(path, dice)}'"


def either(dice):
    path = dice.choice([*TYPES])
    values = [value_of(path, dice) for _ in range(dice.randint(1, 4))]
    listed = ", ".join(f"'{value}'" for value in values)
    compared = [f"{path} = '{value}'" for value in values]
    return dice.choice(
        [
            f"{path} IN ({listed})",
            " OR ".join(compared),
            "(" + " OR ".join(f"({part})" for part in compared) + ")",
            " OR ".join([*compared, "mutex:name = 'm'"]),
        ]
    )


def one_file(dice):
    parts = [
        f"file:hashes.MD5 = '{dice.getrandbits(128):032x}'",
        f"file:hashes.'SHA-1' = '{dice.getrandbits(160):040x}'",
        f"file:hashes.'SHA-256' = '{dice.getrandbits(256):064x}'",
    ]
    chosen = dice.sample(parts, dice.randint(1, 3))
    beside = dice.choice([[], ["file:name = 'a.exe'"], ["file:size > 3", "file:name LIKE '%.exe'"]])
    return " AND ".join(dice.sample(chosen + beside, len(chosen + beside)))


def connection(dice):
    address = f"203.0.113.{dice.randint(0, 255)}"
    return f"network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '{address}'"


def observation(dice):
    inside = dice.choice([one, one, either, one_file, connection])(dice)
    return dice.choice(["[{}]", "[ {} ]", "([{}])"]).format(inside)


def pattern(dice):
    joined = " OR ".join(observation(dice) for _ in range(dice.choice([1, 1, 1, 2, 3])))
    qualifier = dice.choice(QUALIFIERS)
    return f"({joined}){qualifier}" if qualifier else joined


def test_at_least_98_of_100_supported_indicators_are_mapped():
    dice = random.Random(3)
    objects = [
        {"type": "indicator", "id": f"indicator--{number}", "pattern": pattern(dice), "pattern_type": "stix"}
        for number in range(INDICATORS)
    ]
    raw = json.dumps({"type": "bundle", "id": "bundle--1", "objects": objects}).encode()
    readings = list(read_stix(io.BytesIO(raw), "b"))
    mapped = {reading.facts.external_id for reading in readings if isinstance(reading, Observed)}
    missing = [item["pattern"] for item in objects if item["id"] not in mapped]
    assert len(mapped) >= 0.98 * INDICATORS, missing[:5]
    assert {reading.type for reading in readings if isinstance(reading, Observed)} == {*TYPES.values()}
    assert {reading.kind for reading in readings if not isinstance(reading, Observed)} == {"mutex"}
