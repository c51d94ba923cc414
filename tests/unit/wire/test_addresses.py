"""Address classes for every address there is, not only those of the tables."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byok_bench.wire.egress.addresses import (
    GLOBAL,
    HARD_CLASSES,
    find_address_class,
    is_judged_address,
    locate_address,
    normalize_address,
    parse_address,
)

v4 = st.ip_addresses(v=4)
v6 = st.ip_addresses(v=6)


@given(v4)
def test_mapped_addresses_are_their_ipv4(address: IPv4Address) -> None:
    """::ffff:a.b.c.d has the class of a.b.c.d and is dialled as it."""
    assert locate_address(IPv6Address(f"::ffff:{address}")) == locate_address(address)


@given(v4)
def test_nat64_has_the_class_of_what_it_leads_to(address: IPv4Address) -> None:
    """64:ff9b::a.b.c.d has the class of a.b.c.d and is dialled as IPv6."""
    place = locate_address(IPv6Address(f"64:ff9b::{address}"))
    assert (place.reason, place.inner, place.is_translated) == (find_address_class(address), (address,), True)
    assert place.address.version == 6


@given(v4, st.integers(0, 2**80 - 1))
def test_six_to_four_is_never_global(address: IPv4Address, rest: int) -> None:
    """6to4 is `transition_address`, or the hard class of the address inside."""
    place = locate_address(IPv6Address(0x2002 << 112 | int(address) << 80 | rest))
    assert place.reason == (
        find_address_class(address) if find_address_class(address) in HARD_CLASSES else "transition_address"
    )


@given(v4, v4, st.integers(0, 2**32 - 1))
def test_teredo_is_judged_by_server_and_client(server: IPv4Address, client: IPv4Address, middle: int) -> None:
    """A hard class of either inner address is the reason, the server's first; else `transition_address`."""
    bits = 0x2001_0000 << 96 | int(server) << 64 | middle << 32 | int(client) ^ 0xFFFF_FFFF
    hard = [find_address_class(one) for one in (server, client) if find_address_class(one) in HARD_CLASSES]
    assert locate_address(IPv6Address(bits)).reason == (hard[0] if hard else "transition_address")


@given(v4, st.sampled_from([0x0000_5EFE, 0x0200_5EFE]), st.integers(0x2600_0000, 0x2600_FFFF))
def test_isatap_is_never_global(address: IPv4Address, identifier: int, prefix: int) -> None:
    """An ISATAP address is `transition_address`, or the hard class of the address inside."""
    place = locate_address(IPv6Address(prefix << 96 | identifier << 32 | int(address)))
    assert place.reason == (
        find_address_class(address) if find_address_class(address) in HARD_CLASSES else "transition_address"
    )


@given(v6)
def test_nothing_outside_global_unicast_is_global(address: IPv6Address) -> None:
    """An IPv6 address is global only in 2000::/3, as NAT64, or as a mapped IPv4 address."""
    place = locate_address(address)
    if place.reason == GLOBAL and place.address.version == 6 and not place.is_translated:
        assert int(address) >> 125 == 1


@given(v4)
def test_what_python_calls_private_is_not_global(address: IPv4Address) -> None:
    """The table is at least as strict as ipaddress."""
    if not address.is_global:
        assert find_address_class(address) != GLOBAL


@given(v4 | v6)
def test_canonical_addresses_have_one_text(address: IPv4Address | IPv6Address) -> None:
    """Parsing the text of a canonical address gives it back."""
    one = normalize_address(address)
    assert parse_address(str(one)) == one == normalize_address(one)


@pytest.mark.parametrize(
    "text", [None, 1, b"\x7f\x00\x00\x01", "", "127.1", "010.0.0.1", "1.2.3.4/32", "[::1]", " ::1", "x"]
)
def test_only_the_text_of_an_address_is_one(text: object) -> None:
    """Numbers, bytes and what only libc reads are no addresses."""
    with pytest.raises(ValueError, match=r".*"):
        parse_address(text)


@pytest.mark.parametrize(
    ("peer", "addresses", "expected"),
    [
        ("127.0.0.1", ["127.0.0.1"], True),
        ("::ffff:127.0.0.1", ["127.0.0.1"], True),
        ("fd00::1%3", ["fd00::1"], True),
        ("FD00:0::1", ["8.8.8.8", "fd00::1"], True),
        ("64:ff9b::8.8.8.8", ["64:ff9b::808:808"], True),
        ("127.0.0.2", ["127.0.0.1"], False),
        ("64:ff9b::8.8.8.8", ["8.8.8.8"], False),
        ("::1", [], False),
        ("", [""], False),
        (None, ["127.0.0.1"], False),
        (2130706433, ["127.0.0.1"], False),
    ],
)
def test_a_peer_is_compared_in_its_canonical_form(peer: object, addresses: list[str], expected: bool) -> None:
    """Another spelling of a judged address is that address; anything else is not."""
    assert is_judged_address(peer, addresses) is expected


def test_a_place_shows_what_it_holds() -> None:
    """The text of a place names the inner address that decides."""
    assert str(locate_address(ip_address("64:ff9b::10.0.0.1"))) == "64:ff9b::a00:1, which holds 10.0.0.1"
    assert str(locate_address(ip_address("10.0.0.1"))) == "10.0.0.1"
