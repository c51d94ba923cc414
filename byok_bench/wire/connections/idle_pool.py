"""IdlePool: the connections that a client keeps between two requests, and when one may carry the next.

A request that is lost on a kept connection may not be repeated, since nobody knows whether the server read it. So a
connection is used again only where its server is known, or was given the time, to hang up. Rules: docs/wire.md.
"""

import asyncio
import re
from time import perf_counter_ns
from typing import Final

from byok_bench.wire.connections.connection import Connection
from byok_bench.wire.egress.guard import Target
from byok_bench.wire.raw_exchange import RawExchange, RawHead

MOST_IDLE: Final = 256
"""Connections kept at a time, of all origins together; beyond that the one that was used longest ago is closed."""
IDLE_NS: Final = 1_500_000_000
"""How long an idle connection is trusted where the server does not say: less than the shortest time after which
common servers close one (gunicorn 2 s; uvicorn, Node and llama.cpp 5 s)."""
LONGEST_IDLE_NS: Final = 60_000_000_000
"""How long an idle connection is trusted at most, whatever the server says."""
MARGIN_NS: Final = 1_000_000_000
"""How much sooner than the server says it is given up: its clock began before ours."""
SETTLE_NS: Final = 100_000_000
"""How long a connection must have survived an answer before it is used again, until its server is known to keep one
open. llama.cpp's server announces keep-alive and hangs up after every stream, a moment after the last chunk."""
_TIMEOUT: Final = re.compile(r"(?:^|[,;\s])timeout\s*=\s*\"?(\d{1,9})", re.IGNORECASE)

PoolKey = tuple[Target, str]
"""Whose connections these are, and the address at the other end."""


class IdlePool:
    """Idle connections of one client, latest last."""

    def __init__(self, most: int = MOST_IDLE) -> None:
        self._most = most
        self._keys: dict[Connection, PoolKey] = {}
        """Every idle connection, in the order in which they became idle."""
        self._idle: dict[PoolKey, list[Connection]] = {}
        self._kept_open: set[tuple[Target, bool]] = set()
        """Servers that were seen to keep a connection open behind a document, behind a stream (True)."""
        self._lost: set[Target] = set()
        """Servers that closed under a request: each of their connections has to settle, for good."""
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._keys)

    def take(self, target: Target, addresses: list[str]) -> Connection | None:
        """A connection to one of the addresses that a request may be written to; dead and old ones are closed."""
        now = perf_counter_ns()
        for address in addresses:
            idle = self._idle.get((target, address))
            while idle:
                # The latest is the likeliest to live; when it is not settled yet, the first one may be.
                chosen = idle[-1] if self._is_settled(idle[-1], target, now) else idle[0]
                if not self._is_settled(chosen, target, now):
                    break
                self.forget(chosen)
                if now < chosen.trusted_until_ns and chosen.is_usable():
                    return chosen
                chosen.close()
        return None

    def put(self, connection: Connection, target: Target, head: RawHead | None) -> None:
        """Keep a connection that just carried an answer with this head."""
        connection.trusted_until_ns = connection.idle_since_ns + compute_trusted_ns(head)
        key = (target, connection.peer)
        self._keys[connection] = key
        self._idle.setdefault(key, []).append(connection)
        if len(self._keys) > self._most:
            next(iter(self._keys)).close()
        if self._timer is None:
            self._schedule_sweep(IDLE_NS)

    def learn(self, connection: Connection, target: Target, record: RawExchange) -> None:
        """Note what a reused connection showed; its `streamed` must still tell of the answer before."""
        if not record.reused:
            return
        if record.head is not None:
            self._kept_open.add((target, connection.streamed))
        elif record.failure is not None and record.failure.kind == "network":
            self._lost.add(target)

    def forget(self, connection: Connection) -> None:
        """The connection is no longer idle, or no longer open."""
        key = self._keys.pop(connection, None)
        if key is not None:
            idle = self._idle[key]
            idle.remove(connection)
            if not idle:
                del self._idle[key]

    def close(self) -> None:
        """Keep nothing, and look after nothing."""
        for connection in list(self._keys):
            connection.close()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _is_settled(self, connection: Connection, target: Target, now: int) -> bool:
        is_known = (target, connection.streamed) in self._kept_open and target not in self._lost
        return is_known or now - connection.idle_since_ns >= SETTLE_NS

    def _schedule_sweep(self, wait_ns: int) -> None:
        self._timer = asyncio.get_running_loop().call_later(wait_ns / 1e9, self._close_untrusted)

    def _close_untrusted(self) -> None:
        """Close what nothing may be written to any more, so that no descriptor is held for it."""
        self._timer = None
        now = perf_counter_ns()
        for connection in list(self._keys):
            if now >= connection.trusted_until_ns:
                connection.close()
        if self._keys:
            self._schedule_sweep(max(IDLE_NS, min(one.trusted_until_ns for one in self._keys) - now))


def compute_trusted_ns(head: RawHead | None) -> int:
    """How long a connection may idle behind an answer with this head: by its Keep-Alive header, else IDLE_NS."""
    said = _TIMEOUT.search((head.get_header("keep-alive") if head is not None else None) or "")
    if said is None:
        return IDLE_NS
    told = int(said[1]) * 1_000_000_000
    return min(max(told - MARGIN_NS, told // 2), LONGEST_IDLE_NS)
