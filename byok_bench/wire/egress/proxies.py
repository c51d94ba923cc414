"""Proxies: a setting of their own. What the environment says of them is not read, and that is said once."""

import functools
import importlib.util
import logging
import os
from typing import Final
from urllib.parse import urlsplit

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
