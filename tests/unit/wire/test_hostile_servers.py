"""What servers do wrong, over real sockets: the right failure, in bounded time and memory, and never an exception."""

import asyncio

import pytest
from support import bad_bodies, bad_heads, bad_sizes
from support.hostile import hostile
from support.hostile_case import Case

from byok_bench.wire.client import Client, Transport, WireRequest
from byok_bench.wire.raw_exchange import Clock, RawExchange

PATIENCE_S = 20
"""Longer than any case may take, machine under load included."""
CASES = [*bad_heads.CASES, *bad_bodies.CASES, *bad_sizes.CASES]


async def exchanged(case: Case, transport: Transport, clock: Clock = "kernel") -> tuple[RawExchange, int]:
    """What a client with fresh connections records, and how many connections it took."""
    async with hostile(case.script) as server, Client(transport, clock=clock) as client:
        request = WireRequest(
            id="r-1",
            url=server.url,
            body=b"{}",
            terminator="sse-done",
            asked_to_stream=case.asked_to_stream,
            timeouts=case.timeouts,
            limits=case.limits,
        )
        async with asyncio.timeout(PATIENCE_S):
            record = await client.send_request(request)
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
    assert connections == 1
    assert record.phases.end is not None


def test_every_case_has_a_name_of_its_own() -> None:
    """No case hides another."""
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_hostile_server_gives_its_failure(case: Case) -> None:
    """Each server's misdeed has the failure kind, phase and end that its case names, after one connection."""
    check(case, *await exchanged(case, "own"))


@pytest.mark.parametrize("case", [*bad_heads.CASES, *bad_bodies.CASES], ids=str)
async def test_so_it_does_where_the_loop_reads(case: Case) -> None:
    """Without kernel stamps the event loop's own transport reads, and the same is recorded."""
    check(case, *await exchanged(case, "own", "user"))


@pytest.mark.parametrize("case", [case for case in CASES if case.stock], ids=str)
async def test_stock_httpx_is_held_to_the_same(case: Case) -> None:
    """With stock httpx the same misdeeds have the same failure, but for those that its parser reads otherwise."""
    check(case, *await exchanged(case, "httpx"))


@pytest.mark.parametrize("case", [case for case in CASES if not case.stock], ids=str)
async def test_stock_httpx_is_bounded_too(case: Case) -> None:
    """What stock httpx reads or bounds in its own way ends all the same: the exchange returns."""
    record, connections = await exchanged(case, "httpx")
    assert record.phases.end is not None
    assert connections == 1
