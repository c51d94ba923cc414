"""SharedClient: what calls without a client of their own go through, one for each event loop and transport.

A client of its own for every call costs an epoll, a measurement of the clocks and a handshake each time, and many
epolls beside each other read late. The shared one is closed when nobody has used it for a while, and by
`asyncio.run` with the loop's other generators. Judging, keys and limits are those of each request, as in any client.
"""

import asyncio
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Final

from byok_bench.wire.client import Client
from byok_bench.wire.wire_request import Transport

IDLE_S: Final = 2.0
"""How long it stays open without a call: a little longer than its idle connections are trusted."""

_shared: Final[dict[tuple[asyncio.AbstractEventLoop, Transport], "SharedClient"]] = {}


def get_shared_client(transport: Transport = "own") -> "SharedClient":
    """The running loop's client, as `async with get_shared_client() as client`."""
    loop = asyncio.get_running_loop()
    for key in [key for key in list(_shared) if key[0].is_closed()]:
        del _shared[key]  # its loop ended without asking its generators to
    found = _shared.get((loop, transport))
    if found is None:
        found = _shared[loop, transport] = SharedClient(loop, transport)
    return found


class SharedClient:
    """A client, and how many calls are under way."""

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: Transport) -> None:
        self._loop = loop
        self._transport: Transport = transport
        self._calls = 0
        self._life = self._keep_client()
        self._client: Client | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Client:
        self._calls += 1
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._client is None:
            # Nothing in there waits for the loop, so no other call comes between.
            self._client = await anext(self._life)
        return self._client

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._calls -= 1
        if not self._calls:
            self._timer = self._loop.call_later(IDLE_S, self._end_client)

    async def _keep_client(self) -> AsyncGenerator[Client, None]:
        """A generator, because a loop that ends closes those that it knows."""
        try:
            async with Client(self._transport) as client:
                yield client
        finally:
            if _shared.get((self._loop, self._transport)) is self:
                del _shared[self._loop, self._transport]

    def _end_client(self) -> None:
        del _shared[self._loop, self._transport]
        self._ending = self._loop.create_task(self._life.aclose())
