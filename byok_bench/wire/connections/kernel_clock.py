"""Kernel receive stamps on the monotonic clock (Linux, SO_TIMESTAMPNS).

The kernel stamps what it receives on the wall clock; the record lives on `time.perf_counter_ns`
(CLOCK_MONOTONIC). In here: switching the stamps on, and the mapping between the two clocks, measured
again once a second and whenever a stamp cannot be right. Not in here: sockets that are read.
"""

import socket
import struct
import sys
import time
from collections.abc import Callable, Iterable
from socket import SOL_SOCKET
from typing import Final

SO_TIMESTAMPNS: Final = 35
"""Number of the option and of its control message in Linux's generic socket API; Python names neither."""
CONTROL_BYTES: Final = 64
"""Room for the one control message, 16 bytes of data and its header."""
REMEASURE_NS: Final = 1_000_000_000
SLACK_NS: Final = 1_000_000
"""A stamp this far out of order comes from a wall clock that was set; less is the error of the mapping."""
SAMPLES: Final = 7

Control = tuple[int, int, bytes]
_timespec: Final = struct.Struct("qq").unpack


def has_kernel_stamps() -> bool:
    """Whether this system has kernel stamps on TCP sockets at all."""
    return sys.platform == "linux"


def enable_stamps(sock: socket.socket) -> bool:
    """Ask the kernel to stamp what `sock` receives; False where it refuses."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    except OSError:
        return False
    return True


class KernelClock:
    """Maps stamps of the wall clock to the monotonic clock; one per process is enough."""

    def __init__(
        self, wall: Callable[[], int] = time.time_ns, monotonic: Callable[[], int] = time.perf_counter_ns
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._offset = 0
        self._remeasure_at = 0
        self.measure_offset()

    def measure_offset(self) -> None:
        """Measure wall - monotonic: the narrowest of a few brackets, each a few hundred ns wide."""
        best: tuple[int, int] | None = None
        for _ in range(SAMPLES):
            before = self._monotonic()
            wall = self._wall()
            after = self._monotonic()
            if best is None or after - before < best[0]:
                best = (after - before, wall - (before + after) // 2)
        assert best is not None
        self._offset = best[1]
        self._remeasure_at = self._monotonic() + REMEASURE_NS

    def stamp(self, controls: Iterable[Control], now: int, floor: int) -> tuple[int, bool]:
        """Receive time in monotonic ns, and whether the kernel gave it.

        `now` is the time of the read, `floor` the stamp before this one on the same socket: what is received
        later cannot be stamped earlier, nor after its read. A stamp outside of the two shows that the wall
        clock was set; it is mapped anew, and if it is still impossible the read's own time stands.
        """
        if now > self._remeasure_at:
            self.measure_offset()
        for level, kind, data in controls:
            if kind == SO_TIMESTAMPNS and level == SOL_SOCKET:
                seconds, nanoseconds = _timespec(data)
                received = seconds * 1_000_000_000 + nanoseconds
                stamp = received - self._offset
                if floor <= stamp <= now:
                    return stamp, True
                return self._correct_stamp(received, now, floor)
        return now, False

    def _correct_stamp(self, received: int, now: int, floor: int) -> tuple[int, bool]:
        stamp = received - self._offset
        if not floor - SLACK_NS <= stamp <= now + SLACK_NS:
            self.measure_offset()
            stamp = received - self._offset
            if not floor - SLACK_NS <= stamp <= now + SLACK_NS:
                return now, False
        return max(floor, min(stamp, now)), True
