"""What a target asked for by 429: the next exchange with it waits as long as it was told, within a bound.

The wait is on this side and before the request, and in no time of the answer. Each process waits for what it was told
itself.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from byok_bench.wire.failures import Failure

LONGEST_WAIT_S: Final = 60.0
"""A server that asks for more is asked again after this: the run goes on, and its rows say what came."""

NOTEWORTHY_NS: Final = 1_000_000_000
"""A wait that only grows by less is not told again: with many in flight each 429 moves it a little."""


class RateLimitWaits:
    """The earliest time at which each target may be asked again."""

    def __init__(
        self,
        targets: int,
        tell: Callable[[int, float], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`tell` hears (target, seconds) when a wait begins that nobody began yet. `sleep` may raise to end a wait."""
        self._until_ns = [0] * targets
        self._told_ns = [0] * targets
        """Of these, what was told."""
        self._tell = tell
        self._sleep = sleep

    def note(self, target: int, failure: Failure | None) -> None:
        """Take what a failure asks for; only a rate limit asks on behalf of whatever comes next."""
        if failure is None or failure.kind != "rate_limit" or not failure.retry_after_s:
            return
        asked_ns = int(min(failure.retry_after_s, LONGEST_WAIT_S) * 1e9)
        self._until_ns[target] = max(self._until_ns[target], time.perf_counter_ns() + asked_ns)

    async def wait(self, target: int) -> int:
        """Wait until the target may be asked; the nanoseconds that it took, 0 if nothing was to be waited for."""
        began = now = time.perf_counter_ns()
        while (ahead := self._until_ns[target] - now) > 0:
            if self._until_ns[target] > self._told_ns[target] + NOTEWORTHY_NS:
                self._told_ns[target] = self._until_ns[target]
                self._tell(target, ahead / 1e9)
            await self._sleep(ahead / 1e9)
            now = time.perf_counter_ns()
        return now - began
