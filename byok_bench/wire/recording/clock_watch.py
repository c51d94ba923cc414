"""Clock watch: notices that this machine slept, or that its wall clock was set.

Stamps live on the monotonic clock, which stands still while a machine sleeps (clock_gettime(2): CLOCK_MONOTONIC does
not count time in suspend, CLOCK_BOOTTIME does; macOS has the same two under other names). The kernel's receive stamps
are on the wall clock. So of an answer that was under way at either, no time says what the server took.
"""

import sys
import time
from collections.abc import Callable
from typing import Final, NamedTuple

APART_NS: Final = 50_000_000
"""How far two clocks may come apart between two looks. A clock that is slewed moves 0.5 ms a second (adjtimex(2))."""
BRACKET_NS: Final = 5_000_000
READ_AT_MOST: Final = 20
"""Readings that were held up are made again, so often."""
SLEPT_FLAG: Final = "slept"
JUMPED_FLAG: Final = "clock_jumped"
UNTIMED_FLAGS: Final = frozenset({SLEPT_FLAG, JUMPED_FLAG})
"""Marks of a sample whose times say nothing."""


class Clocks(NamedTuple):
    """One reading, ns."""

    monotonic: int
    """Stands still while the machine sleeps."""
    boot: int | None
    """Goes on meanwhile; None where the system has no such clock."""
    wall: int


def _find_boot_clock() -> int | None:
    """CLOCK_BOOTTIME of Linux; on macOS CLOCK_MONOTONIC goes on in sleep, and `perf_counter` does not."""
    name = "CLOCK_MONOTONIC" if sys.platform == "darwin" else "CLOCK_BOOTTIME"
    found: int | None = getattr(time, name, None)
    return found


_BOOT_CLOCK: Final = _find_boot_clock()


def read_clocks() -> Clocks:
    """All clocks at one time: a reading that took long, since others had the processor, is made again."""
    for _ in range(READ_AT_MOST):
        before = time.perf_counter_ns()
        boot = None if _BOOT_CLOCK is None else time.clock_gettime_ns(_BOOT_CLOCK)
        wall = time.time_ns()
        if time.perf_counter_ns() - before < BRACKET_NS:
            break
    return Clocks(before, boot, wall)


class ClockWatch:
    """`begin()`, then `look()` every now and then."""

    def __init__(self, read: Callable[[], Clocks] | None = None) -> None:
        """`read`: the clocks; None: this machine's."""
        self._read = read or read_clocks
        self._last = self._read()

    def begin(self) -> None:
        """What happened until now is no matter."""
        self._last = self._read()

    def look(self) -> list[str]:
        """The marks of what happened since the last look.

        Without a clock that goes on in sleep, a sleep cannot be told from a clock that was set forward.
        """
        before, now = self._last, self._read()
        self._last = now
        passed, wall = now.monotonic - before.monotonic, now.wall - before.wall
        if now.boot is None or before.boot is None:
            return [JUMPED_FLAG] if abs(wall - passed) > APART_NS else []
        boot = now.boot - before.boot
        slept, jumped = boot - passed > APART_NS, abs(wall - boot) > APART_NS
        return [flag for flag, seen in ((SLEPT_FLAG, slept), (JUMPED_FLAG, jumped)) if seen]
