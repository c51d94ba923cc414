"""What a record holds: the bytes as they came, their stamps, the phases, and no secret."""

import asyncio
import gzip
import time
from collections.abc import Awaitable, Callable
from time import perf_counter_ns
from typing import Any

import pytest
import uvloop
from support.hostile import DONE, JSON, SETTLED_S, Peer, chunked, event, hostile, keep_alive, reply, sized

from byok_bench.errors import EndpointError
from byok_bench.wire.client import Client, WireRequest
from byok_bench.wire.limits import Limits, Timeouts
from byok_bench.wire.raw_exchange import RawExchange

QUICK = Timeouts(connect=2, first_byte=2, idle=2, total=10)
KEY = "sk-proj-0123456789abcdefghij0123456789"
STREAM = event("a") + event("ü") + DONE
WAYS = pytest.mark.parametrize(("transport", "clock"), [("own", "kernel"), ("own", "user"), ("httpx", "user")])


async def send(url: str, *, transport: Any = "own", clock: Any = "kernel", **fields: Any) -> RawExchange:
    fields = {"body": b'{"a":1}', "timeouts": QUICK, "terminator": "sse-done", **fields}
    async with Client(transport, clock=clock) as client, asyncio.timeout(20):
        return await client.send_request(WireRequest(id="r", url=url, **fields))


def body_of(record: RawExchange) -> bytes:
    return b"".join(data for _, data in record.chunks)


@WAYS
async def test_the_head_says_when_it_came(transport: str, clock: str) -> None:
    """Dates in headers can be counted from the moment of receipt, however much later the record is read."""
    before = time.time()
    async with hostile(keep_alive(sized(b"{}"))) as server:
        record = await send(server.url, transport=transport, clock=clock)
    assert record.head is not None
    assert record.head.received_s is not None
    assert before <= record.head.received_s <= time.time()


@WAYS
async def test_stamps_are_in_order_and_from_the_clock_that_is_named(transport: str, clock: str) -> None:
    """Phases and chunks are in order on the monotonic clock, and the record names the clock of its stamps."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(chunked(event("a"), last=b""))
        await asyncio.sleep(0.05)
        await peer.send(b"".join([chunked(event("b"), DONE).partition(b"\r\n\r\n")[2]]))

    before = perf_counter_ns()
    async with hostile(script) as server:
        record = await send(server.url, transport=transport, clock=clock)
    phases = record.phases
    stamps = [before, phases.start, phases.connect_end, phases.written, phases.head, phases.first_byte]
    stamps += [record.chunks[-1][0], phases.end, perf_counter_ns()]
    assert None not in stamps
    assert stamps == sorted(stamps)  # type: ignore[type-var]
    assert phases.done == record.chunks[-1][0]
    assert record.clock == clock
    assert record.peer == "127.0.0.1"


@WAYS
@pytest.mark.parametrize("size", [1, 2, 7])
async def test_cuts_change_nothing(transport: str, clock: str, size: int) -> None:
    """However a response is cut into packets, the same head, body and end are recorded."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.drip(b"HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n" + chunked(event("a"), event("ü"), DONE), size=size)
        await peer.silence()

    async with hostile(script) as server:
        record = await send(server.url, transport=transport, clock=clock)
    assert record.failure is None
    assert record.end == "done"
    assert record.head is not None
    assert record.head.get_header("content-type") == "text/event-stream"
    assert body_of(record) == STREAM


async def test_one_read_is_one_chunk() -> None:
    """Several frames of the chunked coding in one packet are one chunk of the record: reads are what is timed."""
    async with hostile(keep_alive(chunked(event("a"), event("b"), DONE))) as server:
        record = await send(server.url)
    assert len(record.chunks) == 1


async def test_stamps_are_those_of_arrival_not_of_reading() -> None:
    """A loop that is blocked when bytes arrive reads them late, and yet the kernel's stamp is that of their arrival."""
    blocked = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(chunked(event("a"), last=b""))
        blocked.set()
        await peer.silence()

    async with hostile(script) as server, Client() as client:
        request = WireRequest(id="r", url=server.url, terminator="sse-done", timeouts=Timeouts(idle=0.3))
        going = asyncio.create_task(client.send_request(request))
        await blocked.wait()
        begun = perf_counter_ns()
        while perf_counter_ns() - begun < 120_000_000:
            pass
        record = await going
    assert record.clock == "kernel"
    assert record.chunks[0][0] < begun + 60_000_000
    assert "loop_stalled" in record.flags
    assert client.lag.summarize().stalls >= 1


async def test_a_blocked_loop_is_no_silent_server() -> None:
    """Bytes that came in time but were read late do not trip the idle clock."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.drip(chunked(*[event()] * 8, DONE), 0.02, size=60)
        await peer.silence()

    async with hostile(script) as server, Client() as client:
        request = WireRequest(id="r", url=server.url, terminator="sse-done", timeouts=Timeouts(idle=0.1))
        going = asyncio.create_task(client.send_request(request))
        await asyncio.sleep(0.05)
        begun = perf_counter_ns()
        while perf_counter_ns() - begun < 300_000_000:
            pass
        record = await going
    assert (record.failure, record.end) == (None, "done")


def test_the_same_on_uvloop() -> None:
    """On uvloop too the kernel stamps the reads, and connections are kept."""

    async def main() -> list[RawExchange]:
        async with hostile(keep_alive(chunked(event(), DONE), sized(b"{}"))) as server, Client() as client:
            request = WireRequest(id="r", url=server.url, terminator="sse-done", timeouts=QUICK)
            first = await client.send_request(request)
            await asyncio.sleep(SETTLED_S)
            return [first, await client.send_request(request)]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        first, second = runner.run(main())
    assert (first.failure, first.end, first.clock) == (None, "done", "kernel")
    assert (second.failure, second.end, second.reused) == (None, "eof", True)


async def test_a_loop_that_watches_no_descriptors_stamps_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the loop cannot watch descriptors, reads are left to the loop and the record says `user`."""

    def refuse(*_args: object) -> None:
        raise NotImplementedError

    async with hostile(keep_alive(chunked(event(), DONE))) as server:
        monkeypatch.setattr(asyncio.get_running_loop(), "add_reader", refuse)
        record = await send(server.url)
    assert (record.failure, record.end, record.clock) == (None, "done", "user")


@WAYS
async def test_large_requests_arrive_whole(transport: str, clock: str) -> None:
    """A request larger than any socket buffer is written whole, and before its answer."""
    got: list[bytes] = []

    async def script(peer: Peer) -> None:
        await asyncio.sleep(0.1)
        got.append(await peer.request())
        await peer.send(sized(b"{}", JSON[:-2]))

    body = bytes(range(256)) * 40_000
    async with hostile(script) as server:
        record = await send(server.url, transport=transport, clock=clock, body=body)
    assert record.failure is None
    assert got[0].endswith(body)
    assert record.phases.written is not None
    assert record.phases.head is not None
    assert record.phases.written <= record.phases.head


async def test_a_server_that_takes_no_request_is_given_up() -> None:
    """When the server stops reading in the middle of a large request, the idle clock ends it in phase request."""

    async def script(peer: Peer) -> None:
        peer.stop_reading()
        await asyncio.sleep(10)

    async with hostile(script) as server:
        record = await send(server.url, body=b"x" * 30_000_000, timeouts=Timeouts(idle=0.3))
    assert record.failure is not None
    assert (record.failure.kind, record.failure.phase) == ("timeout", "request")


async def test_head_requests_end_with_the_head() -> None:
    """A response to HEAD has no body, whatever its length says."""
    async with hostile(keep_alive(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n")) as server:
        record = await send(server.url, method="HEAD", body=b"")
    assert (record.failure, record.end, record.chunks) == (None, "eof", [])


async def test_what_is_sent_is_what_was_asked_for() -> None:
    """The request line, the fields in their order and the body go out as given; queries and paths are escaped once."""
    got: list[bytes] = []

    async def script(peer: Peer) -> None:
        got.append(await peer.request())
        await peer.send(sized(b"{}"))

    async with hostile(script) as server:
        url = f"http://127.0.0.1:{server.port}/ä b/v1/chat?api-version=2024-10&x=%20"
        await send(url, headers=(("content-type", "application/json"), ("x-name", "wert")))
    assert got[0] == (
        b"POST /%%C3%%A4%%20b/v1/chat?api-version=2024-10&x=%%20 HTTP/1.1\r\nhost: 127.0.0.1:%d\r\n"
        b'content-type: application/json\r\nx-name: wert\r\ncontent-length: 7\r\n\r\n{"a":1}' % server.port
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"headers": (("x-a", "b\r\nx-evil: 1"),)},
        {"headers": (("x a", "b"),)},
        {"headers": (("x-a", "b\0"),)},
        {"url": "ftp://127.0.0.1/v1"},
        {"url": "http:///v1"},
        {"url": "http://127.0.0.1:99999/v1"},
    ],
)
async def test_what_cannot_be_written_down_is_refused(fields: dict[str, Any]) -> None:
    """A header that would become two, or a URL that is none, raises before anything is sent."""
    with pytest.raises(EndpointError) as caught:
        await send(fields.pop("url", "http://127.0.0.1:1/v1"), **fields)
    assert "evil" not in str(caught.value)


@WAYS
async def test_cancelling_closes_the_record_and_the_socket(transport: str, clock: str) -> None:
    """A cancelled exchange raises CancelledError, and the server sees the connection go."""
    asked, gone = asyncio.Event(), asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(chunked(event(), last=b""))
        asked.set()
        await peer.silence()
        gone.set()

    async with hostile(script) as server, Client(transport, clock=clock) as client:  # type: ignore[arg-type]
        request = WireRequest(id="r", url=server.url, terminator="sse-done")
        going = asyncio.create_task(client.send_request(request))
        await asked.wait()
        going.cancel()
        with pytest.raises(asyncio.CancelledError):
            await going
        await asyncio.wait_for(gone.wait(), 5)


def echo(status: bytes, *fields: bytes, body: bytes = b"") -> Callable[[Peer], Awaitable[None]]:
    return reply(sized(body or b'{"error":{"message":"bad key: %b"}}' % KEY.encode(), *fields, status=status))


@WAYS
@pytest.mark.parametrize(
    "script",
    [
        pytest.param(echo(b"401 No"), id="error body"),
        pytest.param(echo(b"200 OK"), id="good body"),
        pytest.param(echo(b"200 OK", b"x-echo: Bearer " + KEY.encode()), id="header"),
        pytest.param(echo(b"401 No", b"content-encoding: gzip", body=gzip.compress(KEY.encode())), id="gzip"),
        pytest.param(echo(b"401 No", b"content-encoding: br", body=KEY.encode()), id="no coding at all"),
        pytest.param(echo(b"200 OK", b"content-encoding: br", body=KEY.encode()), id="good, no coding at all"),
        pytest.param(
            echo(b"401 No", b"content-encoding: gzip", body=gzip.compress(b"no") + KEY.encode()),
            id="half gzip",
        ),
        pytest.param(
            echo(b"200 OK", b"content-encoding: gzip", body=gzip.compress(b"no") + KEY.encode()),
            id="good half gzip",
        ),
        pytest.param(echo(b"200 OK", b"content-encoding: gzip", body=gzip.compress(KEY.encode())), id="good gzip"),
    ],
)
async def test_no_record_holds_the_key(script: Callable[[Peer], Awaitable[None]], transport: str, clock: str) -> None:
    """A key that a server echoes is not in the record, in whatever part it came, and the record is marked."""
    async with hostile(script) as server:
        record = await send(
            server.url + f"?key={KEY}",
            transport=transport,
            clock=clock,
            headers=(("authorization", f"Bearer {KEY}"), ("x-other", KEY)),
            secrets=(KEY,),
            body=b'{"prompt":"%b"}' % KEY.encode(),
        )
    assert KEY not in repr(record)
    assert KEY.encode() not in body_of(record)
    assert gzip.compress(KEY.encode())[10:-8] not in body_of(record)
    assert "redacted" in record.flags
    assert dict(record.request.headers)["authorization"] == "[redacted]"


async def test_a_key_that_is_cut_by_packets_is_taken_out_too() -> None:
    """A key that arrives in pieces is replaced once, at the chunk where it began; all other bytes stay in theirs."""
    first, second = KEY[:10].encode(), KEY[10:].encode()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(chunked(b"data: " + first, last=b""))
        await asyncio.sleep(0.05)
        await peer.send(chunked(second + b" end\n\n").partition(b"\r\n\r\n")[2])

    async with hostile(script) as server:
        record = await send(server.url, secrets=(KEY,))
    assert [data for _, data in record.chunks] == [b"data: [redacted]", b" end\n\n"]


async def test_limits_hold_for_decoded_bytes() -> None:
    """Of a body that unfolds, as many decoded bytes are allowed as of a plain one."""
    body = gzip.compress(b'{"a":"' + b"x" * 900 + b'"}')
    async with hostile(keep_alive(sized(body, b"content-encoding: gzip"), sized(body))) as server:
        record = await send(server.url, limits=Limits(body_bytes=500), terminator="none")
    assert record.failure is not None
    assert (record.failure.kind, record.end) == ("protocol", "limit")
