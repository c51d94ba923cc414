"""A simulator in virtual time: no socket, no waiting, and every stamp exactly where its schedule puts it.

The loop's clock jumps to whatever comes next, so a minute of a server passes in no time and a busy machine changes
nothing.
"""

import asyncio
import random
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest

from byok_bench.backends.simulator.http import Request, Schedule, compute_due_times
from byok_bench.backends.simulator.rate_limits import Limiter, make_rate_limits
from byok_bench.backends.simulator.server import Simulator
from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.endpoints.send import encode_request
from byok_bench.wire.raw_exchange import Phases, RawExchange, RawHead, RawRequest

T = TypeVar("T")
SCHEDULE = Schedule(ttft_ms=200, gap_ms=5)
WAY_S = (0.002, 0.008)
"""Shortest and longest time that a request or an answer is on its way."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """Whose clock jumps over what it would have to wait for."""

    def __init__(self) -> None:
        self._now = 1000.0
        super().__init__(_Skipping(self._skip))

    def time(self) -> float:
        """Seconds, virtual."""
        return self._now

    def _skip(self, seconds: float) -> None:
        self._now += seconds


class _Skipping(selectors.SelectSelector):
    """Never waits; tells for how long it would have."""

    def __init__(self, skip: Callable[[float], None]) -> None:
        super().__init__()
        self._skip = skip

    def select(self, timeout: float | None = None) -> Any:
        if timeout:
            self._skip(timeout)
        return super().select(0)


def run_virtually(work: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


class VirtualServer:
    """Takes the place of `send`: a simulator with these limits, its answers as they would have come."""

    def __init__(self, limits: dict[str, Any], schedule: Schedule = SCHEDULE) -> None:
        loop = asyncio.get_running_loop()
        self._simulator = Simulator()
        self._simulator._limiter = self._limiter = Limiter(make_rate_limits(limits), loop.time)
        self._schedule = schedule
        self._dice = random.Random(7)
        self.endpoint = Endpoint(label="virtual", base_url="http://127.0.0.1:1/v1", models=[Model("simulator-1")])

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let a search for limits send to this server, by its clock."""
        monkeypatch.setattr("byok_bench.runs.limits.shots.send", self.send)
        monkeypatch.setattr("byok_bench.runs.limits.shots.perf_counter_ns", _read_clock_ns)

    async def send(self, endpoint: Endpoint, body: dict[str, Any], **settings: Any) -> Exchange:
        """One request, decided on when it arrives."""
        content = encode_request({**body, "model": settings["model"]})
        phases = Phases(start=_read_clock_ns(), written=_read_clock_ns())
        await asyncio.sleep(self._dice.uniform(*WAY_S))
        asked = Request("POST", "/v1/chat/completions", {"content-type": "application/json"}, content)
        reply = self._simulator.make_reply(asked)
        back_s = self._dice.uniform(*WAY_S)
        began_ns = _read_clock_ns() + int(back_s * 1e9)
        phases.head = began_ns
        chunks = [(began_ns, reply.encode_body())]
        if reply.events is not None:
            dues = compute_due_times(reply.events, self._schedule)
            chunks = [
                (began_ns + int(due * 1e6), b"%s" % event.encode())
                for event, due in zip(reply.events, dues, strict=True)
            ]
        await asyncio.sleep((chunks[-1][0] - began_ns) / 1e9)
        self._limiter.release(id(asked))
        await asyncio.sleep(back_s)
        phases.first_byte, phases.end = chunks[0][0], _read_clock_ns()
        request = RawRequest(id=f"{self._dice.random()}", method="POST", url="", headers=(), body=content)
        head = RawHead(status=reply.status, http="1.1", headers=tuple(reply.headers.items()))
        raw = RawExchange(
            request=request, phases=phases, head=head, chunks=chunks, end="done" if reply.is_stream else "eof"
        )
        return Exchange(raw, label=endpoint.label, base_url=endpoint.base_url, schema="chat", model="simulator-1")


def _read_clock_ns() -> int:
    return int(asyncio.get_running_loop().time() * 1e9)
