"""Connector: hands out connections to judged addresses, new or kept alive.

In here: judging before every request, the keep-alive pool, dialling with TLS, and the words for what fails
before a request is written. Not in here: requests, responses, clocks of a flight. Rules: docs/egress.md.
"""

import asyncio
import ssl
from collections import defaultdict
from collections.abc import Mapping
from time import perf_counter_ns
from typing import Any, Final

import msgspec

from byok_bench.wire.connection import Connection
from byok_bench.wire.dial import canonical, dial
from byok_bench.wire.egress import Verdict
from byok_bench.wire.failures import Failure, failure
from byok_bench.wire.link import KernelHub, open_hub, open_link
from byok_bench.wire.raw import Clock, Phases
from byok_bench.wire.resolver import Resolver
from byok_bench.wire.tls import tls_context

IDLE_NS: Final = 60_000_000_000
"""A kept connection that nobody used for so long is closed."""


class NotConnected(Exception):
    """No connection was made; `reason` says why. Stays inside wire."""

    def __init__(self, reason: Failure) -> None:
        super().__init__(reason.message)
        self.reason = reason


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where a connection leads, and whose it is; equal targets share connections."""

    scheme: str
    host: str
    """ASCII, without brackets."""
    port: int
    key_id: str = ""
    """Requests with different keys never share a connection."""
    verify: bool = True
    ca_file: str | None = None

    @property
    def origin(self) -> str:
        """`scheme://host:port`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


class Connector:
    """The connections of one client on one event loop."""

    def __init__(self, *, clock: Clock = "kernel", resolver: Resolver | None = None) -> None:
        self._clock: Clock = clock
        self._resolver = resolver or Resolver()
        self._hub: KernelHub | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._idle: defaultdict[tuple[Target, str], list[Connection]] = defaultdict(list)
        self._open: set[Connection] = set()

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
        reached = ["dns"]
        try:
            async with asyncio.timeout(seconds):
                addresses = await self._judged(target, profile, policy, phases)
                kept = self._kept(target, addresses)
                if kept is not None:
                    return kept
                return await self._dialled(target, addresses, phases, reached)
        except TimeoutError:
            message = f"{_STEPS[reached[0]]} took longer than {seconds:g} s"
            raise NotConnected(failure("timeout", reached[0], message, code="connect")) from None
        except ssl.SSLError as error:
            raise NotConnected(failure("network", "tls", tls_words(error, target.host), code="tls")) from None
        except OSError as error:
            words = f"{_STEPS[reached[0]]} failed: {error.strerror or str(error) or type(error).__name__}"
            raise NotConnected(failure("network", reached[0], words)) from None

    def give_back(self, connection: Connection, target: Target) -> None:
        """The flight on `connection` is over: keep it if it can carry another, else close it."""
        if connection.release():
            self._idle[target, canonical(connection.peer)].append(connection)
        else:
            self._open.discard(connection)

    async def aclose(self) -> None:
        """Close every connection."""
        for connection in self._open:
            connection.close()
        self._open.clear()
        self._idle.clear()
        if self._hub is not None:
            self._hub.close()
            self._hub = None
        elif self._loop is not None:
            await asyncio.sleep(0)  # the loop's own transports close their sockets one pass later
        self._loop = None

    async def _judged(
        self, target: Target, profile: str, policy: Mapping[str, Any] | None, phases: Phases
    ) -> list[str]:
        """The addresses that may be dialled. Raises NotConnected with the verdict's reason."""
        judged = await self._resolver.judge(target.origin, profile, policy)
        phases.dns_start, phases.dns_end = judged.dns_start_ns, judged.dns_end_ns
        if judged.verdict.action != "allow":
            raise NotConnected(blocked(judged.verdict))
        return judged.verdict.addresses

    def _kept(self, target: Target, addresses: list[str]) -> Connection | None:
        """The latest idle connection to a judged address that is still alive; dead and old ones are closed."""
        oldest = perf_counter_ns() - IDLE_NS
        for address in addresses:
            idle = self._idle[target, address]
            while idle:
                connection = idle.pop()
                if connection.idle_since_ns > oldest and connection.usable():
                    return connection
                connection.close()
                self._open.discard(connection)
        return None

    async def _dialled(
        self, target: Target, addresses: list[str], phases: Phases, reached: list[str]
    ) -> Connection:
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop, self._hub = loop, open_hub(loop, self._clock)
        context = _context(target) if target.scheme == "https" else None
        reached[0] = "connect"
        sock, address = await dial(addresses, target.port)
        try:
            link = await open_link(loop, sock, self._hub)
        except BaseException:
            sock.close()
            raise
        phases.connect_end = perf_counter_ns()
        connection = Connection(link, address)
        if context is not None:
            reached[0] = "tls"
            try:
                await connection.start_tls(context, target.host)
            except BaseException:
                connection.close()
                raise
            phases.tls_end = perf_counter_ns()
        self._open.add(connection)
        return connection


def blocked(verdict: Verdict) -> Failure:
    """The failure that a refusing verdict is."""
    return failure("egress", "policy", verdict.message, code=verdict.reason)


_STEPS: Final = {"dns": "the name lookup", "connect": "the connection", "tls": "the TLS handshake"}


def _context(target: Target) -> ssl.SSLContext:
    try:
        return tls_context(target.verify, target.ca_file)
    except (OSError, ssl.SSLError):
        message = "the endpoint's CA file cannot be read, or holds no certificate in PEM form"
        raise NotConnected(failure("network", "tls", message, code="ca_file")) from None


def tls_words(error: ssl.SSLError, host: str) -> str:
    """What is wrong with a server's TLS, for people."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"the certificate of {host} is not trusted: {error.verify_message.rstrip('.')}. "
            "A private authority's certificate can be set as the endpoint's CA file"
        )
    reason = (error.reason or "unknown").replace("_", " ").lower()
    hint = (
        "; does it speak plain http there?" if "version number" in reason or "http request" in reason else ""
    )
    return f"the TLS handshake with {host} failed: {reason}{hint}"
