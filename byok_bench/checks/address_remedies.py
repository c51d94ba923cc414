"""Address remedies: another base URL to try, where an answer tells that the present one is wrong. Nothing is sent here.

Three cases, each told by the answer itself: a route that is missing below an address without a version, a port that
speaks TLS, and a redirect that leads to the same route elsewhere. Any other redirect leads to a site or a sign-in.
"""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urljoin, urlsplit, urlunsplit

import msgspec

from byok_bench.dialects.dialect import find_dialect
from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.readiness import find_url_problem

_VERSION: Final = re.compile(r"/v[0-9]+[a-z0-9]*(/|$)")
_TLS_WORDS: Final = ("plain http", "http request to an https", "http request to https")
"""What servers write on a port that speaks TLS, in lower case (nginx, Go, Envoy)."""


class AddressRemedy(msgspec.Struct, frozen=True, kw_only=True):
    """A base URL to try in place of the present one."""

    base_url: str
    words: str
    """What a button says."""


def find_address_remedy(endpoint: Endpoint, exchanges: Sequence[Exchange]) -> AddressRemedy | None:
    """The first that an exchange tells of; None if none does. The address is one that may be asked for: what it is
    judged as shows when it is used.
    """
    for exchange in exchanges:
        found = _find_in(endpoint, exchange)
        if found is not None and found.base_url != endpoint.base_url and not find_url_problem(found.base_url):
            return found
    return None


def _find_in(endpoint: Endpoint, exchange: Exchange) -> AddressRemedy | None:
    failure = exchange.error
    if failure is None:
        return None
    parts = urlsplit(endpoint.base_url)
    if parts.scheme == "http" and (failure.code == "tls_port" or any(w in failure.message.lower() for w in _TLS_WORDS)):
        return AddressRemedy(base_url=urlunsplit(parts._replace(scheme="https")), words="Start over as https")
    if failure.kind == "redirect":
        return _read_redirect(endpoint, exchange)
    lacks_route = failure.kind == "not_found_route" or failure.code == "web_page"
    if lacks_route and endpoint.schema != "messages" and not _VERSION.search(parts.path):
        longer = f"{endpoint.base_url.rstrip('/')}/v1"
        return AddressRemedy(base_url=longer, words=f"Use {longer}")
    return None


def _read_redirect(endpoint: Endpoint, exchange: Exchange) -> AddressRemedy | None:
    """The address that a redirect names, if it leads to the route that was asked for."""
    location = exchange.raw.head.get_header("location") if exchange.raw.head else None
    if not location:
        return None
    parts = urlsplit(urljoin(exchange.raw.request.url, location))
    route = find_dialect(endpoint.schema).route
    path = parts.path.rstrip("/")
    if parts.scheme not in ("http", "https") or not path.endswith(route):
        return None
    base_url = urlunsplit((parts.scheme, parts.netloc, path.removesuffix(route), "", ""))
    return AddressRemedy(base_url=base_url, words=f"Put {base_url} in")
