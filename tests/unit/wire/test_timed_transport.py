"""TimedTransport under `httpx.AsyncClient`: what httpx expects of a transport, compared with its own where both can."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from support.hostile import (
    DONE,
    JSON,
    OK,
    SETTLED_S,
    SSE,
    Peer,
    chunked,
    event,
    hostile,
    keep_alive,
    reply,
    sized,
)

from byok_bench.wire.limits import Limits, Timeouts
from byok_bench.wire.timed_transport import TimedTransport

Transports = Callable[[], httpx.AsyncBaseTransport]
BOTH = pytest.mark.parametrize(
    "transport",
    [pytest.param(TimedTransport, id="own"), pytest.param(lambda: TimedTransport(clock="user"), id="own, user clock"),
     pytest.param(lambda: httpx.AsyncHTTPTransport(trust_env=False), id="stock")],
)  # fmt: skip


def client(transport: httpx.AsyncBaseTransport, **fields: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=transport, **{"timeout": 3, **fields})


@BOTH
async def test_a_response_is_read_whole(transport: Transports) -> None:
    """Status, version, fields and body arrive as httpx presents them."""
    answer = sized(b'{"a":"\xc3\xbc"}', JSON[:-2], b"x-two: 1", b"x-two: 2", status=b"201 Created")
    async with hostile(keep_alive(answer, answer)) as server, client(transport()) as http:
        response = await http.post(server.url, json={"q": 1})
        assert (response.status_code, response.http_version, response.reason_phrase) == (
            201,
            "HTTP/1.1",
            "Created",
        )
        assert response.json() == {"a": "ü"}
        assert response.headers.get_list("x-two") == ["1", "2"]
        await asyncio.sleep(SETTLED_S)
        assert (await http.get(server.url)).status_code == 201
    assert len(server.peers) == 1


@BOTH
async def test_a_response_streams(transport: Transports) -> None:
    """Parts of a body are handed on while the rest is still to come."""
    go_on = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(chunked(event("a"), last=b""))
        await go_on.wait()
        await peer.send(chunked(event("b"), DONE).partition(b"\r\n\r\n")[2])
        await peer.silence()

    lines: list[str] = []
    async with (
        hostile(script) as server,
        client(transport()) as http,
        http.stream("POST", server.url) as response,
    ):
        async for line in response.aiter_lines():
            lines.append(line)
            go_on.set()
    assert "data: [DONE]" in lines
    assert len(lines) == 6


@BOTH
async def test_a_request_streams(transport: Transports) -> None:
    """A body may come from an async iterator, chunked or as long as announced, and arrives whole."""
    got: list[bytes] = []

    async def script(peer: Peer) -> None:
        for _ in range(2):
            got.append(await peer.request())
            await peer.send(sized(b"{}"))

    async def parts() -> AsyncIterator[bytes]:
        for part in (b"one ", b"", b"two ", b"x" * 100_000):
            yield part
            await asyncio.sleep(0.01)

    async with hostile(script) as server, client(transport()) as http:
        await http.post(server.url, content=parts())
        await http.post(server.url, content=parts(), headers={"content-length": "100008"})
    assert got[0].count(b"two ") == 1
    assert got[0].endswith(b"\r\n0\r\n\r\n")
    assert got[1].endswith(b"one two " + b"x" * 100_000)


@pytest.mark.parametrize("announced", ["3", "9"])
async def test_a_body_of_another_length_is_a_mistake(announced: str) -> None:
    """A streamed body that is not as long as its Content-Length raises LocalProtocolError."""

    async def parts() -> AsyncIterator[bytes]:
        yield b"12345"

    async with hostile(lambda peer: peer.silence()) as server, client(TimedTransport()) as http:
        with pytest.raises(httpx.LocalProtocolError):
            await http.post(server.url, content=parts(), headers={"content-length": announced})


@BOTH
@pytest.mark.parametrize("field", [(b"x-a", b"1\r\nx-b: 2"), (b"x-a", b"1\0"), (b"x a", b"1"), (b"x:a", b"1")])
async def test_a_field_that_cannot_be_written_is_a_mistake(transport: Transports, field: tuple[bytes, bytes]) -> None:
    """A name that is no token and a value with a line end raise LocalProtocolError."""
    async with hostile(keep_alive(sized(b"{}", JSON[:-2]))) as server, client(transport()) as http:
        with pytest.raises(httpx.LocalProtocolError):
            await http.get(server.url, headers=[field])


@pytest.mark.parametrize("value", [b"1\x01", b"\x1b[0m", b"1\x7f"])
async def test_no_other_control_character_goes_out(value: bytes) -> None:
    """Stock httpx lets these pass, and a server's log would obey them."""
    async with hostile(keep_alive(sized(b"{}", JSON[:-2]))) as server, client(TimedTransport()) as http:
        with pytest.raises(httpx.LocalProtocolError):
            await http.get(server.url, headers=[(b"x-a", value)])


@BOTH
async def test_an_error_in_a_request_body_reaches_the_caller(transport: Transports) -> None:
    """What the body's iterator raises is raised, and the connection is closed."""

    async def parts() -> AsyncIterator[bytes]:
        yield b"x" * 100_000
        raise RuntimeError("mine")

    gone = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.silence()
        gone.set()

    async with hostile(script) as server, client(transport()) as http:
        with pytest.raises(RuntimeError, match="mine"):
            await http.post(server.url, content=parts())
        await asyncio.wait_for(gone.wait(), 5)


async def reset(peer: Peer) -> None:
    await peer.request()
    await peer.send(OK + SSE + b"transfer-encoding: chunked\r\n\r\n")
    await asyncio.sleep(0.02)
    peer.reset()


async def stall(peer: Peer) -> None:
    await peer.request()
    await peer.send(OK + SSE + b"transfer-encoding: chunked\r\n\r\n")
    await peer.silence()


@BOTH
@pytest.mark.parametrize(
    ("script", "error"),
    [
        pytest.param(reply(), httpx.RemoteProtocolError, id="no answer"),
        pytest.param(reply(b"what?"), httpx.RemoteProtocolError, id="no HTTP"),
        pytest.param(reply(chunked(event(), last=b"")), httpx.RemoteProtocolError, id="cut short"),
        pytest.param(reset, httpx.ReadError, id="reset"),
        pytest.param(stall, httpx.ReadTimeout, id="stall"),
        pytest.param(lambda peer: peer.silence(), httpx.ReadTimeout, id="silence"),
    ],
)
async def test_errors_are_httpx_errors(
    transport: Transports, script: Callable[[Peer], Awaitable[None]], error: type[Exception]
) -> None:
    """What goes wrong raises the exception that httpx's own transport raises, and it knows its request."""
    async with hostile(script) as server, client(transport(), timeout=0.3) as http:
        with pytest.raises(error) as caught:
            await http.post(server.url)
    assert isinstance(caught.value, httpx.RequestError)
    assert caught.value.request.url == server.url


@BOTH
async def test_a_dead_port_is_a_connect_error(transport: Transports) -> None:
    """Nobody listening raises ConnectError."""
    async with client(transport()) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get("http://127.0.0.1:1/")


@BOTH
async def test_a_response_may_be_left_unread(transport: Transports) -> None:
    """A response that is closed in the middle closes its connection, and the client goes on."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(chunked(event("a"), last=b""))
        await peer.silence()

    async with hostile(script) as server, client(transport()) as http:
        for _ in range(3):
            async with http.stream("POST", server.url) as response:
                assert response.status_code == 200
    assert len(server.peers) == 3


@BOTH
async def test_redirects_are_not_followed(transport: Transports) -> None:
    """A redirect is an answer; nothing is sent to where it points."""
    script = keep_alive(sized(b"", b"location: /elsewhere", status=b"302 Found"))
    async with hostile(script) as server, client(transport()) as http:
        response = await http.get(server.url)
    assert response.status_code == 302
    assert len(server.peers) == 1


async def test_the_record_comes_with_the_response() -> None:
    """The extensions of a response hold its record: stamped chunks, phases, end, and no header value."""
    async with hostile(keep_alive(chunked(event("a"), DONE))) as server, client(TimedTransport()) as http:
        response = await http.post(server.url, headers={"authorization": "Bearer secret-key-123"})
        record = response.extensions["record"]
    assert b"".join(data for _, data in record.chunks) == response.content
    assert (record.end, record.clock) == ("eof", "kernel")
    assert record.phases.written <= record.chunks[0][0]
    assert "secret-key-123" not in repr(record)


async def test_a_stream_may_stop_at_its_terminator() -> None:
    """With the terminator named, the stream ends at [DONE] although the server keeps the body open."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(chunked(event("a"), DONE, last=b""))
        await peer.silence()

    async with hostile(script) as server, client(TimedTransport()) as http:
        response = await http.post(server.url, extensions={"terminator": "sse-done"})
    assert response.extensions["record"].end == "done"


@pytest.mark.parametrize(
    ("url", "code"), [("http://169.254.169.254/", "metadata"), ("http://93.184.216.34/", "encryption")]
)
async def test_egress_rules_hold_under_httpx_too(url: str, code: str) -> None:
    """An address that may not be called raises ConnectError with the verdict's words; nothing is dialled."""
    async with client(TimedTransport()) as http:
        with pytest.raises(httpx.ConnectError, match=code):
            await http.get(url)


async def test_clocks_and_limits_hold_under_httpx_too() -> None:
    """The total clock and the size limits of the transport end a response in the middle."""

    async def drip(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK + SSE + b"\r\n")
        await peer.drip(b":" * 1000, 0.02)

    async with hostile(drip) as server:
        async with client(TimedTransport(timeouts=Timeouts(total=0.4))) as http:
            with pytest.raises(httpx.ReadTimeout):
                await http.get(server.url)
        async with client(TimedTransport(limits=Limits(stream_bytes=10))) as http:
            with pytest.raises(httpx.RemoteProtocolError, match="10 bytes"):
                await http.get(server.url)


async def test_only_http_urls_are_called() -> None:
    """Another scheme raises UnsupportedProtocol."""
    async with client(TimedTransport()) as http:
        with pytest.raises(httpx.UnsupportedProtocol):
            await http.get("ftp://127.0.0.1/")


@BOTH
@pytest.mark.parametrize("field", ["x-note: café".encode("latin-1"), "x-note: à".encode()])
async def test_headers_need_not_be_ascii(transport: Transports, field: bytes) -> None:
    """The bytes of a header's value reach the caller as they came."""
    async with hostile(keep_alive(sized(b"{}", field))) as server, client(transport()) as http:
        response = await http.get(server.url)
    assert (b"x-note", field.partition(b": ")[2]) in response.headers.raw


@BOTH
@pytest.mark.parametrize(
    ("method", "answer", "length"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", "5"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n", None),
        ("GET", b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n", "5"),
    ],
)
async def test_an_answer_without_a_body_is_complete(
    transport: Transports, method: str, answer: bytes, length: str | None
) -> None:
    """HEAD, 204 and 304 have no body, whatever length they name."""
    async with hostile(keep_alive(answer)) as server, client(transport()) as http:
        response = await http.request(method, server.url)
    assert response.content == b""
    assert response.headers.get("content-length") == length


@BOTH
async def test_a_server_that_reads_nothing_is_a_write_timeout(transport: Transports) -> None:
    """The client's write timeout ends a request that finds no room, whatever its read timeout."""

    async def script(peer: Peer) -> None:
        peer.stop_reading()
        await asyncio.sleep(10)

    patience = httpx.Timeout(5, write=0.3)
    async with hostile(script) as server, client(transport(), timeout=patience) as http:
        with pytest.raises(httpx.WriteTimeout):
            await http.post(server.url, content=b"x" * 30_000_000)


@BOTH
@pytest.mark.parametrize("patience", [None, 1e9])
async def test_a_timeout_may_be_long(transport: Transports, patience: float | None) -> None:
    """Timeouts of years, or none, are no mistake."""
    async with hostile(keep_alive(sized(b"{}"))) as server, client(transport(), timeout=patience) as http:
        assert (await http.get(server.url)).status_code == 200


async def test_a_body_that_comes_too_late_is_not_sent() -> None:
    """The total clock runs before anything is written, too."""

    async def late() -> AsyncIterator[bytes]:
        await asyncio.sleep(0.5)
        yield b"{}"

    own = TimedTransport(timeouts=Timeouts(total=0.2))
    async with hostile(reply(then="silence")) as server, client(own) as http:
        with pytest.raises(httpx.WriteTimeout):
            await http.post(server.url, content=late())


async def test_a_slow_body_is_no_slow_server() -> None:
    """While the caller's own body has nothing to send, no clock for writing runs."""

    async def parts() -> AsyncIterator[bytes]:
        yield b"one"
        await asyncio.sleep(0.4)
        yield b"two"

    async with (
        hostile(keep_alive(sized(b"{}"))) as server,
        client(TimedTransport(), timeout=httpx.Timeout(5, write=0.1)) as http,
    ):
        assert (await http.post(server.url, content=parts())).status_code == 200


@BOTH
async def test_a_cancelled_request_closes_its_connection(transport: Transports) -> None:
    """Whoever cancels while the answer is awaited leaves no connection behind."""
    gone = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.silence()
        gone.set()

    async with hostile(script) as server, client(transport()) as http:
        going = asyncio.create_task(http.post(server.url))
        await asyncio.sleep(0.1)
        going.cancel()
        with pytest.raises(asyncio.CancelledError):
            await going
        await asyncio.wait_for(gone.wait(), 5)
