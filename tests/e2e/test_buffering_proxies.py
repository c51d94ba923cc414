"""What the probe of buffering says of proxies that hold a stream back, and of servers that do not; in real time."""

import re
from urllib.parse import urlsplit

import pytest
from msgspec.structs import replace
from support.proxies import Relay, compress_whole, cork, pass_on, proxy

from byok_bench.backends.simulator.server import Simulator
from byok_bench.checks.probes.probe import find_probe
from byok_bench.checks.probes.prober import Prober, ProbeResult
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.wire.client import Client


async def probed(endpoint: Endpoint) -> ProbeResult:
    """What `http.buffered` shows of an endpoint."""
    async with Client() as client:
        prober = Prober(endpoint, endpoint.models[0].name, client=client, profile="local")
        return await prober.run(find_probe("http.buffered"))


async def behind(relay: Relay) -> ProbeResult:
    """The same of a simulator that sends a token every 6 ms, behind a proxy."""
    async with Simulator(tokens=160, gap_ms=6) as server:
        port = urlsplit(server.endpoint.base_url).port
        assert port is not None
        async with proxy(port, relay) as url:
            return await probed(replace(server.endpoint, base_url=url))


async def test_a_proxy_that_collects_while_it_compresses_is_named() -> None:
    """Without gzip the stream flows; the finding is about clients that accept it, with the figures."""
    result = await behind(compress_whole)
    assert [one.message.partition(":")[0] for one in result.findings] == ["for clients that accept gzip, as SDKs do"]
    assert "gzip for text/event-stream" in result.findings[0].message
    plain, packed = result.exchanges
    assert (plain.output.text == packed.output.text, packed.error) == (True, None)


async def test_a_proxy_that_corks_small_writes_is_named_once() -> None:
    """Bursts hide tokens as the end does: reads against events, and the silences between."""
    result = await behind(cork)
    assert len(result.findings) == 1
    message = result.findings[0].message
    assert re.match(r"(\d+) events came in (\d+) reads, \d+ times after a silence of about \d+ ms: ", message)
    assert "http-no-delay" in message


@pytest.mark.parametrize("gap_ms", [0.0, 6.0])
async def test_a_server_that_sends_as_it_makes_is_not_accused(gap_ms: float) -> None:
    """However fast it is: packets that come together by themselves are no bursts."""
    async with Simulator(tokens=160, gap_ms=gap_ms) as server:
        result = await probed(server.endpoint)
    assert (result.verdict, result.findings) == ("pass", ())


async def test_a_proxy_that_passes_on_is_not_accused() -> None:
    """Being in between is no fault."""
    result = await behind(pass_on)
    assert (result.verdict, result.findings) == ("pass", ())
