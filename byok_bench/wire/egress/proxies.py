"""Proxies: a setting of their own. What the environment says of them is not read, and that is said once."""

import functools
import importlib.util
import ipaddress
import logging
import os
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from byok_bench.wire.egress.base_urls import DEFAULT_PORTS
from byok_bench.wire.egress.hosts import read_host
from byok_bench.wire.egress.reasons import EgressRefusal, UrlTrail

PROXY_VARIABLES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
"""In capital or small letters."""
PROXY_SCHEMES: Final = ("http", "https", "socks5", "socks5h")
"""What the stock transport speaks to a proxy."""


@functools.cache
def log_ignored_proxies() -> None:
    """Log, once a process, which proxy variables are set and ignored. Names only: values can hold passwords."""
    found = [name for name in os.environ if name.upper() in PROXY_VARIABLES]
    if found:
        logging.getLogger("byok_bench").warning(
            "%s: not read. A proxy is a setting of the endpoint.", ", ".join(sorted(found))
        )


def find_proxy_problem(url: str) -> str:
    """What is wrong with the URL of a proxy, and what to change; empty if nothing is. Repeats nothing of it."""
    try:
        parts = urlsplit(url)
        whole = parts.scheme in PROXY_SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none, or a bracket that is not closed
        whole = False
    if not whole or not url.isprintable() or " " in url:
        return "the proxy is no URL: write it whole, like http://127.0.0.1:3128, or leave it empty"
    if parts.scheme.startswith("socks") and importlib.util.find_spec("socksio") is None:
        return "a SOCKS proxy needs a package more: pip install 'httpx[socks]'"
    return ""


def is_proxy_excepted(base_url: str, exceptions: Sequence[str]) -> bool:
    """Whether the host of a URL is called without the proxy.

    An exception is `*`, a name, `.suffix` or `*.suffix` for all names below one, an address, or a network (CIDR);
    a name or address may have `:port` behind it. Names are compared as written, nothing is resolved.
    """
    parts = urlsplit(base_url)
    host, port = (parts.hostname or "").rstrip("."), parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    return any(_is_covering(exception, host, port) for exception in exceptions)


def _is_covering(exception: str, host: str, port: int) -> bool:
    if exception == "*":
        return True
    address = _read_address(host)
    try:
        network = ipaddress.ip_network(exception.strip("[]"), strict=False)
    except ValueError:
        network = None
    if network is not None:
        return address is not None and address in network
    name, colon, wanted = exception.rpartition(":")
    if colon and wanted.isdecimal():
        return int(wanted) == port and _is_covering(name, host, port)
    suffix = _spell_name(exception.removeprefix("*") if exception.startswith("*.") else exception)
    return host == suffix or (suffix.startswith(".") and host.endswith(suffix))


def _spell_name(name: str) -> str:
    """A name as URLs have it once they are normalised, with the dot before a suffix; what is none stays as it is."""
    dot = "." if name.startswith(".") else ""
    try:
        return dot + read_host(name.removeprefix("."), UrlTrail()).name
    except EgressRefusal:
        return name


def _read_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
