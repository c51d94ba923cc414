"""WireRequest: one HTTP request with its secrets and the rules it is sent under, and what the record keeps of it."""

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import quote, urlsplit

import msgspec

from byok_bench.errors import EndpointError
from byok_bench.wire.cleaning.records import clean_body, clean_headers, clean_url
from byok_bench.wire.client_certificates import ClientCertificate
from byok_bench.wire.egress.base_urls import DEFAULT_PORTS
from byok_bench.wire.egress.guard import Target
from byok_bench.wire.limits import DEFAULT_LIMITS, DEFAULT_TIMEOUTS, Limits, Timeouts
from byok_bench.wire.raw_exchange import RawExchange, RawRequest
from byok_bench.wire.recording.terminators import Terminator

Transport = Literal["own", "httpx", "http2"]
"""`own`: timed, HTTP/1.1. `httpx`: the stock transport, HTTP/2 where TLS agrees on it. `http2`: that version alone,
also without TLS, by the same stock transport."""
TRANSPORTS: Final = ("own", "httpx", "http2")
_PATH_SAFE: Final = "/%:@!$&'()*+,;=~-._"
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Cancel(msgspec.Struct, frozen=True, kw_only=True):
    """When this side closes an answer in mid-flight on purpose: whichever comes first. No failure of the server's."""

    after_ms: float | None = None
    """So long after the request was written."""
    is_reached: Callable[[RawExchange], bool] | None = None
    """Asked of the record after each piece of the body. It costs time between stamps, of this exchange alone."""


class WireRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request as it will be sent."""

    id: str
    """Its x-request-id."""
    url: str
    """Whole request URL: normalised base, route, encoded query."""
    method: str = "POST"
    headers: tuple[tuple[str, str], ...] = ()
    """Real values. Host and Content-Length are added when it is sent."""
    body: bytes = b""
    secrets: tuple[str, ...] = ()
    """What must not appear in the record."""
    key_id: str = ""
    """Random id of the key; connections are not shared between keys."""
    timeouts: Timeouts = DEFAULT_TIMEOUTS
    limits: Limits = DEFAULT_LIMITS
    terminator: Terminator = "none"
    asked_to_stream: bool = True
    """Whether a body of unknown type may be a stream; False where the request says that it wants none."""
    verify: bool = True
    """False: the certificate is not checked; loopback and private addresses in the local profile only."""
    ca_file: str | None = None
    client_certificate: ClientCertificate | None = None
    profile: str = "local"
    policy: Mapping[str, Any] | None = None
    proxy: str | None = None
    """URL of an HTTP proxy; refused in the shared profile."""
    transport: Transport = "own"
    """What carries it: `own` leaves that to the client."""
    cancel: Cancel | None = None

    def __repr__(self) -> str:
        return f"WireRequest(id={self.id!r}, method={self.method!r})"


class Sendable(msgspec.Struct, frozen=True, kw_only=True):
    """A request taken apart for the wire."""

    target: Target
    path: bytes
    """Path and query, percent-encoded."""
    headers: list[tuple[bytes, bytes]]
    """In the order sent, Host first."""


def to_sendable(request: WireRequest) -> Sendable:
    """The request taken apart. Raises EndpointError for a header or URL that cannot be written down."""
    address = _split_url(request.url)
    if address is None:
        raise EndpointError("a request URL starts with https:// or http:// and a host", code="url_invalid")
    target = Target(
        scheme=address.scheme,
        host=address.host,
        port=address.port,
        key_id=request.key_id,
        verify=request.verify,
        ca_file=request.ca_file,
        client_certificate=request.client_certificate,
    )
    is_usual_port = address.port == DEFAULT_PORTS[address.scheme]
    name = target.bracketed_host if is_usual_port else f"{target.bracketed_host}:{address.port}"
    headers = [(b"host", name.encode("ascii")), *map(_encode_header, request.headers)]
    if request.body or request.method not in ("GET", "HEAD"):
        headers.append((b"content-length", b"%d" % len(request.body)))
    return Sendable(target=target, path=address.path, headers=headers)


class _Address(NamedTuple):
    scheme: str
    host: str
    port: int
    path: bytes
    """What stands in the request line."""


@functools.lru_cache(maxsize=64)
def _split_url(url: str) -> _Address | None:
    """None if no request can be sent there."""
    try:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS[parts.scheme]
        host = (parts.hostname or "").encode("ascii").decode()
        path = (quote(parts.path, safe=_PATH_SAFE) or "/") + (f"?{parts.query}" if parts.query else "")
        address = _Address(parts.scheme, host, port, path.encode("ascii"))
    except (ValueError, KeyError):
        return None
    return address if host else None


def _encode_header(field: tuple[str, str]) -> tuple[bytes, bytes]:
    name, value = field
    if not _TOKEN.fullmatch(name) or _CONTROL.search(value):
        del value, field
        raise EndpointError(f"header {name!a} cannot be sent as it is", code="header_invalid")
    return name.encode("ascii"), value.encode("utf-8")


def to_raw_request(request: WireRequest) -> RawRequest:
    """The request as the record keeps it: secrets are `[redacted]`."""
    return RawRequest(
        id=request.id,
        method=request.method,
        url=clean_url(request.url, request.secrets),
        headers=clean_headers(request.headers, request.secrets),
        body=clean_body(request.body, request.secrets),
    )
