"""Servers that close without saying so: no good exchange pays for it, and no descriptor stays behind.

The shape is uvicorn's (encode/uvicorn uvicorn/protocols/http: a 500 for an unhandled exception, then the socket is
closed, with no `connection: close`) and llama.cpp's behind a stream.
"""

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvloop
from support.hostile import DONE, JSON, SETTLED_S, Peer, chunked, event, hostile, keep_alive, sized

from byok_bench.wire.client import Client, WireRequest
from byok_bench.wire.connections import idle_pool
from byok_bench.wire.connections.idle_pool import compute_trusted_ns
from byok_bench.wire.egress.guard import Target
from byok_bench.wire.limits import Timeouts
from byok_bench.wire.raw_exchange import RawExchange, RawHead

QUICK = Timeouts(connect=5, first_byte=5, idle=5, total=10)
GOOD = sized(b"{}", JSON[:-2])
STREAM = chunked(event(), DONE)
Script = Callable[[Peer], Awaitable[None]]
CLIENTS = pytest.mark.parametrize(
    "client",
    [{}, {"clock": "user"}, {"transport": "httpx"}],
    ids=["kernel", "user", "stock"],
)


def closing_behind(answer: bytes, pause_s: float, *, reset: bool) -> Script:
    """Keep alive behind good answers; behind the other one close after a pause, and say nothing of it."""

    async def script(peer: Peer) -> None:
        while b"bad" not in await peer.request():
            await peer.send(GOOD)
        await peer.send(answer)
        await asyncio.sleep(pause_s)
        if reset:
            peer.reset()

    return script


async def asked(client: Client, url: str, *bodies: bytes) -> list[RawExchange]:
    requests = [WireRequest(id="s", url=url, body=body, timeouts=QUICK, terminator="sse-done") for body in bodies]
    return [await client.send_request(one) for one in requests]


@CLIENTS
@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
@pytest.mark.parametrize("pause_s", [0.0, 0.005], ids=["at once", "after 5 ms"])
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(sized(b"Internal Server Error", b"content-type: text/plain", status=b"500 No"), id="500"),
        pytest.param(sized(b"{}", JSON[:-2], status=b"503 Busy"), id="503"),
        pytest.param(sized(b"{}", JSON[:-2], status=b"422 No"), id="422"),
        pytest.param(GOOD, id="200"),
        pytest.param(STREAM, id="stream"),
    ],
)
async def test_a_silent_close_fails_no_request_behind_it(
    answer: bytes, pause_s: float, reset: bool, client: dict[str, Any]
) -> None:
    """Good and bad requests in turns: each has its answer, whatever the server does to the connection then."""
    bodies = [b"bad", b"fine"] * 5
    async with hostile(closing_behind(answer, pause_s, reset=reset)) as server, Client(**client) as own:
        records = await asked(own, server.url, *bodies)
    assert [one.failure for one in records] == [None] * len(bodies)


@CLIENTS
@pytest.mark.parametrize("status", [b"500 No", b"404 No", b"302 No"])
async def test_nothing_follows_behind_a_refusal(status: bytes, client: dict[str, Any]) -> None:
    """A connection that carried anything but a 2xx is closed at once, also where the server would keep it."""
    answer = sized(b"{}", JSON[:-2], status=status)
    async with hostile(keep_alive(answer, answer)) as server, Client(**client) as own:
        for _ in range(2):
            await asked(own, server.url, b"{}")
            await asyncio.sleep(SETTLED_S)
        assert len(server.peers) == 2


@pytest.mark.parametrize("clock", ["kernel", "user"])
async def test_a_connection_lost_under_a_request_is_told_as_what_it_is(clock: Any) -> None:
    """The words say that the connection was a kept one; nothing is sent twice, and from then on each settles."""

    async def script(peer: Peer) -> None:
        while b"bad" not in await peer.request():
            await peer.send(GOOD)

    async with hostile(script) as server, Client(clock=clock) as own:
        await asked(own, server.url, b"{}")
        await asyncio.sleep(SETTLED_S)
        _, lost, first, second = await asked(own, server.url, b"{}", b"bad", b"{}", b"{}")
    assert lost.failure is not None
    assert (lost.failure.kind, lost.failure.retryable, lost.reused) == ("network", True, True)
    assert "kept from an earlier request" in lost.failure.message
    assert (first.failure, second.failure) == (None, None)
    assert second.reused is False
    assert len(server.peers) == 3


async def test_idle_connections_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many at once leave no more descriptors open than the pool may hold."""
    monkeypatch.setattr(idle_pool.IdlePool.__init__, "__defaults__", (3,))
    async with hostile(keep_alive(GOOD)) as server, Client() as own:
        await asyncio.gather(*[asked(own, server.url, b"{}") for _ in range(20)])
        assert len(own._connector._open) == 3


async def test_idle_connections_are_closed_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too old to be used is closed without a next request, also at another origin."""
    monkeypatch.setattr(idle_pool, "IDLE_NS", 50_000_000)
    async with hostile(keep_alive(GOOD)) as server, Client() as own:
        await asked(own, server.url, b"{}")
        assert len(own._connector._open) == 1
        await asyncio.sleep(0.2)
        assert len(own._connector._open) == 0


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (None, 1.5),
        ("timeout=5", 4),
        ("timeout=5, max=100", 4),
        ("max=100,timeout=75", 60),
        ("timeout=1", 0.5),
        ("timeout=0", 0),
        ("TIMEOUT = 20", 19),
        ("x-timeout=9", 1.5),
        ("timeout", 1.5),
    ],
)
def test_a_server_may_say_how_long_it_waits(said: str | None, seconds: float) -> None:
    """Keep-Alive (RFC 2068, 19.7.1.1): a connection is given up sooner than that, and never trusted for long."""
    fields = () if said is None else (("keep-alive", said),)
    assert compute_trusted_ns(RawHead(status=200, http="1.1", headers=fields)) == seconds * 1e9


async def test_the_oldest_idle_connection_goes_first() -> None:
    """The bound closes the connection that was idle for longest, whatever its origin."""
    async with hostile(keep_alive(GOOD)) as one, hostile(keep_alive(GOOD)) as two, Client() as own:
        own._connector._idle = idle_pool.IdlePool(most=1)
        await asked(own, one.url, b"{}")
        await asked(own, two.url, b"{}")
        (left,) = own._connector._open
        assert list(own._connector._idle._keys) == [left]
        assert own._connector._idle._keys[left] == (
            Target(scheme="http", host="127.0.0.1", port=two.port),
            "127.0.0.1",
        )


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("clock", ["kernel", "user"])
@pytest.mark.parametrize("last_words", [b"", b"HTTP/1.1 408 Late\r\ncontent-length: 0\r\n\r\n"], ids=["end", "bytes"])
def test_what_waits_unread_on_an_idle_connection_counts(last_words: bytes, clock: Any, loop: Any) -> None:
    """A loop that was busy has seen neither the end nor the bytes in front of it; the socket is asked itself."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)

    def serve() -> None:
        with listener:
            for words in (last_words, b""):
                with listener.accept()[0] as peer:
                    peer.recv(65_536)
                    peer.sendall(GOOD)
                    time.sleep(0.02)
                    peer.sendall(words)

    async def main() -> list[RawExchange]:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        async with Client(clock=clock) as own:
            (first,) = await asked(own, url, b"{}")
            time.sleep(0.2)  # noqa: ASYNC251 - the loop stands still, as under a busy cell
            return [first, *await asked(own, url, b"{}")]

    thread = threading.Thread(target=serve)
    thread.start()
    with asyncio.Runner(loop_factory=loop) as runner:
        first, second = runner.run(main())
    thread.join(10)
    assert (first.failure, second.failure, second.reused) == (None, None, False)
