"""No exchange waits for what cannot come: on either loop, with either clock, whatever the server's timing."""

import asyncio
import contextlib
import errno
import socket
import struct
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
import uvloop
from support.hostile import DONE, JSON, OK, SETTLED_S, SSE, Peer, chunked, event, frame, hostile, reply, sized

from byok_bench.wire.client import Client, WireRequest
from byok_bench.wire.connections.socket_links import KernelLink
from byok_bench.wire.limits import Timeouts
from byok_bench.wire.raw_exchange import Clock, RawExchange

QUICK = Timeouts(connect=5, first_byte=5, idle=5, total=10)
ANSWER = sized(b"{}", JSON[:-2])
HEAD = OK + SSE + b"transfer-encoding: chunked\r\n\r\n"
WAYS = pytest.mark.parametrize("clock", ["kernel", "user"])
LOOPS = pytest.mark.parametrize(
    "loop",
    [pytest.param(asyncio.new_event_loop, id="asyncio"), pytest.param(uvloop.new_event_loop, id="uvloop")],
)
Loop = Callable[[], asyncio.AbstractEventLoop]


def run(loop: Loop, main: Coroutine[Any, Any, Any]) -> Any:
    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(main)


@contextlib.contextmanager
def blocking(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server in a thread of its own, which goes on while the client's loop stands still; for one connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(20)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)

    def serve() -> None:
        with listener, listener.accept()[0] as sock:
            sock.settimeout(20)
            talk(sock)

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    thread.join(20)
    assert not thread.is_alive()


@LOOPS
@WAYS
def test_a_reset_that_comes_together_with_data_is_noticed(loop: Loop, clock: Clock) -> None:
    """Bytes and the reset behind them, seen by a loop that was busy, end the exchange; the bytes are kept."""
    asked, gone = threading.Event(), threading.Event()

    def talk(sock: socket.socket) -> None:
        sock.recv(65_536)
        asked.set()
        time.sleep(0.05)
        sock.sendall(HEAD + frame(event("a")))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
        gone.set()

    async def main(url: str) -> RawExchange:
        async with Client(clock=clock) as client:
            request = WireRequest(id="w", url=url, body=b"{}", terminator="sse-done", timeouts=QUICK)
            going = asyncio.create_task(client.send_request(request))
            await asyncio.to_thread(asked.wait, 20)
            assert gone.wait(20)
            return await going

    with blocking(talk) as url:
        record = run(loop, main(url))
    assert record.failure is not None
    assert (record.failure.kind, record.end) == ("network", "reset")
    assert [data for _, data in record.chunks] == [event("a")]


async def speaks_first(peer: Peer) -> None:
    await peer.send(sized(b"{}", b"connection: close"))
    await peer.silence()


async def hangs_up(peer: Peer) -> None:
    await asyncio.sleep(0)


async def greets(peer: Peer) -> None:
    await peer.send(b"220 mail.example ESMTP\r\n")
    await peer.silence()


@LOOPS
@WAYS
@pytest.mark.parametrize(
    ("script", "kind"),
    [(speaks_first, None), (hangs_up, "network"), (greets, "protocol")],
    ids=["answer", "end", "banner"],
)
def test_what_comes_before_the_request_is_not_lost(loop: Loop, clock: Clock, script: Any, kind: str | None) -> None:
    """An answer, an end, or something else that arrives right behind the connection is what the exchange got."""

    async def main() -> RawExchange:
        async with hostile(script) as server, Client(clock=clock) as client, asyncio.timeout(20):
            return await client.send_request(WireRequest(id="w", url=server.url, body=b"{}", timeouts=QUICK))

    record = run(loop, main())
    assert (record.failure and record.failure.kind) == kind


@LOOPS
@WAYS
def test_an_interim_answer_is_no_answer(loop: Loop, clock: Clock) -> None:
    """Each request on a kept connection has the answer behind the interim one, and not its neighbour's."""

    async def script(peer: Peer) -> None:
        for number in range(3):
            await peer.request()
            await peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            await asyncio.sleep(0.02)
            await peer.send(sized(b"%d" % number, JSON[:-2]))

    async def main() -> list[RawExchange]:
        async with hostile(script) as server, Client(clock=clock) as client, asyncio.timeout(20):
            request = WireRequest(id="w", url=server.url, body=b"{}", timeouts=QUICK)
            first = await client.send_request(request)
            await asyncio.sleep(SETTLED_S)
            return [first, await client.send_request(request), await client.send_request(request)]

    records = run(loop, main())
    assert [b"".join(data for _, data in one.chunks) for one in records] == [b"0", b"1", b"2"]
    assert [one.reused for one in records] == [False, True, True]


@LOOPS
@WAYS
def test_a_server_that_reads_slowly_is_waited_for(loop: Loop, clock: Clock) -> None:
    """A request that takes longer than the idle clock arrives whole, as long as the server takes some of it."""
    size, step = 16_000_000, 1_000_000
    got = []

    def talk(sock: socket.socket) -> None:
        head, _, body = sock.recv(65_536).partition(b"\r\n\r\n")
        left, pause_at = size - len(body), size
        while left > 0:
            # Few long pauses, not many short ones: a busy machine makes each of them longer.
            if left <= pause_at:
                time.sleep(0.2)
                pause_at -= step
            data = sock.recv(65_536)
            if not data:
                return  # the client gave up; its record says why
            left -= len(data)
        got.append(head)
        sock.sendall(ANSWER)

    async def main(url: str) -> RawExchange:
        async with Client(clock=clock) as client:
            request = WireRequest(id="w", url=url, body=b"x" * size, timeouts=Timeouts(idle=1.5))
            return await client.send_request(request)

    with blocking(talk) as url:
        record = run(loop, main(url))
    assert record.failure is None, record.failure
    assert len(got) == 1


@LOOPS
def test_a_settled_connection_serves_on_either_loop(loop: Loop) -> None:
    """Streams follow each other on one connection where the loop reads, too."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(chunked(event(), DONE))

    async def main() -> list[RawExchange]:
        async with hostile(script) as server, Client(clock="user") as client, asyncio.timeout(20):
            request = WireRequest(id="w", url=server.url, body=b"{}", terminator="sse-done", timeouts=QUICK)
            first = await client.send_request(request)
            await asyncio.sleep(SETTLED_S)
            return [first, await client.send_request(request)]

    first, second = run(loop, main())
    assert (first.failure, second.failure) == (None, None)
    assert second.reused


async def test_a_request_that_the_system_refuses_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mock, since no system refuses on demand: `send` fails as it does without buffers, and no end is reported."""

    def refused(link: KernelLink) -> None:
        link._broken = OSError(errno.ENOBUFS, "no buffer space available")
        link._unsent.clear()

    async with hostile(reply(then="silence")) as server:
        monkeypatch.setattr(KernelLink, "send_unsent", refused)
        async with Client() as client:
            request = WireRequest(id="r", url=server.url, timeouts=Timeouts(connect=5, total=0.4))
            record = await asyncio.wait_for(client.send_request(request), 10)
    assert record.failure is not None
    assert (record.failure.kind, record.failure.phase, record.end) == ("timeout", "request", "limit")
