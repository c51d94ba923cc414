"""A loopback server that does to a client whatever a test's script says, byte by byte. Stdlib only."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Literal

OK = b"HTTP/1.1 200 OK\r\n"
SSE = b"content-type: text/event-stream\r\n"
JSON = b"content-type: application/json\r\n"
DONE = b"data: [DONE]\n\n"
SETTLED_S = 0.13
"""A little longer than a connection must outlive a stream before it is used again."""
MUCH = 1 << 40
"""More bytes than any test should ever see sent."""


def event(text: str = "x") -> bytes:
    """One chat event."""
    return b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % text.encode()


def sized(body: bytes, *fields: bytes, status: bytes = b"200 OK") -> bytes:
    """A response with a Content-Length."""
    head = b"HTTP/1.1 %b\r\n" % status + b"".join(field + b"\r\n" for field in fields)
    return head + b"content-length: %d\r\n\r\n" % len(body) + body


def frame(data: bytes) -> bytes:
    """One chunk of the chunked coding."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def chunked(*parts: bytes, fields: bytes = SSE, last: bytes = b"0\r\n\r\n") -> bytes:
    """A chunked response."""
    return OK + fields + b"transfer-encoding: chunked\r\n\r\n" + b"".join(map(frame, parts)) + last


class Peer:
    """The server's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.number = number
        """Connections before this one."""
        self.sent = 0
        self.received = 0
        """Bytes of whole requests."""
        self._reader = reader
        self._writer = writer

    async def request(self) -> bytes:
        """Read one whole request; raises IncompleteReadError at the client's end of stream."""
        whole = await self._whole_request()
        self.received += len(whole)
        return whole

    async def _whole_request(self) -> bytes:
        head = await self._reader.readuntil(b"\r\n\r\n")
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                return head + await self._reader.readexactly(int(line.partition(b":")[2]))
            if line.startswith(b"transfer-encoding:"):
                return head + await self._reader.readuntil(b"0\r\n\r\n")
        return head

    async def send(self, data: bytes) -> None:
        """Send, and wait until the client's side takes it."""
        self._writer.write(data)
        self.sent += len(data)
        await self._writer.drain()

    async def drip(self, data: bytes, pause_s: float = 0.0, size: int = 1) -> None:
        """Send in pieces, each a packet of its own."""
        for start in range(0, len(data), size):
            await self.send(data[start : start + size])
            await asyncio.sleep(pause_s)

    async def flood(self, data: bytes) -> None:
        """Send the same bytes until the client goes away."""
        while self.sent < MUCH:
            await self.send(data * (1 + 8192 // len(data)))
            await asyncio.sleep(0)

    async def read(self) -> bytes:
        """What comes next, whatever it is; nothing at the client's end of stream."""
        return await self._reader.read(65_536)

    async def silence(self) -> None:
        """Nothing until the client goes away."""
        while await self._reader.read(65_536):
            pass

    def stop_reading(self) -> None:
        """Take nothing more off the socket."""
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]

    async def half_close(self) -> None:
        """End our stream and go on reading."""
        self._writer.write_eof()
        await self.silence()

    def reset(self) -> None:
        """Close with RST."""
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


Script = Callable[[Peer], Awaitable[None]]
Ending = Literal["close", "reset", "silence", "half"]


def reply(*parts: bytes | float, then: Ending = "close") -> Script:
    """Read a request, send the parts (a number is a pause in seconds), and end in one of four ways."""

    async def script(peer: Peer) -> None:
        await peer.request()
        for part in parts:
            if isinstance(part, bytes):
                await peer.send(part)
            else:
                await asyncio.sleep(part)
        if then == "reset":
            await asyncio.sleep(0.02)
            peer.reset()
        elif then == "silence":
            await peer.silence()
        elif then == "half":
            await peer.half_close()

    return script


def flooding(head: bytes, data: bytes) -> Script:
    """Read a request, send `head`, then the same bytes until the client goes away."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(head)
        await peer.flood(data)

    return script


def dripping(head: bytes, data: bytes, pause_s: float = 0.05, size: int = 1) -> Script:
    """Read a request, send `head`, then the same bytes, a packet each, until the client goes away."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(head)
        while True:
            await peer.drip(data, pause_s, size)

    return script


def keep_alive(*responses: bytes) -> Script:
    """Answer one request after the other on the same connection; then wait for the client to close."""

    async def script(peer: Peer) -> None:
        for response in responses:
            await peer.request()
            await peer.send(response)
        await peer.silence()

    return script


class Hostile:
    """What a running server saw."""

    def __init__(self, scheme: str, port: int) -> None:
        self.scheme = scheme
        self.port = port
        self.peers: list[Peer] = []

    @property
    def base_url(self) -> str:
        """Base URL by address."""
        return f"{self.scheme}://127.0.0.1:{self.port}/v1"

    @property
    def url(self) -> str:
        """URL of the chat route."""
        return f"{self.base_url}/chat/completions"


@asynccontextmanager
async def hostile(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[Hostile]:
    """Run `script` for every connection, on a port of its own; all of it ends with the block.

    An exception that any callback of the loop let through, on either side, fails the test.
    """
    loop = asyncio.get_running_loop()
    problems: list[object] = []
    loop.set_exception_handler(lambda _loop, context: problems.append(context))
    tasks: set[asyncio.Task[None]] = set()
    seen = Hostile("https" if tls else "http", 0)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        peer = Peer(reader, writer, len(seen.peers))
        seen.peers.append(peer)
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, asyncio.CancelledError):
            await script(peer)
        writer.close()
        with suppress(ConnectionError, ssl.SSLError, asyncio.CancelledError, TimeoutError):
            await writer.wait_closed()
        tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls, limit=1 << 24)
    seen.port = server.sockets[0].getsockname()[1]
    try:
        yield seen
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
        loop.set_exception_handler(None)
    assert not problems, problems
