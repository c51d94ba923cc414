"""Connector: hands out connections to judged addresses, new or kept alive.

In here: judging before every request, dialling with TLS, and the words for what fails before a request is
written. Not in here: which kept connection is good (idle_pool.py), requests, responses, clocks of a flight.
Rules: docs/egress.md.
"""

import asyncio
import os
import ssl
from collections.abc import Mapping
from time import perf_counter_ns
from typing import Any, Final

from byok_bench.wire.connections.connection import Connection
from byok_bench.wire.connections.dialling import dial_first_reachable
from byok_bench.wire.connections.idle_pool import IdlePool
from byok_bench.wire.connections.socket_links import KernelHub, open_hub, open_link
from byok_bench.wire.connections.tls_failures import classify_tls_error
from byok_bench.wire.connections.tls_sessions import get_tls_context
from byok_bench.wire.egress.guard import EgressGuard, NotConnected, Target
from byok_bench.wire.failures import make_failure
from byok_bench.wire.raw_exchange import Clock, Phases


class Connector:
    """The connections of one client on one event loop."""

    def __init__(self, *, clock: Clock = "kernel", guard: EgressGuard) -> None:
        self._clock: Clock = clock
        self._guard = guard
        self._hub: KernelHub | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._idle = IdlePool()
        self._open: set[Connection] = set()

    def prepare(self) -> asyncio.AbstractEventLoop:
        """Make ready for the running loop: the sooner stamps are switched on, the surer the first read has one."""
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop, self._hub = loop, open_hub(loop, self._clock)
        elif self._loop is not loop:
            raise RuntimeError("a client belongs to the event loop that it was first used on")
        return loop

    async def connect(
        self,
        target: Target,
        phases: Phases,
        *,
        seconds: float,
        profile: str,
        policy: Mapping[str, Any] | None = None,
    ) -> Connection:
        """A connection that nothing was written to, within `seconds`. Raises NotConnected."""
        # Where nothing is waited for, a clock of its own would cost more than all the rest.
        addresses = self._guard.find_known_addresses(target, profile, policy)
        kept = self._idle.take(target, addresses)
        if kept is not None:
            return kept
        reached = DialProgress()
        try:
            async with asyncio.timeout(seconds):
                if not addresses:
                    addresses = await self._guard.require_addresses(target, profile, policy, phases)
                    kept = self._idle.take(target, addresses)
                if kept is not None:
                    return kept
                return await self._open_connection(target, addresses, phases, reached)
        except TimeoutError:
            message = f"{_STEPS[reached.phase]} took longer than {seconds:g} s"
            reason = make_failure("timeout", reached.phase, message, code="connect")
            raise NotConnected(reason, reached.peer) from None
        except ssl.SSLError as error:
            raise NotConnected(classify_tls_error(error, target.host), reached.peer) from None
        except OSError as error:
            said = os.strerror(error.errno) if error.errno else str(error) or type(error).__name__
            reason = make_failure("network", reached.phase, f"{_STEPS[reached.phase]} failed: {said}")
            raise NotConnected(reason, reached.peer) from None

    def give_back(self, connection: Connection, target: Target) -> None:
        """The flight on `connection` is over: keep it if it can carry another, else close it."""
        record = connection.record
        if record is not None:
            self._idle.learn(connection, target, record)
        if connection.release() and record is not None:
            self._idle.put(connection, target, record.head)

    async def aclose(self) -> None:
        """Close every connection."""
        for connection in list(self._open):
            connection.close()
        self._idle.close()
        if self._hub is not None:
            self._hub.close()
        elif self._loop is not None:
            await asyncio.sleep(0)  # the loop's own transports close their sockets one pass later
        self._loop = self._hub = None

    def _forget_connection(self, connection: Connection) -> None:
        self._open.discard(connection)
        self._idle.forget(connection)

    async def _open_connection(
        self, target: Target, addresses: list[str], phases: Phases, reached: "DialProgress"
    ) -> Connection:
        loop = self.prepare()
        context = (
            get_tls_context(target.verify, target.ca_file, target.client_certificate)
            if target.scheme == "https"
            else None
        )
        reached.phase = "connect"
        phases.connect_start = perf_counter_ns()
        sock, address = await dial_first_reachable(addresses, target.port)
        phases.connect_end = perf_counter_ns()
        reached.peer = address
        try:
            link = await open_link(loop, sock, self._hub)
        except BaseException:
            sock.close()
            raise
        connection = Connection(link, address, self._forget_connection)
        self._open.add(connection)
        if context is not None:
            reached.phase = "tls"
            try:
                await connection.start_tls(context, target.host)
            except BaseException:
                connection.close()
                raise
            phases.tls_end = perf_counter_ns()
        return connection


class DialProgress:
    """How far dialling came."""

    def __init__(self) -> None:
        self.phase = "dns"
        self.peer: str | None = None
        """The address at the other end, once TCP is up."""


_STEPS: Final = {"dns": "the name lookup", "connect": "the connection", "tls": "the TLS handshake"}
