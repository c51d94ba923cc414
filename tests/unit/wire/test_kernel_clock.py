"""Kernel stamps on the monotonic clock."""

import struct

import pytest

from byok_bench.wire.connections.kernel_clock import REMEASURE_NS, SO_TIMESTAMPNS, KernelClock

SECOND = 1_000_000_000


class Clocks:
    """A wall clock that can be set, and a monotonic one that cannot."""

    def __init__(self) -> None:
        self.now = 1_000 * SECOND
        self.offset = 1_700_000_000 * SECOND

    def wall(self) -> int:
        return self.now + self.offset

    def monotonic(self) -> int:
        return self.now

    def control(self, monotonic: int, offset: int | None = None) -> list[tuple[int, int, bytes]]:
        """What the kernel says about bytes that it received then."""
        stamp = struct.pack("qq", *divmod(monotonic + (self.offset if offset is None else offset), SECOND))
        return [(1, SO_TIMESTAMPNS, stamp)]


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def clock(clocks: Clocks) -> KernelClock:
    return KernelClock(clocks.wall, clocks.monotonic)


def test_a_stamp_is_mapped(clocks: Clocks, clock: KernelClock) -> None:
    """A stamp of the wall clock becomes the same instant on the monotonic clock."""
    clocks.now += 5_000
    assert clock.stamp(clocks.control(clocks.now - 700), clocks.now, 0) == (clocks.now - 700, True)


def test_no_stamp_means_the_time_of_reading(clocks: Clocks, clock: KernelClock) -> None:
    """Without the kernel's message the time of the read stands, and is not called the kernel's."""
    assert clock.stamp([], clocks.now, 0) == (clocks.now, False)
    assert clock.stamp([(1, 2, b"")], clocks.now, 0) == (clocks.now, False)


@pytest.mark.parametrize("step", [3_600 * SECOND, -3_600 * SECOND, 5_000_000])
def test_a_wall_clock_that_was_set_is_mapped_anew(clocks: Clocks, clock: KernelClock, step: int) -> None:
    """After the wall clock was set, stamps are right again at once, whichever way it went."""
    floor = clocks.now
    clocks.now += 2_000_000
    clocks.offset += step
    assert clock.stamp(clocks.control(clocks.now - 500), clocks.now, floor) == (clocks.now - 500, True)


def test_drift_is_followed(clocks: Clocks, clock: KernelClock) -> None:
    """A wall clock that drifts is measured again after a second, though every single stamp was believable."""
    clocks.now += REMEASURE_NS + 1
    clocks.offset -= 400_000
    assert clock.stamp(clocks.control(clocks.now - 900_000), clocks.now, 0) == (clocks.now - 900_000, True)


def test_an_impossible_stamp_is_not_believed(clocks: Clocks, clock: KernelClock) -> None:
    """A stamp that no mapping can explain gives way to the time of the read."""
    stale = clocks.control(clocks.now, clocks.offset - 99 * SECOND)
    assert clock.stamp(stale, clocks.now, clocks.now - 1000) == (clocks.now, False)


def test_stamps_never_leave_their_bounds(clocks: Clocks, clock: KernelClock) -> None:
    """The error of the mapping itself never puts a stamp before the one before it, or after its read."""
    floor = clocks.now - 1_000
    assert clock.stamp(clocks.control(floor - 300), clocks.now, floor) == (floor, True)
    assert clock.stamp(clocks.control(clocks.now + 300), clocks.now, floor) == (clocks.now, True)
