"""The loop-lag monitor."""

import asyncio
import time

from byok_bench.wire.raw_exchange import Phases, RawExchange, RawRequest
from byok_bench.wire.recording.loop_lag import STALLED_FLAG, LagMonitor


def record() -> RawExchange:
    sent = RawRequest(id="", method="POST", url="", headers=(), body=b"")
    return RawExchange(request=sent, phases=Phases(start=0))


def stand_still() -> None:
    """What a notebook cell does to the loop."""
    time.sleep(0.15)


async def test_a_stall_marks_what_was_under_way() -> None:
    """Exchanges that were under way while the loop stood still are marked once, others are not."""
    monitor, early, during, late = LagMonitor(), record(), record(), record()
    monitor.enter(early)
    monitor.leave(early)
    monitor.enter(during)
    for _ in range(2):
        stand_still()
        await asyncio.sleep(0.03)
    monitor.leave(during)
    monitor.enter(late)
    monitor.leave(late)
    assert [one.flags for one in (early, during, late)] == [[], [STALLED_FLAG], []]
    assert monitor.summarize().stalls == 2
    assert monitor.summarize().worst_ms > 50


async def test_a_stall_at_the_very_end_counts() -> None:
    """A stall that the timer had no time to report is seen when the exchange ends."""
    monitor, one = LagMonitor(), record()
    monitor.enter(one)
    stand_still()
    monitor.leave(one)
    assert one.flags == [STALLED_FLAG]


async def test_nothing_ticks_when_nothing_is_watched() -> None:
    """Between exchanges the monitor has no timer, and its summary covers watched time only."""
    monitor, one = LagMonitor(), record()
    monitor.enter(one)
    monitor.leave(one)
    watched = monitor.summarize().watched_s
    await asyncio.sleep(0.05)
    assert monitor.summarize().watched_s == watched
    assert monitor._timer is None
    assert monitor.summarize().cpu_share >= 0
