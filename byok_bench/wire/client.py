"""Client: one request in, one RawExchange out.

`send_request` never raises for what a server, a network or a policy does: that is `RawExchange.failure`. A request
is sent once, never repeated and never redirected. Rules: docs/egress.md, docs/wire.md.
"""

from time import perf_counter_ns
from types import TracebackType
from typing import Self

from byok_bench.wire.cleaning.records import clean_record, clean_stream
from byok_bench.wire.connections.connector import Connector
from byok_bench.wire.connections.exchange_clocks import Flight
from byok_bench.wire.connections.http1 import build_request_head
from byok_bench.wire.egress.guard import EgressGuard, NotConnected, check_own_proxy
from byok_bench.wire.egress.proxies import find_proxy_problem, log_ignored_proxies
from byok_bench.wire.egress.resolver import Resolver
from byok_bench.wire.failures import make_failure
from byok_bench.wire.raw_exchange import Clock, Phases, RawExchange
from byok_bench.wire.recording.loop_lag import LagMonitor
from byok_bench.wire.stock_transport import StockTransports
from byok_bench.wire.wire_request import Sendable, Transport, WireRequest, to_raw_request, to_sendable

__all__ = ["Client", "Transport", "WireRequest"]


class Client:
    """Sends requests over connections that it keeps alive; belongs to one event loop.

    `transport`: `own` (timed, HTTP/1.1), `httpx` (the stock transport, HTTP/2 where h2 is installed and TLS agrees on
    it) or `http2` (that version alone); a request may name another one.
    `clock`: `kernel` takes the kernel's receive stamps where there are any, `user` never does.
    `proxy`: the administrator's, for every request; a request's own is taken in the local profile only.
    What goes through a proxy is carried by the stock transport.
    `searches_streams`: look at once for keys that are spread over the events of a stream; who says no does it later.
    """

    def __init__(
        self,
        transport: Transport = "own",
        *,
        resolver: Resolver | None = None,
        clock: Clock = "kernel",
        proxy: str | None = None,
        searches_streams: bool = True,
    ) -> None:
        log_ignored_proxies()
        self.lag = LagMonitor()
        """How the event loop kept up."""
        self._transport = transport
        self._guard = EgressGuard(resolver or Resolver())
        self._connector = Connector(clock=clock, guard=self._guard)
        self._stock: StockTransports | None = None
        self._proxy = proxy
        self._searches_streams = searches_streams

    async def __aenter__(self) -> Self:
        if self._transport == "own":
            self._connector.prepare()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection; an exchange that is under way ends as if its network was gone."""
        await self._connector.aclose()
        if self._stock is not None:
            await self._stock.aclose()

    async def send_request(self, request: WireRequest, *, started_ns: int | None = None) -> RawExchange:
        """Send `request` and record what comes back; `started_ns`: when it was meant to start, now if None.

        Raises EndpointError for a request that cannot be written down, and CancelledError.
        """
        sendable = to_sendable(request)
        phases = Phases(start=perf_counter_ns() if started_ns is None else started_ns)
        record = RawExchange(request=to_raw_request(request), phases=phases)
        self.lag.enter(record)
        try:
            proxy = self._choose_proxy(request)
            transport = self._transport if request.transport == "own" else request.transport
            if proxy is None and transport == "own":
                await self._carry_on_own(request, sendable, record)
            else:
                stock = self._get_stock_transports()
                await stock.carry(request, sendable, record, proxy, http2_alone=transport == "http2")
        except NotConnected as problem:
            record.failure = problem.reason
            record.peer = problem.peer
            record.end = "reset"
            phases.end = perf_counter_ns()
        finally:
            self.lag.leave(record)
        if record.chunks:
            phases.first_byte = record.chunks[0][0]
        clean_record(record, request.secrets, request.limits)
        if self._searches_streams:
            clean_stream(record, request.secrets)
        return record

    async def _carry_on_own(self, request: WireRequest, sendable: Sendable, record: RawExchange) -> None:
        timeouts = request.timeouts
        connection = await self._connector.connect(
            sendable.target,
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
            asked_to_stream=request.asked_to_stream,
            method=request.method,
            cancel=request.cancel,
        )
        try:
            connection.begin(flight)
            connection.write(build_request_head(request.method, sendable.path, sendable.headers) + request.body)
            await flight.landed
        finally:
            flight.abandon()
            self._connector.give_back(connection, sendable.target)

    def _choose_proxy(self, request: WireRequest) -> str | None:
        if request.proxy is not None and self._proxy is None:
            check_own_proxy(request.profile)
        proxy = self._proxy or request.proxy
        if proxy and (problem := find_proxy_problem(proxy)):
            raise NotConnected(make_failure("egress", "config", problem, code="proxy_invalid"))
        return proxy

    def _get_stock_transports(self) -> StockTransports:
        if self._stock is None:
            self._stock = StockTransports(self._guard)
        return self._stock
