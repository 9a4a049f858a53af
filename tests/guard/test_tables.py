from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from defender_indicators.guard.never_block import network
from defender_indicators.guard.tables import (
    Entry,
    Keys,
    Network,
    Ranges,
    key_of,
    packed_keys,
    packed_ranges,
)


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.integers(1, 255), max_size=40), st.text(max_size=8))
def test_a_key_is_found_exactly_when_it_was_put_in(entries, other):
    packed = packed_keys({key_of(name): Entry(owner, 1, str(owner)) for name, owner in entries.items()})
    table = Keys(packed)
    assert len(table) == len(entries)
    for name, owner in entries.items():
        at = table.find(key_of(name))
        assert (table.owner[at], table.text(at)) == (owner, str(owner))
    assert (table.find(key_of(other)) >= 0) == (other in entries)


def test_keys_that_begin_alike_are_told_apart():
    keys = [bytes(8) + bytes([number] * 8) for number in (1, 2, 3)]
    table = Keys(packed_keys({key: Entry(number) for number, key in enumerate(keys, 1)}))
    assert [table.owner[table.find(key)] for key in keys] == [1, 2, 3]
    assert table.find(bytes(8) + bytes([4] * 8)) == -1


def test_half_a_key_is_not_enough():
    key = key_of("ab" * 16)
    table = Keys(packed_keys({key: Entry(1)}))
    assert table.find(key) == 0
    assert table.find(key[:8] + bytes(8)) == -1


@st.composite
def networks(draw):
    """Networks around a few addresses, so that they lie in each other."""
    base = draw(st.sampled_from(["10.0.0.0", "10.0.3.255", "0.0.0.0", "255.255.255.255"]))
    return ip_network((base, draw(st.integers(0, 32))), strict=False)


@given(st.lists(networks(), max_size=12, unique=True), st.integers(0, 2**32 - 1))
def test_the_smallest_network_around_an_address_speaks(listed, number):
    table = Ranges(4, packed_ranges(4, [Network(*network(str(net))[1:], 1, str(net)) for net in listed]))
    probes = {number, *(int(edge) for net in listed for edge in (net.network_address, net.broadcast_address))}
    probes |= {(probe + step) % 2**32 for probe in probes for step in (-1, 1)}
    for probe in probes:
        around = [net for net in listed if ip_address(probe) in net]
        smallest = str(max(around, key=lambda net: net.prefixlen)) if around else ""
        at = table.find(probe)
        assert (bool(table.owner[at]), table.text(at)) == (bool(around), smallest)


@pytest.mark.parametrize("text", ["10.0.0.0/8", "10.1.2.3", "2001:db8::/33", "2001:db8::7", "0.0.0.0/0", "::/0"])
def test_networks_are_read_as_the_standard_library_reads_them(text):
    net = ip_network(text)
    size = 4 if net.version == 4 else 16
    assert network(text) == (size, int(net.network_address), int(net.broadcast_address))


@pytest.mark.parametrize("text", ["", "10.0.0", "10.0.0.0/x", "host/8", "10.0.0.0/33"])
def test_what_is_no_network_is_refused(text):
    with pytest.raises(ValueError, match=f"{text}: no address|negative shift count|invalid literal"):
        network(text)
