"""A loopback server that plays replies of cases, one a connection. It imports nothing that it is used to test."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from support.cases import Reply

BREATH_S = 0.002
"""Pause between chunks, so that each is a read of its own where the kernel allows it."""


class CaseServer:
    """Answers the n-th connection with the n-th reply, and keeps the requests it saw."""

    def __init__(self, replies: Sequence[Reply]) -> None:
        self._replies = list(replies)
        self._gone = asyncio.Event()
        self.requests: list[bytes] = []
        self.port = 0

    @property
    def base_url(self) -> str:
        """Base URL to give to an endpoint."""
        return f"http://127.0.0.1:{self.port}/v1"

    def stop(self) -> None:
        """End all pauses."""
        self._gone.set()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one request, play one reply."""
        try:
            self.requests.append(await _read_request(reader))
            await self._play(self._replies.pop(0), writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client had what it wanted; what it made of it is asserted elsewhere
        finally:
            writer.close()

    async def _play(self, reply: Reply, writer: asyncio.StreamWriter) -> None:
        chunked = not reply.raw and reply.header("content-length") is None and reply.header("connection") != "close"
        waiting = b"" if reply.raw else head(reply, chunked=chunked)
        for step in reply.steps:
            if isinstance(step, bytes):
                await _send(writer, waiting)
                waiting = frame(step) if chunked else step
                continue
            await _send(writer, waiting)
            waiting = b""
            if isinstance(step, float):
                await self._pause(step)
            else:
                await self._cut(writer, reset=step == "reset")
                return
        await _send(writer, waiting + (b"0\r\n\r\n" if chunked else b""))

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._gone.wait(), seconds)
        except TimeoutError:
            return

    async def _cut(self, writer: asyncio.StreamWriter, *, reset: bool) -> None:
        await self._pause(0.03)  # what was sent before has to be read before
        if reset:
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()


def head(reply: Reply, *, chunked: bool) -> bytes:
    """Status line and headers."""
    lines = [f"HTTP/1.1 {reply.status} {reply.reason}"]
    lines += [f"{name}: {value}" for name, value in reply.headers]
    if chunked:
        lines.append("transfer-encoding: chunked")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def frame(data: bytes) -> bytes:
    """One HTTP chunk; nothing for no data, which would end the body."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    if data:
        writer.write(data)
        await writer.drain()
        await asyncio.sleep(BREATH_S)


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    before = await reader.readuntil(b"\r\n\r\n")
    for line in before.lower().split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length":
            return before + await reader.readexactly(int(value))
    return before


@asynccontextmanager
async def serving(replies: Sequence[Reply]) -> AsyncIterator[CaseServer]:
    """A server on a free loopback port that plays the replies in order."""
    played = CaseServer(replies)
    server = await asyncio.start_server(played.handle, "127.0.0.1", 0)
    played.port = server.sockets[0].getsockname()[1]
    async with server:
        yield played
        played.stop()
