"""Silence maps of a small proxy of the tests' own, whose timeouts are known: tenths of seconds, named so."""

import asyncio
import json
import sys
from contextlib import suppress
from functools import partial
from urllib.parse import urlsplit

import pytest
from msgspec.structs import replace
from support.hostile import Peer
from support.proxies import Relay, pass_on, proxy
from support.served import Served

from byok_bench.backends.simulator.server import Simulator
from byok_bench.cli.main import main
from byok_bench.errors import EndpointError
from byok_bench.runs.limits.silences import SilenceMap, find_silences, iterate_cutters
from byok_bench.runs.measuring.stop_switch import StopSwitch

LONGEST_S = 1.6
IDLE_S = 0.8
LATE_504 = b"HTTP/1.1 504 Gateway Timeout\r\nserver: small-proxy\r\ncontent-length: 0\r\n\r\n"


async def cut_idle(idle_s: float, request: bytes, answer: asyncio.StreamReader, peer: Peer) -> None:
    """Hand on until the server is silent for too long: 504 before the head, a cut connection behind it."""
    has_head = False
    with suppress(TimeoutError):
        while True:
            async with asyncio.timeout(idle_s):
                data = await answer.read(65_536)
            if not data:
                return
            has_head = True
            await peer.send(data)
        return
    if not has_head:
        await peer.send(LATE_504)


async def find_behind(relay: Relay) -> SilenceMap:
    """The map of a proxy in front of a simulator."""
    async with Simulator(ttft_ms=5, gap_ms=1) as server, proxy(urlsplit(server.base_url).port or 0, relay) as url:
        return await find_silences(replace(server.endpoint, base_url=url, label="proxy"), longest_s=LONGEST_S)


async def test_a_timeout_between_two_reads_is_found_and_comments_outlast_it() -> None:
    """Each silence is cut at the timeout, by whom it says; with comments the answer comes whole."""
    found = await find_behind(partial(cut_idle, IDLE_S))
    assert {cut.name: cut.state for cut in found.cuts} == {
        "first_byte": "cut", "first_token": "cut", "between_tokens": "cut", "with_comments": "held",
    }, str(found)  # fmt: skip
    assert all(IDLE_S / 2 <= (cut.seconds or 0) < LONGEST_S for cut in found.cuts[:3]), str(found)
    assert "status 504 by small-proxy" in found["first_byte"].sentence
    assert "20 of 20 comments came" in found["with_comments"].sentence


async def test_a_hop_that_waits_is_said_to_hold() -> None:
    """No cell is cut, and the map says how long was tried."""
    found = await find_behind(pass_on)
    assert {cut.state for cut in found.cuts} == {"held"}
    assert found["first_byte"].sentence == "held for 1.6 s"


async def test_a_map_that_is_stopped_says_what_is_not_known() -> None:
    """Nobody waits for the rest of a silence."""
    stop = StopSwitch()
    async with Simulator(ttft_ms=5, gap_ms=1) as server:
        with stop.enable():
            asyncio.get_running_loop().call_later(0.1, stop.press)
            found = await find_silences(server.endpoint, longest_s=3600, stop=stop)
    assert {(cut.state, cut.sentence) for cut in found.cuts} == {("unknown", "stopped before it was over")}
    assert found.to_json()["exchanges"] == []


async def test_the_inner_of_two_hops_that_are_cut_alike_is_the_one_that_cuts() -> None:
    """What a hop in front of it shows is not its own."""
    outer, inner = await asyncio.gather(find_behind(partial(cut_idle, IDLE_S)), find_behind(partial(cut_idle, IDLE_S)))
    waiting = await find_behind(pass_on)
    named = [replace(one, label=label) for one, label in ((outer, "outer"), (inner, "inner"), (waiting, "server"))]
    said = [line.partition(" cuts ")[0] for line in iterate_cutters(named)]
    assert said == ["first_byte: inner", "first_token: inner", "between_tokens: inner"]


async def test_a_server_that_is_not_silent_on_request_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A real model cannot be asked to wait: the map would be of something else."""
    monkeypatch.setattr("byok_bench.backends.simulator.server.find_silence", lambda prompt: None)
    async with Simulator(ttft_ms=5, gap_ms=1) as server:
        with pytest.raises(EndpointError, match="is not silent on request") as refused:
            await find_silences(server.endpoint, longest_s=LONGEST_S)
    assert refused.value.code == "not_silent"


def test_the_command_tells_each_hop_and_keeps_the_exchanges(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Lines for people, or one document; it says before what it sends."""
    with Served() as url:
        given = ["--base-url", url, "--model", "simulator-1", "--silence", "--longest-s", "0.4", "--yes"]
        monkeypatch.setattr(sys, "argv", ["byok-bench", "limits", *given, "--json"])
        with pytest.raises(SystemExit) as ended:
            main()
    out, err = capfd.readouterr()
    (hop,) = json.loads(out)["hops"]
    assert (ended.value.code or 0, {one["state"] for one in hop["silences"].values()}) == (0, {"held"})
    assert len(hop["exchanges"]) == 4
    assert err.startswith("This sends 5 requests, in about 0.4 seconds.\n")
    assert "first_byte         held         held for 0.4 s" in err
