"""Which connection a request goes out on: judged, dialled, kept, replaced, and closed in the end."""

import asyncio
import gc
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from support.hostile import (
    DONE,
    JSON,
    SETTLED_S,
    Hostile,
    Peer,
    chunked,
    event,
    hostile,
    keep_alive,
    reply,
    sized,
)

from byok_bench.wire import stock_transport
from byok_bench.wire.client import Client, WireRequest
from byok_bench.wire.connections import dialling as dialling
from byok_bench.wire.egress.resolver import Resolver
from byok_bench.wire.limits import Timeouts
from byok_bench.wire.raw_exchange import RawExchange

QUICK = Timeouts(connect=2, first_byte=2, idle=2, total=5)
STREAM = chunked(event(), DONE)
ANSWER = sized(b"{}", JSON[:-2])
CLOCKS = pytest.mark.parametrize("clock", ["kernel", "user"])


def request(url: str, **fields: Any) -> WireRequest:
    fields = {"body": b"{}", "timeouts": QUICK, "terminator": "sse-done", **fields}
    return WireRequest(id="c", url=url, **fields)


async def twice(
    script: Callable[[Peer], Awaitable[None]], *fields: dict[str, Any], clock: Any = "kernel"
) -> tuple[list[RawExchange], Hostile]:
    """Records of one request after the other on one client."""
    async with hostile(script) as server, Client(clock=clock) as client, asyncio.timeout(20):
        records = []
        for one in fields or ({}, {}):
            records.append(await client.send_request(request(server.url, **one)))
            await asyncio.sleep(SETTLED_S)
        return records, server


@CLOCKS
@pytest.mark.parametrize("answer", [STREAM, ANSWER])
async def test_a_connection_is_kept_alive(answer: bytes, clock: str) -> None:
    """The second request to an origin goes out on the first one's connection, and the record says so."""
    (first, second), server = await twice(keep_alive(answer, answer), clock=clock)
    assert [first.reused, second.reused] == [False, True]
    assert first.failure is second.failure is None
    assert second.phases.connect_end is None
    assert len(server.peers) == 1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(sized(b"{}", b"connection: close"), id="connection: close"),
        pytest.param(b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n{}", id="HTTP/1.0"),
        pytest.param(ANSWER + b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil", id="a second response"),
        pytest.param(ANSWER + b"x", id="a byte too many"),
        pytest.param(b"HTTP/1.1 204 None\r\n\r\n{}", id="204 with a body"),
        pytest.param(chunked(event(), DONE, last=b""), id="open after done"),
    ],
)
async def test_a_doubtful_connection_is_not_used_again(answer: bytes) -> None:
    """After a response that closes, or leaves bytes behind, the next request has a connection of its own."""
    (first, second), server = await twice(keep_alive(answer, answer))
    assert first.failure is second.failure is None
    assert second.reused is False
    assert len(server.peers) == 2


@CLOCKS
async def test_late_bytes_between_requests_close_the_connection(clock: str) -> None:
    """Bytes that arrive while nobody asked are never the answer to the next request."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(ANSWER)
        await asyncio.sleep(0.005)
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")
        await peer.silence()

    (first, second), server = await twice(script, clock=clock)
    assert [b"".join(data for _, data in one.chunks) for one in (first, second)] == [b"{}", b"{}"]
    assert len(server.peers) == 2


@pytest.mark.parametrize(("answer", "terminator"), [(STREAM, "sse-done"), (chunked(event()), "none")])
async def test_a_server_that_hangs_up_after_each_stream_loses_no_request(answer: bytes, terminator: str) -> None:
    """A request right behind a stream goes out on a connection of its own, not into one that is about to close.

    A stream need not end with [DONE]: the typed dialects have no such sentinel.
    """

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer)
        await asyncio.sleep(0.002)

    async with hostile(script) as server, Client() as client, asyncio.timeout(20):
        records = [await client.send_request(request(server.url, terminator=terminator)) for _ in range(5)]
    assert [one.failure for one in records] == [None] * 5


async def test_a_server_that_keeps_streams_open_is_learned() -> None:
    """Once a connection outlived its stream, the next ones are used again at once."""
    async with hostile(keep_alive(*[STREAM] * 4)) as server, Client() as client, asyncio.timeout(20):
        await client.send_request(request(server.url))
        await asyncio.sleep(SETTLED_S)
        records = [await client.send_request(request(server.url)) for _ in range(3)]
    assert [one.reused for one in records] == [True] * 3


@CLOCKS
async def test_a_connection_that_died_idle_is_replaced(clock: str) -> None:
    """A kept connection that the server closed is noticed before a byte is written, and replaced."""
    (first, second), server = await twice(reply(ANSWER), clock=clock)
    assert first.failure is second.failure is None
    assert second.reused is False
    assert len(server.peers) == 2


async def test_an_idle_death_that_the_loop_has_not_seen_is_noticed_too() -> None:
    """The end of stream counts even while it still waits in the socket's buffer."""
    async with hostile(reply(ANSWER)) as server, Client() as client:
        await client.send_request(request(server.url))
        hub = client._connector._hub
        assert hub is not None
        asyncio.get_running_loop().remove_reader(hub._epoll.fileno())
        await asyncio.sleep(0.05)
        second = await client.send_request(
            request(server.url, timeouts=Timeouts(connect=0.2, first_byte=0.2, idle=0.2))
        )
    assert second.reused is False
    assert len(server.peers) == 2


async def test_an_answer_that_came_before_the_request_was_written_ends_the_connection() -> None:
    """A connection on which half a request is still waiting carries no other."""

    async def script(peer: Peer) -> None:
        if peer.number == 0:
            peer.stop_reading()
            await peer.send(ANSWER)
            await asyncio.sleep(5)
        await keep_alive(ANSWER)(peer)

    (first, second), server = await twice(script, {"body": b"x" * 30_000_000}, {})
    assert first.failure is second.failure is None
    assert second.reused is False
    assert len(server.peers) == 2


async def test_nothing_is_sent_twice() -> None:
    """A server that takes a request on a kept connection and closes without an answer gets no second try."""
    got: list[bytes] = []

    async def script(peer: Peer) -> None:
        got.append(await peer.request())
        await peer.send(ANSWER)
        got.append(await peer.request())

    (_, second), server = await twice(script)
    assert second.reused is True
    assert second.failure is not None
    assert (second.failure.kind, second.failure.phase) == ("network", "headers")
    assert len(got) == 2
    assert len(server.peers) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [({"key_id": "a"}, {"key_id": "b"}), ({"verify": True}, {"verify": False})],
    ids=["keys", "verification"],
)
async def test_strangers_share_no_connection(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Requests with different keys, or different rules for TLS, never share a connection."""
    records, server = await twice(keep_alive(ANSWER, ANSWER), first, second)
    assert [one.reused for one in records] == [False, False]
    assert len(server.peers) == 2


async def test_a_kept_connection_is_judged_again() -> None:
    """A request whose policy denies the address is refused although a connection to it is open."""
    records, server = await twice(keep_alive(ANSWER, ANSWER), {}, {"policy": {"deny_cidrs": ["127.0.0.0/8"]}})
    assert records[1].failure is not None
    assert (records[1].failure.kind, records[1].failure.phase) == ("egress", "policy")
    assert records[1].failure.code == "address_denied"
    assert len(server.peers) == 1


async def test_a_name_that_moved_is_dialled_anew() -> None:
    """A kept connection to an address that the name no longer has is left alone."""
    answers = [["127.0.0.1"], ["127.0.0.2"]]
    async with hostile(keep_alive(ANSWER, ANSWER)) as server:
        resolver = Resolver(lambda host: answers.pop(0), max_age_s=0)
        async with Client(resolver=resolver) as client:
            url = f"http://bench.example.com:{server.port}/v1"
            first = await client.send_request(request(url))
            second = await client.send_request(request(url, timeouts=Timeouts(connect=0.5)))
    assert (first.peer, first.failure) == ("127.0.0.1", None)
    assert second.reused is False
    assert second.peer != "127.0.0.1"


async def test_refusals_name_their_reason_and_dial_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused address gives kind egress with the verdict's code, and nothing is dialled."""
    monkeypatch.setattr(dialling, "_connect", None)
    async with Client() as client:
        for url, code in (
            ("http://169.254.169.254/v1", "metadata_address"),
            ("http://93.184.216.34/v1", "insecure_http"),
            ("http://nowhere.example.com/v1", "dns_failed"),
        ):
            record = await client.send_request(request(url))
            assert record.failure is not None
            assert (record.failure.kind, record.failure.code) == ("egress", code)
            assert record.head is None
            assert record.phases.connect_end is None


async def test_dns_is_timed_and_bounded() -> None:
    """A lookup has its own phases, and one that hangs ends at the connect clock, in phase dns."""
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hang(host: str) -> list[str]:
        asyncio.run_coroutine_threadsafe(gone.wait(), loop).result(5)
        return []

    async with hostile(keep_alive(ANSWER)) as server:
        async with Client(resolver=Resolver(lambda host: ["127.0.0.1"])) as client:
            record = await client.send_request(request(f"http://bench.example.com:{server.port}/v1"))
        async with Client(resolver=Resolver(hang)) as client:
            stuck = await client.send_request(request("http://bench.example.com/v1", timeouts=Timeouts(connect=0.1)))
    gone.set()
    assert record.phases.dns_start is not None
    assert record.phases.dns_end is not None
    assert stuck.failure is not None
    assert (stuck.failure.kind, stuck.failure.phase) == ("timeout", "dns")


async def test_addresses_are_tried_in_turn() -> None:
    """When the first judged address refuses, the next one is dialled; the peer in the record is the one reached."""
    resolver = Resolver(lambda host: ["::1", "127.0.0.1"])
    async with hostile(keep_alive(ANSWER)) as server, Client(resolver=resolver) as client:
        record = await client.send_request(request(f"http://bench.example.com:{server.port}/v1"))
    assert record.failure is None
    assert record.peer == "127.0.0.1"


async def test_a_slow_address_does_not_hold_up_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that does not answer is overtaken after a quarter of a second, and its socket is closed."""
    connect, opened = dialling._connect, []

    async def slow_for_one(address: str, port: int) -> socket.socket:
        if address == "127.0.0.3":
            opened.append(asyncio.current_task())
            await asyncio.sleep(60)
        return await connect(address, port)

    monkeypatch.setattr(dialling, "_connect", slow_for_one)
    monkeypatch.setattr(dialling, "STAGGER_S", 0.01)
    async with hostile(keep_alive(ANSWER)) as server:
        sock, address = await dialling.dial_first_reachable(["127.0.0.3", "127.0.0.1"], server.port)
        sock.close()
    assert address == "127.0.0.1"
    assert [task.cancelled() for task in opened if task is not None] == [True]


def test_families_take_turns() -> None:
    """The first address stays first, then the families alternate, each in resolver order."""
    given = ["2001:db8::1", "2001:db8::2", "192.0.2.1", "192.0.2.2", "192.0.2.3"]
    assert dialling.order_by_family(given) == [
        "2001:db8::1",
        "192.0.2.1",
        "2001:db8::2",
        "192.0.2.2",
        "192.0.2.3",
    ]


async def test_a_peer_that_was_not_judged_is_left_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection whose other end is not a judged address is closed before a byte is written."""
    async with hostile(keep_alive(ANSWER)) as server, Client() as client:

        async def elsewhere(address: str, port: int) -> socket.socket:
            return await connect("127.0.0.1", port)

        connect = dialling._connect
        monkeypatch.setattr(dialling, "_connect", elsewhere)
        record = await client.send_request(request(f"http://127.0.0.9:{server.port}/v1"))
        await asyncio.sleep(0.02)
        assert server.peers[0].received == 0
    assert record.failure is not None
    assert (record.failure.kind, record.failure.phase) == ("network", "connect")


async def test_stock_httpx_sends_nothing_to_a_second_address_after_such_a_peer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """There the request is out before the peer is known; it is not sent again, and nothing of the answer is kept."""
    monkeypatch.setattr(stock_transport, "is_judged_address", lambda peer, addresses: False)
    monkeypatch.setattr(stock_transport, "order_by_family", lambda addresses: [*addresses, *addresses])
    async with hostile(keep_alive(ANSWER, ANSWER)) as server, Client("httpx") as client:
        record = await client.send_request(request(server.url))
        assert len(server.peers) == 1
    assert record.failure is not None
    assert record.failure.kind == "network"
    assert record.head is None


async def test_a_proxy_that_is_down_is_named_without_its_password() -> None:
    """It is not the endpoint that could not be reached; an administrator's is not shown to those who use it."""
    url, proxy = "http://127.0.0.1:9/v1/chat/completions", "http://me:s3cret-word@127.0.0.1:1"
    async with Client() as own, Client(proxy=proxy) as of_all:
        records = [await own.send_request(request(url, proxy=proxy)), await of_all.send_request(request(url))]
    told = [record.failure.message for record in records if record.failure is not None]
    assert [words.partition(": ")[0] for words in told] == [
        "the proxy 127.0.0.1:1 cannot be reached", "this server's proxy cannot be reached",
    ]  # fmt: skip


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@CLOCKS
async def test_hundreds_of_exchanges_leave_nothing_behind(clock: Any) -> None:
    """Sockets, tasks and file descriptors are as many after hundreds of good, bad and cancelled exchanges as before."""

    async def script(peer: Peer) -> None:
        while True:
            got = await peer.request()
            if b"reset" in got:
                peer.reset()
                return
            if b"stall" in got:
                await peer.send(chunked(event(), last=b""))
                await peer.silence()
                return
            await peer.send(STREAM)

    async with hostile(script) as server:
        before, tasks = open_files(), len(asyncio.all_tasks())
        async with Client(clock=clock) as client:
            for round_ in range(10):
                bodies = [b"fine"] * 20 + [b"reset"] * 5 + [b"stall"] * 5
                going = [asyncio.create_task(client.send_request(request(server.url, body=body))) for body in bodies]
                await asyncio.sleep(0.05)
                for task in going[25:]:
                    task.cancel()
                outcomes = await asyncio.gather(*going, return_exceptions=True)
                good = [one for one in outcomes if isinstance(one, RawExchange) and one.failure is None]
                assert len(good) == 20, round_
            # Behind a lost request each connection has to settle: those of the latest rounds wait beside the used.
            assert len(client._connector._open) <= 60
        await asyncio.sleep(0.05)
    gc.collect()
    assert open_files() <= before
    assert len(asyncio.all_tasks()) <= tasks


async def test_an_exchange_leaves_no_cycle_for_the_collector() -> None:
    """With the garbage collector off, what an exchange made is freed when its record is dropped."""
    async with hostile(keep_alive(*[STREAM] * 30)) as server, Client() as client:
        await client.send_request(request(server.url))
        gc.collect()
        gc.disable()
        try:
            kinds = ("Flight", "Answer", "Recorder", "StreamMeter", "RawExchange")
            others = {id(one) for one in gc.get_objects()}  # modules of other tests keep records of their own
            for _ in range(10):
                await client.send_request(request(server.url))
            left = [one for one in gc.get_objects() if type(one).__name__ in kinds and id(one) not in others]
        finally:
            gc.enable()
    assert left == []


async def test_closing_the_client_ends_what_is_under_way() -> None:
    """An exchange that is under way when the client is closed ends as a network failure, at once."""
    async with hostile(lambda peer: peer.silence()) as server:
        client = Client()
        going = asyncio.create_task(client.send_request(request(server.url)))
        await asyncio.sleep(0.05)
        await client.aclose()
        record = await asyncio.wait_for(going, 5)
    assert record.failure is not None
    assert (record.failure.kind, record.failure.code) == ("network", "client_closed")
