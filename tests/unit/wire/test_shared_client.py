"""Calls without a client of their own: one client for the loop, and nothing left behind."""

import asyncio
import gc
import os
from collections.abc import Callable
from typing import Any

import pytest
import uvloop
from support.hostile import JSON, SETTLED_S, hostile, keep_alive, sized

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.endpoints.send import send
from byok_bench.wire import shared_client
from byok_bench.wire.egress.resolver import Resolver
from byok_bench.wire.shared_client import get_shared_client

ANSWER = sized(b'{"choices":[{"index":0,"message":{"role":"assistant","content":"hi"}}]}', JSON[:-2])
ASK: dict[str, Any] = {"messages": [{"role": "user", "content": "hi"}]}
LOOPS = pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])


def endpoint(url: str) -> Endpoint:
    return Endpoint(label="shared", base_url=url, models=[Model("m")])


def open_files() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


async def test_calls_without_a_client_keep_connections_alive() -> None:
    """As calls with one do; another endpoint at the same address has connections of its own."""
    async with hostile(keep_alive(*[ANSWER] * 3)) as server:
        one, other = endpoint(server.base_url), endpoint(server.base_url)
        first = await send(one, ASK)
        await asyncio.sleep(SETTLED_S)
        second, strange = await send(one, ASK), await send(other, ASK)
    assert [each.error for each in (first, second, strange)] == [None] * 3
    assert [each.raw.reused for each in (first, second, strange)] == [False, True, False]


async def test_a_resolver_makes_a_client_of_its_own() -> None:
    """What a caller brings to find addresses counts for its call alone."""
    async with hostile(keep_alive(*[ANSWER] * 3)) as server:
        url = f"http://bench.example.com:{server.port}/v1"
        found = await send(endpoint(url), ASK, resolver=Resolver(lambda host: ["127.0.0.1"]))
        unknown = await send(endpoint(url), ASK)
    assert found.error is None
    assert unknown.error is not None
    assert unknown.error.kind == "egress"


async def test_each_transport_has_its_own() -> None:
    """The stock transport is not the timed one."""
    async with get_shared_client() as own, get_shared_client("httpx") as stock, get_shared_client() as again:
        assert own is again
        assert own is not stock


@LOOPS
def test_a_loop_that_ends_closes_it(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """`asyncio.run` and its runner leave no descriptor behind, although the connections were kept."""

    async def main() -> None:
        async with hostile(keep_alive(ANSWER)) as server:
            await send(endpoint(server.base_url), ASK)

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(asyncio.sleep(0))  # uvloop's first one keeps two of its own
    before = open_files()
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(main())
    assert open_files() <= before
    assert not shared_client._shared


async def test_a_loop_that_lives_on_closes_it_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook's loop never ends: a while after the last call nothing is held, and the next call opens anew."""
    monkeypatch.setattr(shared_client, "IDLE_S", 0.1)
    async with hostile(keep_alive(ANSWER)) as server:
        for _ in range(2):
            exchange = await send(endpoint(server.base_url), ASK)
            assert exchange.error is None
            assert shared_client._shared
            await asyncio.sleep(0.3)
            assert not shared_client._shared


async def test_a_call_that_is_cancelled_gives_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever stops waiting no longer counts."""
    monkeypatch.setattr(shared_client, "IDLE_S", 0.05)
    async with hostile(lambda peer: peer.silence()) as server:
        going = asyncio.create_task(send(endpoint(server.base_url), ASK))
        await asyncio.sleep(0.1)
        going.cancel()
        await asyncio.wait([going])
        await asyncio.sleep(0.2)
    assert not shared_client._shared
