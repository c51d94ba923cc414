"""TimedTransport: our transport behind httpx's interface, for anybody's `httpx.AsyncClient`.

Egress rules, clocks and limits are the same as for `Client`; httpx's own timeouts are taken where a request
carries them. The record of an exchange is in `response.extensions["record"]`, complete when the body was read.
Redirects are the client's business (httpx follows none by default), and so is the content coding.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from time import perf_counter_ns
from typing import Any, Final
from uuid import uuid4

import httpx

from byok_bench.wire.connections.connection import Connection
from byok_bench.wire.connections.connector import Connector
from byok_bench.wire.connections.exchange_clocks import Flight
from byok_bench.wire.connections.http1 import build_request_head
from byok_bench.wire.egress.guard import EgressGuard, NotConnected, Target
from byok_bench.wire.egress.resolver import Resolver
from byok_bench.wire.failures import Failure
from byok_bench.wire.limits import DEFAULT_LIMITS, DEFAULT_TIMEOUTS, Limits, Timeouts
from byok_bench.wire.raw_exchange import Clock, End, Phases, RawExchange, RawHead, RawRequest
from byok_bench.wire.recording.terminators import Terminator

_FOREVER: Final = 86_400.0
_AT_ONCE: Final = 0.001
_FLUSH_BYTES: Final = 65_536
_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
"""All but the tab, which a caller of httpx may have in a value (RFC 9110)."""
_CONNECTING: Final = ("config", "policy", "dns", "connect", "tls")


class TimedTransport(httpx.AsyncBaseTransport):
    """A transport for `httpx.AsyncClient(transport=…)`; belongs to one event loop.

    A request may bring its own `record` (a RawExchange to write into) and `terminator` (`sse-done` stops at a
    `[DONE]` event) among its extensions.
    """

    def __init__(
        self,
        *,
        profile: str = "local",
        policy: Mapping[str, Any] | None = None,
        resolver: Resolver | None = None,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        limits: Limits = DEFAULT_LIMITS,
        clock: Clock = "kernel",
        verify: bool = True,
        ca_file: str | None = None,
    ) -> None:
        self._connector = Connector(clock=clock, guard=EgressGuard(resolver or Resolver()))
        self._profile = profile
        self._policy = policy
        self._timeouts = timeouts
        self._limits = limits
        self._verify = verify
        self._ca_file = ca_file

    async def aclose(self) -> None:
        """Close every connection."""
        await self._connector.aclose()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; the response's stream ends as the body does. Raises httpx's own exceptions."""
        target = self._make_target(request.url)
        timeouts = _read_timeouts(request, self._timeouts)
        record = request.extensions.get("record") or _make_record(request)
        try:
            connection = await self._connector.connect(
                target, record.phases, seconds=timeouts.connect, profile=self._profile, policy=self._policy
            )
        except NotConnected as problem:
            error = to_httpx_error(problem.reason, request)
        else:
            record.reused = connection.carried > 0
            terminator: Terminator = request.extensions.get("terminator", "none")
            flight = StreamedFlight(
                record, timeouts=timeouts, limits=self._limits, terminator=terminator, method=request.method
            )
            flight.write_s = _read_write_timeout(request, timeouts)
            stream = RecordStream(self._connector, connection, flight, target, request)
            return await stream.open_response()
        raise error

    def _make_target(self, url: httpx.URL) -> Target:
        if url.scheme not in ("http", "https") or not url.host:
            raise httpx.UnsupportedProtocol("only http:// and https:// URLs can be called")
        return Target(
            scheme=url.scheme,
            host=url.raw_host.decode("ascii"),
            port=url.port or (443 if url.scheme == "https" else 80),
            verify=self._verify,
            ca_file=self._ca_file,
        )


class StreamedFlight(Flight):
    """A flight that somebody watches while it lasts."""

    def __init__(
        self,
        record: RawExchange,
        *,
        timeouts: Timeouts,
        limits: Limits,
        terminator: Terminator,
        method: str,
    ) -> None:
        super().__init__(
            record,
            timeouts=timeouts,
            limits=limits,
            terminator=terminator,
            asked_to_stream=terminator != "none",
            method=method,
        )
        self.record_body = self._record_watched_body
        self._news: asyncio.Future[None] | None = None
        self._set_timer()  # its own body may be slow to come, and nothing is sent before it does

    async def wait_for_news(self) -> None:
        """Wait for a head, for body bytes, or for the end."""
        if not self.landed.done():
            self._news = asyncio.get_running_loop().create_future()
            await self._news

    def record_head(self, t_ns: int, head: RawHead) -> None:
        super().record_head(t_ns, head)
        self._wake_watcher()

    def close_record(self, end: End, reason: Failure | None) -> None:
        super().close_record(end, reason)
        self._wake_watcher()

    def _record_watched_body(self, t_ns: int, data: bytes) -> None:
        self.recorder.record_body(t_ns, data)
        self._wake_watcher()

    def _wake_watcher(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)


class RecordStream(httpx.AsyncByteStream):
    """The body of a response, read from the record that is being written."""

    def __init__(
        self,
        connector: Connector,
        connection: Connection,
        flight: StreamedFlight,
        target: Target,
        request: httpx.Request,
    ) -> None:
        self._connector = connector
        self._connection = connection
        self._flight = flight
        self._target = target
        self._request = request
        self._closed = False

    async def open_response(self) -> httpx.Response:
        """Write the request and wait for the head."""
        flight, record = self._flight, self._flight.record
        try:
            self._connection.begin(flight)
            await self._write_request()
            while record.head is None and not flight.landed.done():
                await flight.wait_for_news()
            if record.head is None:
                raise self._make_error()
        except BaseException:
            await self.aclose()
            raise
        return httpx.Response(
            record.head.status,
            headers=[(name.encode(), value.encode("latin-1")) for name, value in record.head.headers],
            stream=self,
            extensions={"http_version": f"HTTP/{record.head.http}".encode("ascii"), "record": record},
        )

    async def __aiter__(self) -> AsyncIterator[bytes]:
        flight, chunks = self._flight, self._flight.record.chunks
        passed_on = 0
        while True:
            while passed_on < len(chunks):
                passed_on += 1
                yield chunks[passed_on - 1][1]
            if flight.landed.done():
                break
            await flight.wait_for_news()
        if flight.record.failure is not None:
            raise self._make_error()

    async def aclose(self) -> None:
        """Let the connection go: kept if the body was read to its end, else closed."""
        if not self._closed:
            self._closed = True
            self._flight.abandon()
            self._connector.give_back(self._connection, self._target)

    async def _write_request(self) -> None:
        request, connection = self._request, self._connection
        waiting = build_request_head(request.method, request.url.raw_path, _check_headers(request.headers.raw))
        async with aclosing(_iterate_frames(request)) as frames:
            async for frame in frames:
                if self._flight.landed.done():
                    return
                waiting += frame
                if len(waiting) > _FLUSH_BYTES:
                    connection.write(waiting, last=False)
                    await connection.wait_until_drained()
                    waiting = b""
        connection.write(waiting)

    def _make_error(self) -> httpx.TransportError:
        reason = self._flight.record.failure
        assert reason is not None
        return to_httpx_error(reason, self._request)


def to_httpx_error(reason: Failure, request: httpx.Request) -> httpx.TransportError:
    """The exception that httpx's own transport would have raised."""
    kind: type[httpx.TransportError]
    if reason.phase in _CONNECTING:
        kind = httpx.ConnectTimeout if reason.kind == "timeout" else httpx.ConnectError
    elif reason.kind == "timeout":
        kind = httpx.WriteTimeout if reason.phase == "request" else httpx.ReadTimeout
    elif reason.kind == "network" and reason.code != "closed":
        kind = httpx.WriteError if reason.phase == "request" else httpx.ReadError
    else:
        kind = httpx.RemoteProtocolError
    return kind(reason.message, request=request)


async def _iterate_frames(request: httpx.Request) -> AsyncGenerator[bytes, None]:
    """The body in pieces as they go out: chunked, or as long as Content-Length says."""
    chunked = "chunked" in request.headers.get("transfer-encoding", "").lower()
    length = request.headers.get("content-length")
    left = int(length) if length is not None else 0
    assert isinstance(request.stream, httpx.AsyncByteStream)
    async for part in request.stream:
        if chunked:
            if part:
                yield b"%x\r\n%b\r\n" % (len(part), part)
            continue
        left -= len(part)
        if left < 0:
            raise httpx.LocalProtocolError("Too much data for declared Content-Length")
        if part:
            yield part
    if chunked:
        yield b"0\r\n\r\n"
    elif left:
        raise httpx.LocalProtocolError("Too little data for declared Content-Length")


def _check_headers(fields: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    for name, value in fields:
        if not _TOKEN.fullmatch(name) or _CONTROL.search(value):
            raise httpx.LocalProtocolError("Illegal header name or value")
    return fields


def _read_timeouts(request: httpx.Request, usual: Timeouts) -> Timeouts:
    """httpx's timeouts where the request has them: None there means forever."""
    given = request.extensions.get("timeout")
    if given is None:
        return usual
    read = _to_seconds(given.get("read"))
    return Timeouts(connect=_to_seconds(given.get("connect")), first_byte=read, idle=read, total=usual.total)


def _read_write_timeout(request: httpx.Request, timeouts: Timeouts) -> float:
    """How long the server may take no more of the request."""
    given = request.extensions.get("timeout")
    return timeouts.idle if given is None else _to_seconds(given.get("write"))


def _to_seconds(given: float | None) -> float:
    return _FOREVER if given is None else min(max(given, _AT_ONCE), _FOREVER)


def _make_record(request: httpx.Request) -> RawExchange:
    """A record that names no secret: header values stay out, and so does the query."""
    sent = RawRequest(
        id=request.headers.get("x-request-id") or str(uuid4()),
        method=request.method,
        url=str(request.url.copy_with(query=None, username=None, password=None)),
        headers=(),
        body=b"",
    )
    return RawExchange(request=sent, phases=Phases(start=perf_counter_ns()))
