"""Small reverse proxies that hold a stream back as real ones do: nginx while it compresses, HAProxy by corking."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from support.hostile import Peer, hostile

Relay = Callable[[bytes, asyncio.StreamReader, Peer], Awaitable[None]]
"""(request, what the server answers, the client): hands the answer on."""


async def pass_on(request: bytes, answer: asyncio.StreamReader, peer: Peer) -> None:
    """Each read as it comes."""
    while data := await answer.read(65_536):
        await peer.send(data)


async def compress_whole(request: bytes, answer: asyncio.StreamReader, peer: Peer) -> None:
    """To a client that accepts gzip nothing before the end (nginx: `gzip on`, proxy_buffering on); to others all."""
    if b"accept-encoding: gzip" not in request.lower():
        await pass_on(request, answer, peer)
        return
    whole = await answer.read()
    head, _, body = whole.partition(b"\r\n\r\n")
    fields = [
        line for line in head.split(b"\r\n") if not line.lower().startswith((b"transfer-encoding", b"content-length"))
    ]
    packed = gzip.compress(_unchunked(body) if b"chunked" in head.lower() else body)
    fields += [b"content-encoding: gzip", b"content-length: %d" % len(packed)]
    await peer.send(b"\r\n".join(fields) + b"\r\n\r\n" + packed)


async def cork(request: bytes, answer: asyncio.StreamReader, peer: Peer) -> None:
    """What came within 200 ms in one write (HAProxy without `option http-no-delay`)."""
    held: list[bytes] = []
    loop = asyncio.get_running_loop()
    due = loop.time() + 0.2
    while True:
        try:
            async with asyncio.timeout_at(due):
                data = await answer.read(65_536)
        except TimeoutError:
            due += 0.2
        else:
            held.append(data)
            if data:
                continue
            due = float("inf")
        if held:
            await peer.send(b"".join(held))
            held.clear()
        if due == float("inf"):
            return


@asynccontextmanager
async def proxy(port: int, relay: Relay) -> AsyncIterator[str]:
    """The base URL of a proxy in front of a server on `port`; one request a connection."""

    async def script(peer: Peer) -> None:
        request = await peer.request()
        answer, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(request.replace(b"\r\n", b"\r\nconnection: close\r\n", 1))
            await relay(request, answer, peer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async with hostile(script) as server:
        yield server.base_url


def _unchunked(body: bytes) -> bytes:
    parts = []
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        parts.append(rest[:length])
        body = rest[length + 2 :] if length else b""
    return b"".join(parts)
