"""Client: one request in, one RawExchange out.

`exchange` never raises for what a server, a network or a policy does: that is `RawExchange.failure`. A request
is sent once, never repeated and never redirected (docs/egress.md).
"""

from collections.abc import Mapping
from time import perf_counter_ns
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import quote, urlsplit

import msgspec

from byok_bench.redact import redact
from byok_bench.wire.connector import Connector, NotConnected, Target
from byok_bench.wire.flight import Flight
from byok_bench.wire.http1 import request_head
from byok_bench.wire.limits import DEFAULT_LIMITS, DEFAULT_TIMEOUTS, Limits, Timeouts
from byok_bench.wire.raw import Clock, Phases, RawExchange, RawRequest
from byok_bench.wire.recorder import Terminator
from byok_bench.wire.resolver import Resolver

Transport = Literal["own", "httpx"]
_PATH_SAFE = "/%:@!$&'()*+,;=~-._"
DEFAULT_PORTS = {"http": 80, "https": 443}


class WireRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request as it will be sent, with its secrets, and the rules it is sent under."""

    id: str
    """Its x-request-id."""
    url: str
    """Whole request URL, normalised base and route."""
    method: str = "POST"
    headers: tuple[tuple[str, str], ...] = ()
    """Real values, checked. Host and Content-Length are added when it is sent."""
    body: bytes = b""
    secrets: tuple[str, ...] = ()
    """What must not appear in the record."""
    key_id: str = ""
    """Random id of the key; connections are not shared between keys."""
    timeouts: Timeouts = DEFAULT_TIMEOUTS
    limits: Limits = DEFAULT_LIMITS
    terminator: Terminator = "none"
    verify: bool = True
    ca_file: str | None = None
    profile: str = "local"
    policy: Mapping[str, Any] | None = None
    proxy: str | None = None

    def __repr__(self) -> str:
        return f"WireRequest(id={self.id!r}, method={self.method!r})"


class Client:
    """Sends requests over connections that it keeps alive; belongs to one event loop.

    `transport`: `own` (timed, HTTP/1.1) or `httpx` (the stock transport, HTTP/2 where h2 is installed).
    `clock`: `kernel` takes the kernel's receive stamps where there are any, `user` never does.
    """

    def __init__(
        self, transport: Transport = "own", *, resolver: Resolver | None = None, clock: Clock = "kernel"
    ) -> None:
        self._connector = Connector(clock=clock, resolver=resolver)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._connector.aclose()

    async def exchange(self, request: WireRequest, *, started_ns: int | None = None) -> RawExchange:
        """Send `request` and record what comes back; `started_ns`: when it was meant to start, now if None."""
        phases = Phases(start=perf_counter_ns() if started_ns is None else started_ns)
        record = RawExchange(request=recorded(request), phases=phases)
        try:
            await self._carry(request, record)
        except NotConnected as problem:
            record.failure = problem.reason
            record.end = "reset"
        return record

    async def _carry(self, request: WireRequest, record: RawExchange) -> None:
        target, path = aim(request)
        timeouts = request.timeouts
        connection = await self._connector.connect(
            target,
            record.phases,
            seconds=min(timeouts.connect, timeouts.total),
            profile=request.profile,
            policy=request.policy,
        )
        record.reused = connection.carried > 0
        flight = Flight(
            record,
            timeouts=timeouts,
            limits=request.limits,
            terminator=request.terminator,
            method=request.method,
        )
        try:
            connection.begin(flight)
            connection.write(request_head(request.method, path, _fields(request, target)) + request.body)
            await flight.landed
        finally:
            flight.abandon()
            self._connector.give_back(connection, target)


def recorded(request: WireRequest) -> RawRequest:
    """The request as the record keeps it."""
    headers = tuple((name.lower(), redact(value, request.secrets)) for name, value in request.headers)
    return RawRequest(
        id=request.id,
        method=request.method,
        url=redact(request.url, request.secrets),
        headers=headers,
        body=request.body,
    )


def aim(request: WireRequest) -> tuple[Target, bytes]:
    """Where a request goes, and the path and query in its first line."""
    parts = urlsplit(request.url)
    target = Target(
        scheme=parts.scheme,
        host=parts.hostname or "",
        port=parts.port or DEFAULT_PORTS[parts.scheme],
        key_id=request.key_id,
        verify=request.verify,
        ca_file=request.ca_file,
    )
    path = quote(parts.path or "/", safe=_PATH_SAFE)
    return target, (f"{path}?{parts.query}" if parts.query else path).encode("ascii")


def _fields(request: WireRequest, target: Target) -> list[tuple[bytes, bytes]]:
    """Header fields in the order sent: Host first, then the request's own, then the length."""
    host = target.origin.partition("://")[2]
    if target.port == DEFAULT_PORTS[target.scheme]:
        host = host.rpartition(":")[0]
    fields = [(b"host", host.encode("ascii"))]
    fields += [(name.encode("ascii"), value.encode("utf-8")) for name, value in request.headers]
    if request.body or request.method == "POST":
        fields.append((b"content-length", b"%d" % len(request.body)))
    return fields
