"""A machine that slept, and a clock that was set: seen by clocks that come apart, on injected ones."""

from collections.abc import Iterator

import pytest

from byok_bench.wire.raw_exchange import Phases, RawExchange, RawRequest
from byok_bench.wire.recording.clock_watch import APART_NS, Clocks, ClockWatch, read_clocks
from byok_bench.wire.recording.loop_lag import LagMonitor

S = 1_000_000_000
HOUR = 3600 * S
STEPS = {
    "all went on": ((S, S, S), []),
    "a slow look": ((90 * S, 90 * S, 90 * S), []),
    "asleep for an hour": ((S, S + HOUR, S + HOUR), ["slept"]),
    "the clock set forward": ((S, S, S + HOUR), ["clock_jumped"]),
    "the clock set back": ((S, S, S - HOUR), ["clock_jumped"]),
    "asleep, and the clock set on waking": ((S, S + HOUR, S + 2 * HOUR), ["slept", "clock_jumped"]),
    "slewed as fast as adjtime goes, over a minute": ((60 * S, 60 * S, 60 * S + 30_000_000), []),
    "just not apart": ((S, S, S + APART_NS), []),
    "asleep, without a clock that goes on": ((S, None, S + HOUR), ["clock_jumped"]),
    "all went on, without a clock that goes on": ((S, None, S), []),
}


def give_clocks(*steps: tuple[int, int | None, int]) -> Iterator[Clocks]:
    """Readings, each so much later than the one before."""
    now = Clocks(5 * S, 7 * S, 1_900_000_000 * S)
    yield now
    for monotonic, boot, wall in steps:
        now = Clocks(now.monotonic + monotonic, None if boot is None else (now.boot or 0) + boot, now.wall + wall)
        yield now


@pytest.mark.parametrize("what", STEPS)
def test_clocks_that_came_apart_say_what_happened(what: str) -> None:
    """Sleep, a set clock, both, or nothing; once, and not at the next look."""
    step, marks = STEPS[what]
    watch = ClockWatch(give_clocks(step, (S, None if step[1] is None else S, S)).__next__)
    assert [watch.look(), watch.look()] == [marks, []]


async def test_what_was_under_way_is_marked_and_nothing_else() -> None:
    """A sleep between two exchanges touches neither; the one in whose time it falls is marked though no timer fired."""
    asleep, awake = (S, S + HOUR, S + HOUR), (S, S, S)
    clocks = give_clocks(awake, awake, asleep, asleep, awake)
    monitor = LagMonitor(ClockWatch(clocks.__next__))
    flags = []
    for _ in range(2):
        sent = RawRequest(id="", method="POST", url="", headers=(), body=b"")
        one = RawExchange(request=sent, phases=Phases(start=0))
        monitor.enter(one)
        monitor.leave(one)
        flags.append(one.flags)
    assert flags == [[], ["slept"]]


def test_this_machine_s_clocks_go_together() -> None:
    """A look at the real ones says nothing while nothing happens."""
    watch = ClockWatch(read_clocks)
    assert [mark for _ in range(100) for mark in watch.look()] == []
