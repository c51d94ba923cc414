"""The lists of an egress policy: parsed once, refused whole when one entry is wrong, and how they match.

Which list wins is decided in verdicts.py. A mistyped key must not leave a policy weaker than its author meant.
"""

from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv6Network, ip_network
from typing import Any, Final

import msgspec

from byok_bench.wire.egress.addresses import Address, Network
from byok_bench.wire.egress.hosts import read_host
from byok_bench.wire.egress.reasons import EgressRefusal, UrlTrail


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Parsed policy; host patterns are normalised like hosts, `*.suffix` for subdomains."""

    deny_hosts: tuple[str, ...] = ()
    """Never called."""
    only_hosts: tuple[str, ...] | None = None
    """When set, even to an empty list, nothing else is called; addresses are judged as ever."""
    allow_hosts: tuple[str, ...] = ()
    """Names that may be called in the shared profile although they look private; lifts nothing else."""
    allow_http_hosts: tuple[str, ...] = ()
    """Hosts that may be called without encryption."""
    allow_cidrs: tuple[Network, ...] = ()
    """Addresses that may be called although of their class; lifts no hard class."""
    deny_cidrs: tuple[Network, ...] = ()
    """Addresses never called."""
    allow_ports: tuple[int, ...] = ()
    """Ports of the shared profile besides its own."""
    nat64_prefixes: tuple[IPv6Network, ...] = ()
    """Prefixes (/96) of translators besides 64:ff9b::/96."""


def parse_policy(lists: object) -> Policy:
    """A policy from a mapping of lists (None is an empty one); raises EgressRefusal `bad_policy`, nothing else."""
    if lists is None or isinstance(lists, Policy):
        return lists or Policy()
    try:
        if not isinstance(lists, Mapping):
            raise EgressRefusal("bad_policy", "it is no table of lists")
        return Policy(**{_read_list_name(key): _read_entries(key, value) for key, value in lists.items()})
    except EgressRefusal:
        raise
    except Exception:  # noqa: BLE001 - a mapping may be any object, and a policy that cannot be read blocks
        raise EgressRefusal("bad_policy", "it cannot be read") from None


def is_host_listed(subject: str, patterns: Iterable[str]) -> bool:
    """Whether a host is one of the patterns, or below the suffix of one."""
    return any(subject.endswith(one[1:]) if one.startswith("*.") else subject == one for one in patterns)


def has_any_address(networks: Iterable[Network], addresses: Iterable[Address]) -> bool:
    """Whether any of the networks has any of the addresses in it."""
    return any(address in network for network in networks for address in addresses)


def _read_list_name(key: object) -> str:
    if isinstance(key, str) and key in _READERS:
        return key
    raise EgressRefusal("bad_policy", f"it has no list {key[:40]!r}" if isinstance(key, str) else "a key is no text")


def _read_entries(key: str, values: object) -> tuple[Any, ...]:
    if not isinstance(values, list):
        raise EgressRefusal("bad_policy", f"{key} must be a list")
    found = []
    for place, value in enumerate(values, start=1):
        try:
            found.append(_READERS[key](value))
        except (ValueError, EgressRefusal):
            raise EgressRefusal("bad_policy", f"entry {place} of {key} is wrong") from None
    return tuple(found)


def _read_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("an entry is text")
    return value


def _read_host_pattern(value: object) -> str:
    text = _read_text(value)
    if text.startswith("*."):
        host = read_host(text[2:], UrlTrail())
        if host.literal is not None:
            raise ValueError("an address has no subdomains")
        return f"*.{host.name}"
    return read_host(f"[{text}]" if ":" in text and "[" not in text else text, UrlTrail()).subject


def _read_network(value: object) -> Network:
    address, slash, length = _read_text(value).partition("/")
    if slash and not length.isdigit():
        raise ValueError("a network is an address and a prefix length")
    if "%" in address:
        raise ValueError("a network has no zone")
    network = ip_network(f"{address}/{length}" if slash else address)
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped:
        # Mapped addresses are judged as IPv4, so a list must speak of them as IPv4.
        return ip_network((network.network_address.ipv4_mapped, network.prefixlen - 96))
    return network


def _read_port(value: object) -> int:
    if type(value) is not int or not 1 <= value <= 65535:
        raise ValueError("a port is a number from 1 to 65535")
    return value


def _read_nat64_prefix(value: object) -> IPv6Network:
    network = _read_network(value)
    if not isinstance(network, IPv6Network) or network.prefixlen != 96:
        raise ValueError("a NAT64 prefix is an IPv6 network of /96")
    return network


_READERS: Final[dict[str, Callable[[object], Any]]] = {
    "deny_hosts": _read_host_pattern,
    "only_hosts": _read_host_pattern,
    "allow_hosts": _read_host_pattern,
    "allow_http_hosts": _read_host_pattern,
    "allow_cidrs": _read_network,
    "deny_cidrs": _read_network,
    "allow_ports": _read_port,
    "nat64_prefixes": _read_nat64_prefix,
}
