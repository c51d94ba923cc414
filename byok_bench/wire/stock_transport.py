"""The stock httpx transport under the same rules: for comparison, for HTTP/2, and for proxies.

Judged addresses only, with Host, SNI and certificate check kept; no redirects, no environment, four clocks,
size limits, the same record. Stamps are taken when httpx hands over the bytes. What httpx does not let one
see (interim answers, a head's size before it is complete) has httpx's own limits.
"""

import asyncio
import importlib.util
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter_ns
from typing import Any, Final, cast

import httpx

from byok_bench.wire.connections.dialling import PeerError, order_by_family
from byok_bench.wire.connections.exchange_clocks import LINGER_NS
from byok_bench.wire.connections.tls_failures import classify_tls_error
from byok_bench.wire.connections.tls_sessions import make_tls_context
from byok_bench.wire.egress.addresses import is_judged_address
from byok_bench.wire.egress.guard import EgressGuard, NotConnected, Target, check_proxied_target
from byok_bench.wire.failures import Failure, classify_library_error, make_failure
from byok_bench.wire.raw_exchange import CUT_AFTER_DONE, OPEN_AFTER_DONE, End, RawExchange, RawHead
from byok_bench.wire.recording.recorder import Recorder
from byok_bench.wire.wire_request import Sendable, WireRequest

_CUT_SHORT: Final = ("server disconnected", "peer closed connection", "unexpectedly closed", "incomplete")
"""Words of h11 and httpcore for a connection that ended too early, which is no fault of the protocol."""
NO_HTTP2: Final = "HTTP/2 needs the package h2, which is not installed here: pip install h2"
KEPT: Final = 0
"""Idle connections that a stock pool keeps. It would write to one whose server hangs up in that moment, and what is
lost there may not be repeated; over HTTP/2 the requests of one moment share a connection all the same."""
_VERSIONS: Final = {b"HTTP/1.0": "1.0", b"HTTP/1.1": "1.1", b"HTTP/2": "2"}
_MARKS: Final = {
    "connection.connect_tcp.started": "connect_start",
    "connection.connect_tcp.complete": "connect_end",
    "connection.start_tls.complete": "tls_end",
    "http11.send_request_body.complete": "written",
    "http2.send_request_body.complete": "written",
}
"""Events of httpcore's trace extension, and the phases that they stamp."""


class StockTransports:
    """Stock transports, one for each target, so that no connection is shared between hosts or keys."""

    def __init__(self, guard: EgressGuard) -> None:
        self._guard = guard
        self._transports: dict[tuple[Target, str | None, bool], httpx.AsyncHTTPTransport] = {}

    async def aclose(self) -> None:
        """Close every connection."""
        for transport in self._transports.values():
            await transport.aclose()
        self._transports.clear()

    async def carry(
        self,
        request: WireRequest,
        sendable: Sendable,
        record: RawExchange,
        proxy: str | None,
        *,
        http2_alone: bool = False,
    ) -> None:
        """Send the request and write the record. Raises NotConnected if nothing was sent."""
        target = sendable.target
        transport = self._get_transport(target, proxy, http2_alone)
        flight = StockFlight(record, request, target.host, proxy)
        async with flight.guard_by_clocks():
            if proxy is None:
                addresses = await self._guard.require_addresses(target, request.profile, request.policy, record.phases)
                hosts = order_by_family(addresses)
            else:
                check_proxied_target(target, request.profile, request.policy)
                addresses, hosts = [], [target.host]
            for number, host in enumerate(hosts):
                try:
                    await flight.send_to_address(transport, sendable, host, addresses)
                    return
                except httpx.ConnectError:
                    if number + 1 == len(hosts):
                        raise

    def _get_transport(self, target: Target, proxy: str | None, http2_alone: bool) -> httpx.AsyncHTTPTransport:
        key = (target, proxy, http2_alone)
        transport = self._transports.get(key)
        if transport is None:
            has_http2 = importlib.util.find_spec("h2") is not None
            if http2_alone and not has_http2:
                raise NotConnected(make_failure("protocol", "config", NO_HTTP2, code="http2_missing"))
            transport = self._transports[key] = httpx.AsyncHTTPTransport(
                verify=make_tls_context(target.verify, target.ca_file, target.client_certificate),
                http1=not http2_alone,
                http2=has_http2,
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=KEPT),
                trust_env=False,
                proxy=proxy,
            )
        return transport


class StockFlight:
    """One exchange over a stock transport: its clocks, its record, its outcome."""

    def __init__(self, record: RawExchange, request: WireRequest, host: str, proxy: str | None = None) -> None:
        self._record = record
        self._request = request
        self._host = host
        self._proxy = _name_proxy(proxy, request) if proxy is not None else ""
        self._recorder = Recorder(
            record, request.limits, request.terminator, self, asked_to_stream=request.asked_to_stream
        )
        self._clock: asyncio.Timeout | None = None
        self._waiting_for = "connect"
        self._sending = False
        self._over = False

    @asynccontextmanager
    async def guard_by_clocks(self) -> AsyncIterator[None]:
        """Give up at whichever clock runs out, and write what ended the exchange into the record."""
        record = self._record
        try:
            async with asyncio.timeout(None) as self._clock:
                self._set_clock("connect", self._request.timeouts.connect)
                yield
        except TimeoutError:
            self._end_by_clock()
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            self.close_record("reset", self._classify_error(error))
        finally:
            self._over = True
            record.phases.end = record.phases.end or perf_counter_ns()

    async def send_to_address(
        self, transport: httpx.AsyncHTTPTransport, sendable: Sendable, host: str, addresses: list[str]
    ) -> None:
        """One attempt at one address. Raises what httpx raises."""
        request, target = self._request, sendable.target
        outgoing = httpx.Request(
            request.method,
            httpx.URL(scheme=target.scheme, host=host, port=target.port, raw_path=sendable.path),
            headers=sendable.headers,
            content=request.body,
            extensions={"sni_hostname": target.host, "trace": self._note_trace_event, "timeout": {}},
        )
        response = await transport.handle_async_request(outgoing)
        self._record.reused = self._record.phases.connect_end is None
        try:
            self._check_peer(response, addresses)
            self.record_head(response)
            if self._over:
                return
            stream = cast(httpx.AsyncByteStream, response.stream)
            async for data in stream:
                now = perf_counter_ns()
                if self._record.phases.done is None:
                    self._set_clock("idle", self._request.timeouts.idle)
                if data:
                    self._recorder.record_body(now, data)
                    self._end_where_wanted()
                if self._over:
                    return
            self._record.phases.end = perf_counter_ns()
            self.close_record("eof", None)
        finally:
            await response.aclose()

    def record_head(self, response: httpx.Response) -> None:
        """Note the response's head, if its size is within the limits."""
        now = perf_counter_ns()
        limits = self._request.limits
        fields = response.headers.raw
        reason = response.extensions.get("reason_phrase", b"")
        size = len(reason) + sum(len(name) + len(value) + 4 for name, value in fields)
        if size > limits.head_bytes or len(fields) > limits.head_lines:
            message = f"more than {limits.head_bytes} bytes or {limits.head_lines} lines of header"
            self.close_record("limit", make_failure("protocol", "headers", message, code="limit"))
            return
        version = _VERSIONS.get(response.extensions.get("http_version", b""))
        if version is None:
            self.close_record("reset", make_failure("protocol", "headers", "the answer is in no known version of HTTP"))
            return
        headers = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in fields)
        self._set_clock("idle", self._request.timeouts.idle)
        self._recorder.record_head(now, RawHead(status=response.status_code, http=version, headers=headers))

    # What the recorder reports.

    def note_terminator(self, t_ns: int) -> None:
        """The stream's terminator came."""
        self._set_clock("linger", LINGER_NS / 1e9)

    def close_record(self, end: End, reason: Failure | None) -> None:
        """Close the record."""
        if self._over:
            return
        self._over = True
        finished = self._record.phases.done is not None
        self._record.end = "done" if finished else end
        if finished and end != "eof" and OPEN_AFTER_DONE not in self._record.flags:
            self._record.flags.append(CUT_AFTER_DONE)
        self._record.failure = None if finished else reason
        self._recorder.stop_recording()

    def _end_where_wanted(self) -> None:
        """Close the record if that is where this side wanted to."""
        wanted = self._request.cancel.is_reached if self._request.cancel is not None else None
        if wanted is not None and not self._over and self._record.phases.done is None and wanted(self._record):
            self.close_record("cancelled", None)

    def _check_peer(self, response: httpx.Response, addresses: list[str]) -> None:
        self._note_peer(response.extensions.get("network_stream"))
        if addresses and not is_judged_address(self._record.peer, addresses):
            # No ConnectError: the request is out, and must not go to the next address too.
            raise PeerError("the peer's address is not the one that was judged")

    def _note_peer(self, stream: Any) -> None:
        """Whom a stream is connected to; a socket that was reset since no longer tells."""
        peer = stream.get_extra_info("server_addr") if stream is not None else None
        if peer is not None:
            self._record.peer = str(peer[0])

    async def _note_trace_event(self, event: str, info: dict[str, Any]) -> None:
        phase = _MARKS.get(event)
        if event == "connection.connect_tcp.complete":
            self._note_peer(info.get("return_value"))
        if phase is not None:
            setattr(self._record.phases, phase, perf_counter_ns())
        if phase == "written":
            self._set_clock("first_byte", self._request.timeouts.first_byte)
        elif event.endswith("send_request_headers.started"):
            self._sending = True
            self._set_clock("idle", self._request.timeouts.idle)

    def _set_clock(self, clock: str, seconds: float) -> None:
        """Give up after `seconds`, or when the whole exchange has taken too long."""
        self._waiting_for = clock
        now = asyncio.get_running_loop().time()
        spent = (perf_counter_ns() - self._record.phases.start) / 1e9
        if spent + seconds > self._request.timeouts.total:
            self._waiting_for, seconds = "total", self._request.timeouts.total - spent
        cancel, written = self._request.cancel, self._record.phases.written
        if cancel is not None and cancel.after_ms is not None and written is not None and clock != "linger":
            left = cancel.after_ms / 1e3 - (perf_counter_ns() - written) / 1e9
            if left < seconds:
                self._waiting_for, seconds = "cancel", max(0.0, left)
        if self._clock is not None:
            self._clock.reschedule(now + seconds)

    def _end_by_clock(self) -> None:
        clock = self._waiting_for
        if clock == "cancel":
            self.close_record("cancelled", None)
            return
        if clock == "linger":
            self._record.flags.append(OPEN_AFTER_DONE)
        message = f"the {clock.replace('_', ' ')} clock ran out"
        end: End = "limit" if clock == "total" else "stall"
        self.close_record(end, make_failure("timeout", self._find_phase(), message, code=clock))

    def _find_phase(self) -> str:
        phases = self._record.phases
        if self._record.head is not None:
            return "stream" if self._recorder.is_stream else "body"
        if phases.written is not None:
            return "headers"
        if self._sending:
            return "request"
        if phases.connect_end is None:
            return "dns" if phases.connect_start is None else "connect"
        return "tls"

    def _classify_error(self, error: Exception) -> Failure:
        broken_tls = _find_tls_error(error)
        if broken_tls is not None and self._record.head is None:
            return classify_tls_error(broken_tls, self._host)
        kind, _ = classify_library_error(error) or ("network", "connect")
        words = str(error) or type(error).__name__
        if kind == "protocol" and any(hint in words.lower() for hint in _CUT_SHORT):
            kind = "network"
        phase = self._find_phase()
        if self._proxy and phase in ("dns", "connect"):
            words = f"{self._proxy} cannot be reached: {words}"
        return make_failure(kind, phase, words)


def _name_proxy(proxy: str, request: WireRequest) -> str:
    """The user's own by its place, without what it asks to be let in; an administrator's is theirs to know."""
    return f"the proxy {httpx.URL(proxy).netloc.decode('ascii')}" if proxy == request.proxy else "this server's proxy"


def _find_tls_error(error: BaseException | None) -> ssl.SSLError | None:
    """The TLS error that httpx and httpcore wrapped, if there is one."""
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error
