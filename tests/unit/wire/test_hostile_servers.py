"""What servers do wrong, over real sockets: the right failure, in bounded time and memory, and never an exception."""

import asyncio
import gzip
import zlib
from typing import NamedTuple

import pytest
from support.hostile import (
    DONE,
    JSON,
    OK,
    SSE,
    Peer,
    Script,
    chunked,
    event,
    hostile,
    reply,
    sized,
)

from byok_bench.wire.client import Client, Transport, WireRequest
from byok_bench.wire.limits import Limits, Timeouts
from byok_bench.wire.raw import RawExchange

PATIENCE_S = 20
"""Longer than any case may take, machine under load included."""
QUICK = Timeouts(connect=5, first_byte=0.3, idle=0.3, total=5)
SMALL = Limits(
    head_bytes=4096,
    head_lines=50,
    body_bytes=20_000,
    error_read_bytes=5_000,
    line_bytes=3_000,
    stream_bytes=50_000,
    stream_events=300,
)
BOMB = gzip.compress(b"\n" * 30_000_000, 1)
"""30 MB out of less than 200 kB: over the limit of a document."""
LINE_BOMB = gzip.compress(b"z" * 30_000_000, 1)
"""The same as one line, over the limit of a stream's line."""
GET_OUT = b"HTTP/1.1 302 Found\r\nlocation: /v1/chat/completions\r\ncontent-length: 0\r\n\r\n"


class Case(NamedTuple):
    """A server and what has to be recorded of it."""

    name: str
    script: Script
    kind: str | None
    phase: str | None = None
    end: str | None = None
    timeouts: Timeouts = QUICK
    limits: Limits = Limits()
    status: int | None = None
    body: bytes | None = None
    flag: str | None = None

    def __str__(self) -> str:
        return self.name


async def reset_at_once(peer: Peer) -> None:
    peer.reset()


async def reset_after_request(peer: Peer) -> None:
    await peer.request()
    peer.reset()


async def reset_after_head(peer: Peer) -> None:
    await peer.request()
    await peer.send(OK + SSE + b"transfer-encoding: chunked\r\n\r\n")
    await asyncio.sleep(0.02)
    peer.reset()


async def reset_in_stream(peer: Peer) -> None:
    await peer.request()
    await peer.send(chunked(event("a"), last=b""))
    await asyncio.sleep(0.02)
    peer.reset()


async def reset_in_eof_body(peer: Peer) -> None:
    await peer.request()
    await peer.send(OK + JSON + b"\r\n{")
    await asyncio.sleep(0.02)
    peer.reset()


async def reset_after_done(peer: Peer) -> None:
    await peer.request()
    await peer.send(chunked(event(), DONE, last=b""))
    await asyncio.sleep(0.02)
    peer.reset()


async def silent(peer: Peer) -> None:
    await peer.silence()


async def silent_after_head(peer: Peer) -> None:
    await peer.request()
    await peer.send(OK + SSE + b"transfer-encoding: chunked\r\n\r\n")
    await peer.silence()


async def silent_in_head(peer: Peer) -> None:
    await peer.request()
    await peer.send(OK + b"content-ty")
    await peer.silence()


async def stalled_stream(peer: Peer) -> None:
    await peer.request()
    await peer.send(chunked(event("a"), last=b""))
    await peer.silence()


async def open_after_done(peer: Peer) -> None:
    await peer.request()
    await peer.send(chunked(event(), DONE, last=b""))
    await peer.silence()


async def half_closed(peer: Peer) -> None:
    await peer.request()
    await peer.send(chunked(event("a"), last=b""))
    await peer.half_close()


async def endless_interim(peer: Peer) -> None:
    await peer.request()
    await peer.flood(b"HTTP/1.1 100 Continue\r\n\r\n")


async def interim_then_silence(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n")
    await peer.silence()


async def dripping_interim(peer: Peer) -> None:
    await peer.request()
    for _ in range(8):
        await peer.send(b"HTTP/1.1 102 Processing\r\n\r\n")
        await asyncio.sleep(0.1)
    await peer.silence()


async def endless_header_line(peer: Peer) -> None:
    await peer.request()
    await peer.send(OK + b"x-endless: ")
    await peer.flood(b"a" * 1000)


async def endless_headers(peer: Peer) -> None:
    await peer.request()
    await peer.send(OK)
    await peer.flood(b"x: y\r\n" * 100)


async def endless_status_line(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 200 ")
    await peer.flood(b"O" * 1000)


async def endless_trailers(peer: Peer) -> None:
    await peer.request()
    await peer.send(chunked(event(), last=b"0\r\n"))
    await peer.flood(b"x-trailer: y\r\n" * 10)


async def endless_chunk_extension(peer: Peer) -> None:
    await peer.request()
    await peer.send(OK + SSE + b"transfer-encoding: chunked\r\n\r\n5;")
    await peer.flood(b"e" * 1000)


async def endless_line(peer: Peer) -> None:
    await peer.request()
    await peer.send(OK + SSE + b"\r\ndata: ")
    await peer.flood(b"z" * 1000)


async def endless_event(peer: Peer) -> None:
    await peer.request()
    await peer.send(OK + SSE + b"\r\n")
    await peer.flood(b"data: " + b"z" * 90 + b"\n")


async def endless_events(peer: Peer) -> None:
    await peer.request()
    await peer.send(OK + SSE + b"\r\n")
    await peer.flood(b"data: {}\n\n")


async def endless_comments(peer: Peer) -> None:
    await peer.request()
    await peer.send(OK + SSE + b"\r\n")
    await peer.flood(b": ping\n\n")


async def one_byte_a_packet(peer: Peer) -> None:
    await peer.request()
    await peer.send(OK + JSON + b"\r\n[")
    await peer.drip(b" " * 1_000)


async def endless_json(peer: Peer) -> None:
    await peer.request()
    await peer.send(OK + JSON + b"\r\n[")
    await peer.flood(b"1," * 500)


async def endless_error(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 500 Oops\r\ncontent-type: text/plain\r\n\r\n")
    await peer.flood(b"no " * 300)


async def dripping_stream(peer: Peer) -> None:
    await peer.request()
    await peer.send(OK + SSE + b"\r\n")
    while True:
        await peer.send(b":")
        await asyncio.sleep(0.05)


async def dripping_head(peer: Peer) -> None:
    await peer.request()
    await peer.send(OK)
    while True:
        await peer.send(b"x")
        await asyncio.sleep(0.05)


async def early_refusal(peer: Peer) -> None:
    """Answers before the request is read."""
    await peer.send(sized(b'{"error":"no"}', JSON[:-2], b"connection: close", status=b"413 Too Large"))
    await asyncio.sleep(0.05)


def coded(data: bytes, coding: bytes, *, stream: bool) -> Script:
    return reply(sized(data, SSE[:-2] if stream else JSON[:-2], b"content-encoding: " + coding))


TOTAL = Timeouts(connect=5, first_byte=5, idle=0.3, total=0.6)

CASES = [
    # No response.
    Case("closed at once", reply() and (lambda peer: asyncio.sleep(0)), "network", None, "reset"),
    Case("reset at once", reset_at_once, "network", None, "reset"),
    Case("closed after the request", reply(), "network", "headers", "reset"),
    Case("reset after the request", reset_after_request, "network", "headers", "reset"),
    Case("closed in the status line", reply(b"HTTP/1.1 20"), "network", "headers", "reset"),
    Case("closed in the headers", reply(OK + b"x: y\r\n"), "network", "headers", "reset"),
    Case("accepts and says nothing", silent, "timeout", "headers", "stall"),
    Case("silent in the head", silent_in_head, "timeout", "headers", "stall"),
    Case("interim answer, then silence", interim_then_silence, "timeout", "headers", "stall"),
    Case("interim answers do not stop the first-byte clock", dripping_interim, "timeout", "headers", "stall"),
    # Not HTTP.
    Case("HTTP/0.9", reply(b"<html>hello</html>"), "protocol", "headers", "reset"),
    Case("a banner of SSH", reply(b"SSH-2.0-OpenSSH_9.6\r\n"), "protocol", "headers", "reset"),
    Case(
        "HTTP/2 preface",
        reply(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03"),
        "protocol",
        "headers",
        "reset",
    ),
    Case("HTTP/3.0", reply(b"HTTP/3.0 200 OK\r\ncontent-length: 0\r\n\r\n"), "protocol", "headers", "reset"),
    Case("HTTP/2.0 in words", reply(b"HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n"), "protocol", "headers"),
    Case("status of two digits", reply(b"HTTP/1.1 20 OK\r\n\r\n"), "protocol", "headers", "reset"),
    Case(
        "status 000", reply(b"HTTP/1.1 000 Nil\r\ncontent-length: 0\r\n\r\n"), "protocol", "headers", "reset"
    ),
    Case(
        "switching protocols",
        reply(b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nhi"),
        "protocol",
        "headers",
    ),
    Case("header without a colon", reply(OK + b"what\r\n\r\n"), "protocol", "headers", "reset"),
    Case("space before the colon", reply(OK + b"x : y\r\n\r\n"), "protocol", "headers", "reset"),
    Case("folded header", reply(OK + b"x: a\r\n b\r\n\r\n"), "protocol", "headers", "reset"),
    Case("NUL in a header", reply(OK + b"x: a\0b\r\n\r\n"), "protocol", "headers", "reset"),
    # Head limits.
    Case("endless header line", endless_header_line, "protocol", "headers", "limit"),
    Case("endless headers", endless_headers, "protocol", "headers", "limit"),
    Case("endless status line", endless_status_line, "protocol", "headers", "limit"),
    Case(
        "200 header lines",
        reply(OK + b"x: y\r\n" * 199 + b"content-length: 0\r\n\r\n"),
        None,
        None,
        "eof",
        status=200,
    ),
    Case(
        "201 header lines",
        reply(OK + b"x: y\r\n" * 200 + b"content-length: 0\r\n\r\n"),
        "protocol",
        "headers",
        "limit",
    ),
    Case(
        "one header of 60 KiB",
        reply(OK + b"x: " + b"y" * 61_440 + b"\r\ncontent-length: 0\r\n\r\n"),
        None,
        None,
        "eof",
    ),
    Case(
        "one header of 70 KiB",
        reply(OK + b"x: " + b"y" * 71_680 + b"\r\ncontent-length: 0\r\n\r\n"),
        "protocol",
        "headers",
        "limit",
    ),
    Case("endless interim answers", endless_interim, "protocol", "headers", "limit"),
    Case(
        "ten interim answers",
        reply(b"HTTP/1.1 100 Continue\r\n\r\n" * 10 + sized(b"{}")),
        None,
        None,
        "eof",
        body=b"{}",
    ),
    Case(
        "eleven interim answers",
        reply(b"HTTP/1.1 100 Continue\r\n\r\n" * 11 + sized(b"{}")),
        "protocol",
        "headers",
        "limit",
    ),
    # Framing.
    Case(
        "two lengths",
        reply(OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}"),
        "protocol",
        "headers",
        "reset",
    ),
    Case("a negative length", reply(OK + b"content-length: -2\r\n\r\n{}"), "protocol", "headers", "reset"),
    Case("a length in words", reply(OK + b"content-length: two\r\n\r\n{}"), "protocol", "headers", "reset"),
    Case(
        "a length beyond 64 bits",
        reply(OK + b"content-length: " + b"9" * 30 + b"\r\n\r\n"),
        "protocol",
        "headers",
    ),
    Case(
        "length and chunked",
        reply(OK + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
        "protocol",
        "headers",
    ),
    Case(
        "chunked and length",
        reply(OK + b"transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n0\r\n\r\n"),
        "protocol",
        "headers",
    ),
    Case(
        "transfer coding gzip",
        reply(OK + b"transfer-encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        "protocol",
        "headers",
    ),
    Case(
        "less than the length",
        reply(OK + JSON + b"content-length: 20\r\n\r\n{}"),
        "network",
        "body",
        "reset",
        body=b"{}",
    ),
    Case(
        "more than the length",
        reply(OK + JSON + b"content-length: 2\r\n\r\n{}{}{}"),
        None,
        None,
        "eof",
        body=b"{}",
    ),
    Case(
        "no length, closed", reply(OK + JSON + b"connection: close\r\n\r\n{}"), None, None, "eof", body=b"{}"
    ),
    Case("no length, reset", reset_in_eof_body, "network", "body", "reset", body=b"{"),
    Case("HTTP/1.0", reply(b"HTTP/1.0 200 OK\r\n" + JSON + b"\r\n{}"), None, None, "eof", body=b"{}"),
    Case(
        "bare LF in the head",
        reply(b"HTTP/1.1 200 OK\ncontent-length: 2\n\n{}"),
        None,
        None,
        "eof",
        body=b"{}",
    ),
    Case(
        "chunk size that is no number",
        reply(chunked(event("a"), last=b"xyz\r\n")),
        "protocol",
        "stream",
        "reset",
        body=event("a"),
    ),
    Case("chunks with bare LF", reply(chunked(last=b"2\nhi\n0\n\n")), "protocol", "stream", "reset"),
    Case(
        "chunk size beyond 64 bits", reply(chunked(last=b"f" * 17 + b"\r\n")), "protocol", "stream", "reset"
    ),
    Case(
        "chunk longer than its size",
        reply(chunked(last=b"2\r\nabcd\r\n0\r\n\r\n")),
        "protocol",
        "stream",
        "reset",
    ),
    Case(
        "no last chunk", reply(chunked(event("a"), last=b"")), "network", "stream", "reset", body=event("a")
    ),
    Case("half closed", half_closed, "network", "stream", "reset", body=event("a")),
    Case(
        "trailers",
        reply(chunked(event("a"), last=b"0\r\nx-t: 1\r\n\r\n")),
        None,
        None,
        "eof",
        body=event("a"),
    ),
    Case("endless trailers", endless_trailers, "protocol", "stream", "limit"),
    Case("endless chunk extension", endless_chunk_extension, "protocol", "stream", "limit"),
    Case(
        "204 with a body",
        reply(b"HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\n{}"),
        None,
        None,
        "eof",
        body=b"",
    ),
    Case(
        "304 with a body",
        reply(b"HTTP/1.1 304 Same\r\ncontent-length: 2\r\n\r\n{}"),
        None,
        None,
        "eof",
        body=b"",
        status=304,
    ),
    Case(
        "a second response behind the first",
        reply(sized(b"{}") + sized(b"evil")),
        None,
        None,
        "eof",
        body=b"{}",
    ),
    # Streams that end in the middle.
    Case("reset after the head", reset_after_head, "network", "stream", "reset"),
    Case("reset in the stream", reset_in_stream, "network", "stream", "reset", body=event("a")),
    Case("stalled stream", stalled_stream, "timeout", "stream", "stall", body=event("a")),
    Case("silent after the head", silent_after_head, "timeout", "stream", "stall"),
    Case("drip of a byte at a time", dripping_stream, "timeout", "stream", "limit", TOTAL),
    Case("drip of header bytes", dripping_head, "timeout", "headers", "limit", TOTAL),
    Case("the answer comes before the request was read", early_refusal, None, None, "eof", status=413),
    # The terminator.
    Case("done", reply(chunked(event(), DONE)), None, None, "done"),
    Case("reset after done", reset_after_done, None, None, "done"),
    Case("open after done", open_after_done, None, None, "done", flag="open_after_done"),
    Case("no done", reply(chunked(event())), None, None, "eof"),
    Case(
        "done in words only",
        reply(chunked(event("[DONE]"), event("x"))),
        None,
        None,
        "eof",
        body=event("[DONE]") + event("x"),
    ),
    Case(
        "late bytes behind done are kept",
        reply(chunked(DONE, event("late"))),
        None,
        None,
        "done",
        body=DONE + event("late"),
    ),
    Case("framing breaks behind done", reply(chunked(DONE, last=b"xyz\r\n")), None, None, "done"),
    # Sizes.
    Case(
        "length over the limit",
        reply(sized(b"x" * 20_001, JSON[:-2])),
        "protocol",
        "body",
        "limit",
        limits=SMALL,
        body=b"",
    ),
    Case(
        "length at the limit",
        reply(sized(b"x" * 20_000, JSON[:-2])),
        None,
        None,
        "eof",
        limits=SMALL,
        body=b"x" * 20_000,
    ),
    Case(
        "claimed terabyte",
        reply(OK + JSON + b"content-length: 1099511627776\r\n\r\n{"),
        "protocol",
        "body",
        "limit",
        body=b"",
    ),
    Case(
        "one byte a packet",
        one_byte_a_packet,
        "protocol",
        "body",
        "limit",
        limits=Limits(stream_events=50),
    ),
    Case(
        "a reason of 60 KiB and 8 KiB of headers",
        reply(b"HTTP/1.1 200 " + b"O" * 61_440 + b"\r\nx: " + b"y" * 8192 + b"\r\ncontent-length: 0\r\n\r\n"),
        "protocol",
        "headers",
        "limit",
    ),
    Case("endless JSON", endless_json, "protocol", "body", "limit", limits=SMALL),
    Case(
        "endless error",
        endless_error,
        None,
        None,
        "limit",
        limits=SMALL,
        status=500,
        flag="body_cut",
        body=(b"no " * 3000)[:4096],
    ),
    Case("endless line", endless_line, "protocol", "stream", "limit", limits=SMALL),
    Case("endless event", endless_event, "protocol", "stream", "limit", limits=SMALL),
    Case("endless events", endless_events, "protocol", "stream", "limit", limits=SMALL),
    Case("endless comments", endless_comments, "protocol", "stream", "limit", limits=SMALL),
    Case("gzip bomb as JSON", coded(BOMB, b"gzip", stream=False), "protocol", "body", "limit"),
    Case("gzip bomb as a stream", coded(LINE_BOMB, b"gzip", stream=True), "protocol", "stream", "limit"),
    Case(
        "deflate bomb",
        coded(zlib.compress(b"\n" * 30_000_000, 1), b"deflate", stream=False),
        "protocol",
        "body",
        "limit",
    ),
    Case(
        "gzip bomb in an error",
        reply(sized(BOMB, b"content-encoding: gzip", status=b"500 Oops")),
        None,
        None,
        "limit",
        flag="body_cut",
    ),
    Case("gzip", coded(gzip.compress(event() + DONE), b"gzip", stream=True), None, None, "done"),
    Case("gzip that is none", coded(b"{}" * 10, b"gzip", stream=False), None, None, "eof", body=b"{}" * 10),
    Case("unknown coding", coded(b"??", b"br", stream=False), None, None, "eof", body=b"??"),
    # Redirects are answers like any other.
    Case("redirect to itself", reply(GET_OUT), None, None, "eof", status=302),
]


LENIENT_IN_STOCK = {
    "HTTP/0.9", "a banner of SSH", "HTTP/3.0", "HTTP/2.0 in words", "folded header", "length and chunked",
    "chunked and length", "chunk size beyond 64 bits", "chunks with bare LF",
}  # fmt: skip
"""What h11, the parser of stock httpx, reads in another way."""
BOUNDED_BY_STOCK = {
    "endless header line", "endless headers", "endless status line", "endless trailers", "endless chunk extension",
    "endless interim answers", "eleven interim answers",
}  # fmt: skip
"""What stock httpx bounds by sizes of its own, or by the clocks alone."""


async def exchanged(case: Case, transport: Transport) -> tuple[RawExchange, int]:
    """What a client with fresh connections records, and how many connections it took."""
    async with hostile(case.script) as server, Client(transport) as client:
        request = WireRequest(
            id="r-1",
            url=server.url,
            body=b"{}",
            terminator="sse-done",
            timeouts=case.timeouts,
            limits=case.limits,
        )
        async with asyncio.timeout(PATIENCE_S):
            record = await client.exchange(request)
        return record, len(server.peers)


def check(case: Case, record: RawExchange, connections: int) -> None:
    """The record is what the case names, and nothing was tried twice."""
    assert (record.failure and record.failure.kind) == case.kind, record.failure
    if case.phase is not None:
        assert record.failure is not None
        assert record.failure.phase == case.phase
    assert case.end is None or record.end == case.end
    assert case.status is None or (record.head is not None and record.head.status == case.status)
    assert case.body is None or b"".join(data for _, data in record.chunks) == case.body
    assert case.flag is None or case.flag in record.flags
    assert record.head is not None or record.chunks == []
    assert connections == 1
    assert record.phases.end is not None


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_hostile_server_gives_its_failure(case: Case) -> None:
    """Each server's misdeed has the failure kind, phase and end that its case names, after one connection."""
    check(case, *await exchanged(case, "own"))


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.name not in LENIENT_IN_STOCK | BOUNDED_BY_STOCK], ids=str
)
async def test_stock_httpx_is_held_to_the_same(case: Case) -> None:
    """With stock httpx the same misdeeds have the same failure, but for those that its parser reads otherwise."""
    check(case, *await exchanged(case, "httpx"))


@pytest.mark.parametrize("name", sorted(BOUNDED_BY_STOCK))
async def test_stock_httpx_is_bounded_too(name: str) -> None:
    """What stock httpx bounds in its own way ends all the same: the exchange returns."""
    case = next(case for case in CASES if case.name == name)
    record, connections = await exchanged(case, "httpx")
    assert record.phases.end is not None
    assert connections == 1
