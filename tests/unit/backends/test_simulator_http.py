"""The simulator's HTTP: what is no request is refused, what is one is read whole."""

import asyncio

import pytest

from byok_bench.backends.simulator.http import Schedule, compute_due_times
from byok_bench.backends.simulator.reply import Event
from byok_bench.backends.simulator.server import Simulator

HI = b'{"model":"simulator-1","messages":[{"role":"user","content":"hi"}],"max_tokens":1}'
POST = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
GOOD = {
    "sized": POST + b"Content-Length: %d\r\n\r\n" % len(HI) + HI,
    "chunked": POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n" + HI[:5] + b"\r\n"
    + b"%x;ext=1\r\n" % (len(HI) - 5) + HI[5:] + b"\r\n0\r\nTrailer: x\r\n\r\n",
    "with a query": POST.replace(b" HTTP", b"?api-version=1 HTTP") + b"Content-Length: %d\r\n\r\n" % len(HI) + HI,
}  # fmt: skip
BAD = {
    "no HTTP": (b"hello\r\n\r\n", b" 400 "),
    "a length that is none": (POST + b"Content-Length: many\r\n\r\n", b" 400 "),
    "a negative length": (POST + b"Content-Length: -1\r\n\r\n", b" 413 "),
    "a huge body": (POST + b"Content-Length: 99999999999\r\n\r\n", b" 413 "),
    "a huge head": (POST + b"x: " + b"y" * 80_000 + b"\r\n\r\n", b" 431 "),
    "a bad chunk": (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", b" 400 "),
    "another method": (b"DELETE /v1/models HTTP/1.1\r\nConnection: close\r\n\r\n", b" 405 "),
    "another path": (b"GET /v2 HTTP/1.1\r\nConnection: close\r\n\r\n", b" 404 "),
    "no body": (POST + b"Connection: close\r\n\r\n", b" 400 "),
}


async def answer(port: int, request: bytes, *, whole: bool = True) -> bytes:
    """What the server says to these bytes; until it closes, or the first read."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        return await reader.read() if whole else await reader.read(65536)
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("form", GOOD)
async def test_requests_are_read_in_every_form(form: str) -> None:
    """Sized, chunked, with a query: the body arrives whole."""
    async with Simulator(ttft_ms=0) as server:
        assert b" 200 OK" in await answer(server.port, GOOD[form], whole=False)


@pytest.mark.parametrize("what", BAD)
async def test_what_is_no_good_request_is_refused(what: str) -> None:
    """Each refusal has its status and is JSON; the connection ends."""
    request, status = BAD[what]
    async with Simulator(ttft_ms=0) as server:
        said = await answer(server.port, request)
    assert status in said.partition(b"\r\n")[0]
    assert b'{"error":' in said


async def test_one_connection_serves_many_requests() -> None:
    """Two requests written at once are answered one after the other on one connection."""
    last = GOOD["sized"].replace(b"Host: x", b"Connection: close")
    async with Simulator(ttft_ms=0) as server:
        said = await answer(server.port, GOOD["sized"] + last)
    assert said.count(b"HTTP/1.1 200 OK") == 2


async def test_stopping_ends_open_connections() -> None:
    """A silent exchange does not keep the server from stopping."""
    server = Simulator(faults=["silence"])
    await server.start()
    waiting = asyncio.create_task(answer(server.port, GOOD["sized"]))
    await asyncio.sleep(0.05)
    await asyncio.wait_for(server.stop(), 5)
    assert await waiting == b""


def test_events_are_due_by_their_output() -> None:
    """Events without output go out with the output before them; the first output is due at ttft."""
    paced = [False, True, False, True, True, False]
    events = [Event("x", is_paced=one) for one in paced]
    assert compute_due_times(events, Schedule(100, 10)) == [100, 100, 100, 110, 120, 120]
    events[0].due_ms = 7
    assert compute_due_times(events, Schedule(100, 10))[0] == 7
