"""HTTP/1.1 by hand: read a request, write a reply as timed bytes.

Chunked coding for streams, one HTTP chunk an event; Content-Length for all the rest.
"""

import asyncio
import socket
import struct
import zlib
from dataclasses import dataclass, field
from http import HTTPStatus
from time import perf_counter
from urllib.parse import parse_qsl

from byok_bench.backends.simulator.refusal import Refusal, make_bad_request
from byok_bench.backends.simulator.reply import Event, Headers, Reply

_LONGEST_HEAD = 64 * 1024
_LONGEST_BODY = 64 * 1024 * 1024
"""What is read at all; what is served is less (server.py)."""


@dataclass(frozen=True)
class Schedule:
    """When things go out, milliseconds."""

    ttft_ms: float = 10.0
    """Request read → first event (or the whole answer)."""
    gap_ms: float = 2.0
    """From one output delta to the next."""


@dataclass
class Request:
    """One request as read."""

    method: str
    path: str
    """Without the query."""
    headers: dict[str, str]
    """Lower-case names."""
    body: bytes
    number: int = 0
    """The n-th request for this path, counted from 1."""
    arrived: float = field(default_factory=perf_counter)
    query: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str | None:
        """The key that came with it, in any of the usual headers."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return token.strip()
        return self.headers.get("x-api-key") or self.headers.get("api-key")

    @property
    def is_keep_alive(self) -> bool:
        """Whether the client wants to use the connection again."""
        return self.headers.get("connection", "").lower() != "close"


async def receive_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request of a connection; None if the client is done. Raises Refusal for what is no HTTP."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError:
        raise Refusal(431, "The request's head is too large.") from None
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise make_bad_request("This is no HTTP/1.1 request.")
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if "chunked" in headers.get("transfer-encoding", "").lower():
        body = await _read_chunks(reader)
    else:
        body = await reader.readexactly(_read_length(headers.get("content-length", "0")))
    path, _, query = words[1].partition("?")
    return Request(words[0], path, headers, body, query=dict(parse_qsl(query)))


def _read_length(text: str, base: int = 10) -> int:
    try:
        length = int(text, base)
    except ValueError:
        raise make_bad_request("The length of the body is no number.") from None
    if not 0 <= length <= _LONGEST_BODY:
        raise Refusal(413, "The body is too large.", code="request_too_large")
    return length


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while length := _read_length((await reader.readline()).partition(b";")[0].decode("latin-1").strip(), 16):
        body += await reader.readexactly(length)
        _read_length(str(len(body)))
        await reader.readline()
    while (await reader.readline()).strip():
        pass  # trailers mean nothing here
    return body


class Wire:
    """The writing side of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send_reply(self, reply: Reply, schedule: Schedule, start: float, *, keep_alive: bool) -> bool:
        """Write a reply at its times, counted from `start` (perf_counter); False if the connection is over."""
        if reply.silent != "no":
            if reply.silent == "hang":
                await self._wait_for_client()
            return False
        if reply.is_stream:
            await _sleep_until(start + reply.head_ms / 1000)
            self._write_head(reply, _make_framing(reply), keep_alive)
            await self._writer.drain()
            await self._send_events(reply, schedule, start)
        else:
            await _sleep_until(start + schedule.ttft_ms / 1000 if reply.status < 400 else start)
            content = reply.encode_body()
            self._write_head(reply, {"content-length": str(len(content))}, keep_alive)
            half = len(content) if reply.ending == "clean" else len(content) // 2
            self._writer.write(content[:half])
        await self._writer.drain()
        return await self._end_body(reply) and keep_alive

    async def refuse(self, refusal: Refusal) -> None:
        """Answer what was no HTTP, and be done with the connection."""
        await self.send_reply(refusal.to_reply("chat"), Schedule(0, 0), perf_counter(), keep_alive=False)

    def _write_head(self, reply: Reply, framing: dict[str, str], keep_alive: bool) -> None:
        headers = {**framing, "connection": "keep-alive" if keep_alive else "close", **reply.headers}
        if reply.is_gzipped and reply.is_stream:
            headers["content-encoding"] = "gzip"
        lines = [f"{name}: {value}" for name, value in headers.items()]
        status = f"HTTP/1.1 {reply.status} {_find_reason(reply.status)}"
        self._writer.write("\r\n".join([status, *lines, "", ""]).encode("latin-1"))

    async def _send_events(self, reply: Reply, schedule: Schedule, start: float) -> None:
        """Each event when it is due: the first at ttft, each output delta one gap after the one before."""
        packer = zlib.compressobj(wbits=31) if reply.is_gzipped else None
        dues = [start + due / 1000 for due in compute_due_times(reply.events or [], schedule)]
        if reply.is_late:
            dues = [dues[-1]] * len(dues)
        for event, due in zip(reply.events or [], dues, strict=True):
            if due > perf_counter():
                await self._writer.drain()
                await _sleep_until(due)
            content = event.encode()
            if packer is not None:
                content = packer.compress(content)
                content += packer.flush(zlib.Z_SYNC_FLUSH) if reply.is_flushed else b""
            if self._writer.is_closing():
                return  # the client left in the middle, as some do on purpose
            self._write_part(content, reply.is_sized)
        if packer is not None:
            self._write_part(packer.flush(), reply.is_sized)

    def _write_part(self, content: bytes, sized: bool) -> None:
        if content:
            self._writer.write(content if sized else b"%x\r\n%s\r\n" % (len(content), content))

    async def _end_body(self, reply: Reply) -> bool:
        """End the body as told; whether the connection can be used again."""
        match reply.ending:
            case "clean":
                if reply.is_stream and not reply.is_sized:
                    self._writer.write(b"0\r\n\r\n")
                    await self._writer.drain()
                return True
            case "stall" | "open":
                await self._wait_for_client()
            case "reset":
                linger = struct.pack("ii", 1, 0)
                self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self._writer.transport.abort()
        return False

    async def _wait_for_client(self) -> None:
        """Say nothing until the client leaves."""
        while await self._reader.read(4096):
            pass


def _make_framing(reply: Reply) -> Headers:
    if not reply.is_sized:
        return {"transfer-encoding": "chunked"}
    return {"content-length": str(sum(len(event.encode()) for event in reply.events or []))}


def compute_due_times(events: list[Event], schedule: Schedule) -> list[float]:
    """Milliseconds from the request to each event. Events without output go out with the output before them."""
    times, sent = [], 0
    for event in events:
        sent += event.is_paced
        due = schedule.ttft_ms + schedule.gap_ms * max(0, sent - 1)
        times.append(due if event.due_ms is None else event.due_ms)
    return times


async def _sleep_until(due: float) -> None:
    if (wait := due - perf_counter()) > 0:
        await asyncio.sleep(wait)


def _find_reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
