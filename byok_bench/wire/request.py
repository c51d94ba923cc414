"""WireRequest: one HTTP request with its secrets and the rules it is sent under, and what the record keeps of it."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

import msgspec

from byok_bench.errors import EndpointError
from byok_bench.redact import redact
from byok_bench.wire.gate import Target
from byok_bench.wire.limits import DEFAULT_LIMITS, DEFAULT_TIMEOUTS, Limits, Timeouts
from byok_bench.wire.raw import RawRequest
from byok_bench.wire.recorder import Terminator
from byok_bench.wire.urls import DEFAULT_PORTS

_PATH_SAFE: Final = "/%:@!$&'()*+,;=~-._"
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


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
    verify: bool = True
    """False: the certificate is not checked; loopback and private addresses in the local profile only."""
    ca_file: str | None = None
    profile: str = "local"
    policy: Mapping[str, Any] | None = None
    proxy: str | None = None
    """URL of an HTTP proxy; refused in the shared profile."""

    def __repr__(self) -> str:
        return f"WireRequest(id={self.id!r}, method={self.method!r})"


class Sendable(msgspec.Struct, frozen=True, kw_only=True):
    """A request taken apart for the wire."""

    target: Target
    path: bytes
    """Path and query, percent-encoded."""
    headers: list[tuple[bytes, bytes]]
    """In the order sent, Host first."""


def prepared(request: WireRequest) -> Sendable:
    """The request taken apart. Raises EndpointError for a header or URL that cannot be written down."""
    parts = urlsplit(request.url)
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise EndpointError("a request URL starts with https:// or http:// and a host", code="url_invalid")
    target = Target(
        scheme=parts.scheme,
        host=parts.hostname,
        port=parts.port or DEFAULT_PORTS[parts.scheme],
        key_id=request.key_id,
        verify=request.verify,
        ca_file=request.ca_file,
    )
    path = quote(parts.path or "/", safe=_PATH_SAFE) + (f"?{parts.query}" if parts.query else "")
    default = target.port == DEFAULT_PORTS[target.scheme]
    host = target.bracketed if default else f"{target.bracketed}:{target.port}"
    headers = [(b"host", host.encode("ascii")), *map(_field, request.headers)]
    if request.body or request.method not in ("GET", "HEAD"):
        headers.append((b"content-length", b"%d" % len(request.body)))
    return Sendable(target=target, path=path.encode("ascii"), headers=headers)


def _field(field: tuple[str, str]) -> tuple[bytes, bytes]:
    name, value = field
    if not _TOKEN.fullmatch(name) or _CONTROL.search(value):
        del value, field
        raise EndpointError(f"header {name!a} cannot be sent as it is", code="header_invalid")
    return name.encode("ascii"), value.encode("utf-8")


def recorded(request: WireRequest) -> RawRequest:
    """The request as the record keeps it: secrets are `[redacted]`."""
    return RawRequest(
        id=request.id,
        method=request.method,
        url=redact(request.url, request.secrets),
        headers=tuple((name.lower(), redact(value, request.secrets)) for name, value in request.headers),
        body=request.body,
    )
