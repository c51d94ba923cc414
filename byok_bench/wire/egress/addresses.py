"""Address classes, and the IPv4 addresses that IPv6 ones carry inside.

The class is that of the address which would really be reached. The table is the whole truth: the flags of
`ipaddress` differ between Python versions and call NAT64 and 6to4 global. Whether a class may be called is
decided in verdicts.py. Sources: IANA special-purpose registries, RFC 6052, 6890, 8215, 5214, 4380, 3056.
"""

from collections.abc import Collection, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

import msgspec

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

GLOBAL: Final = "global"
"""The class of an address in no row of the table."""
HARD_CLASSES: Final = frozenset({"metadata_address", "link_local_address", "unspecified_address", "multicast_address"})
"""Classes that no list lifts."""

_ROWS: Final = (
    (
        "metadata_address",
        "169.254.169.254 169.254.170.2 169.254.170.23 100.100.100.200 192.0.0.192 168.63.129.16",
    ),
    ("metadata_address", "fd00:ec2::/32 fd20:ce::254 fd00:c1::a9fe:a9fe fd00:42::42"),
    ("link_local_address", "169.254.0.0/16 fe80::/10"),
    ("unspecified_address", "0.0.0.0/8 ::/128"),
    ("multicast_address", "224.0.0.0/4 ff00::/8"),
    ("loopback_address", "127.0.0.0/8 ::1/128"),
    ("private_address", "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7"),
    ("shared_nat_address", "100.64.0.0/10"),
    ("documentation_address", "192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32 3fff::/20"),
    ("benchmark_address", "198.18.0.0/15 2001:2::/48"),
    ("transition_address", "64:ff9b:1::/48"),
    (
        "reserved_address",
        "192.0.0.0/24 192.88.99.0/24 192.31.196.0/24 192.52.193.0/24 192.175.48.0/24 240.0.0.0/4",
    ),
    ("reserved_address", "2001::/23 2620:4f:8000::/48"),
    # Everything outside 2000::/3, the only part of IPv6 that is handed out for global unicast.
    ("reserved_address", "::/3 4000::/2 8000::/1"),
)
CLASSES: Final = tuple((reason, ip_network(text)) for reason, texts in _ROWS for text in texts.split())
"""(class, network), first match wins: `2001::/23` means the rest of it."""

NAT64: Final = IPv6Network("64:ff9b::/96")
_MAPPED: Final = IPv6Network("::ffff:0:0/96")
_COMPATIBLE: Final = IPv6Network("::/96")
_LOOPBACK: Final = IPv6Address("::1")
_SIX_TO_FOUR: Final = IPv6Network("2002::/16")
_TEREDO: Final = IPv6Network("2001::/32")
_LOW_32: Final = 0xFFFF_FFFF
_ISATAP: Final = 0x0000_5EFE
_ISATAP_MASK: Final = 0xFDFF_FFFF
"""An ISATAP interface identifier starts 0000:5efe or, with the universal bit, 0200:5efe."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where an address leads."""

    address: Address
    """In the form that is dialled."""
    reason: str
    """Class, or GLOBAL."""
    inner: tuple[IPv4Address, ...] = ()
    """IPv4 addresses inside the IPv6 one."""
    is_translated: bool = False
    """NAT64: `inner` is what would be reached."""

    def __str__(self) -> str:
        """Address, with the inner one where there is one."""
        inner = " and ".join(map(str, self.inner))
        return f"{self.address}, which holds {inner}" if inner else str(self.address)


def normalize_address(address: Address) -> Address:
    """The address that is dialled: IPv4 for an IPv4-mapped one, no scope."""
    if isinstance(address, IPv4Address):
        return address
    return IPv4Address(int(address) & _LOW_32) if address in _MAPPED else IPv6Address(int(address))


def parse_address(text: object) -> Address:
    """Canonical address of its text, a scope dropped; ValueError for anything else (numbers and bytes too)."""
    if not isinstance(text, str):
        raise ValueError("an address is text")
    return normalize_address(ip_address(text))


def is_judged_address(peer: object, addresses: Collection[str]) -> bool:
    """Whether the peer of a connection is one of a verdict's addresses; False for what is no address."""
    try:
        return str(parse_address(peer)) in addresses
    except ValueError:
        return False


def find_address_class(address: Address) -> str:
    """Class by the table alone, with no look inside."""
    return next((reason for reason, network in CLASSES if address in network), GLOBAL)


def locate_address(address: Address, nat64_prefixes: Iterable[IPv6Network] = ()) -> Place:
    """Class of an address and what it holds; `nat64_prefixes` (/96) are translated as 64:ff9b::/96 is."""
    address = normalize_address(address)
    outer = find_address_class(address)
    if isinstance(address, IPv4Address) or outer in HARD_CLASSES:
        return Place(address=address, reason=outer)
    if inner := _extract_inner_addresses(address):
        classes = [find_address_class(one) for one in inner]
        reason = next((one for one in classes if one in HARD_CLASSES), "transition_address")
        return Place(address=address, reason=reason, inner=inner)
    if any(address in prefix for prefix in (NAT64, *nat64_prefixes)):
        target = IPv4Address(int(address) & _LOW_32)
        return Place(address=address, reason=find_address_class(target), inner=(target,), is_translated=True)
    return Place(address=address, reason=outer)


def _extract_inner_addresses(address: IPv6Address) -> tuple[IPv4Address, ...]:
    bits = int(address)
    if address in _TEREDO:
        server, client = bits >> 64 & _LOW_32, ~bits & _LOW_32
        return IPv4Address(server), IPv4Address(client)
    inner = []
    if address in _SIX_TO_FOUR:
        inner.append(IPv4Address(bits >> 80 & _LOW_32))
    # A site behind 6to4 may use ISATAP inside: then both addresses are on the way.
    if (address in _COMPATIBLE and address != _LOOPBACK) or bits >> 32 & _ISATAP_MASK == _ISATAP:
        inner.append(IPv4Address(bits & _LOW_32))
    return tuple(inner)
