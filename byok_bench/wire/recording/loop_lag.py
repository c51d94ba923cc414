"""Loop lag: notices when the event loop stood still, and marks the exchanges that were under way.

Those that were under way when the machine slept, or its clock was set, are marked by the same timer (clock_watch.py).

A timer that should fire every 25 ms and fires late tells how long nothing else ran. Kernel stamps are right all
the same, but what was written late, or read in one piece with what followed, is not; so the sample says so.
"""

import asyncio
import time
from typing import Final

import msgspec

from byok_bench.wire.raw_exchange import RawExchange
from byok_bench.wire.recording.clock_watch import ClockWatch

PERIOD_NS: Final = 25_000_000
STALLED_NS: Final = 50_000_000
"""Lateness from which a sample is marked."""
STALLED_FLAG: Final = "loop_stalled"


class LagSummary(msgspec.Struct, frozen=True, kw_only=True):
    """How the event loop kept up while exchanges were under way."""

    watched_s: float
    """Wall time during which at least one exchange was under way."""
    stalls: int
    """Times that the loop stood still for longer than STALLED_NS."""
    worst_ms: float
    """The longest of them, or the largest lateness if there was none."""
    cpu_share: float
    """CPU time of the loop's thread per wall time: near 1, the core was full."""


class LagMonitor:
    """Watches one event loop for one client; ticks only while an exchange is under way."""

    def __init__(self, clocks: ClockWatch | None = None) -> None:
        """`clocks`: tells of sleep and of a clock that was set; None: this machine's."""
        self._clocks = clocks or ClockWatch()
        self._records: dict[int, RawExchange] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._due_ns = 0
        self._began_ns = 0
        self._cpu_began_ns = 0
        self._watched_ns = 0
        self._cpu_ns = 0
        self._stalls = 0
        self._worst_ns = 0

    def enter(self, record: RawExchange) -> None:
        """An exchange begins."""
        if not self._records:
            self._clocks.begin()
            self._began_ns = time.perf_counter_ns()
            self._cpu_began_ns = time.thread_time_ns()
            self._schedule(self._began_ns)
        self._records[id(record)] = record

    def leave(self, record: RawExchange) -> None:
        """An exchange is over; a stall that the timer could not report yet counts too."""
        now = time.perf_counter_ns()
        self._note(now)
        self._records.pop(id(record), None)
        if not self._records:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self._watched_ns += now - self._began_ns
            self._cpu_ns += time.thread_time_ns() - self._cpu_began_ns

    def summarize(self) -> LagSummary:
        """What was seen in all exchanges that are over."""
        return LagSummary(
            watched_s=self._watched_ns / 1e9,
            stalls=self._stalls,
            worst_ms=self._worst_ns / 1e6,
            cpu_share=self._cpu_ns / self._watched_ns if self._watched_ns else 0.0,
        )

    def _tick(self) -> None:
        now = time.perf_counter_ns()
        self._note(now)
        self._schedule(now)

    def _schedule(self, now: int) -> None:
        self._due_ns = now + PERIOD_NS
        self._timer = asyncio.get_running_loop().call_later(PERIOD_NS / 1e9, self._tick)

    def _note(self, now: int) -> None:
        late = now - self._due_ns
        self._worst_ns = max(self._worst_ns, late)
        if late > STALLED_NS:
            self._due_ns = now + PERIOD_NS  # counted once, though the late timer itself is still to come
            self._stalls += 1
            self._mark(STALLED_FLAG)
        for flag in self._clocks.look():
            self._mark(flag)

    def _mark(self, flag: str) -> None:
        for record in self._records.values():
            if flag not in record.flags:
                record.flags.append(flag)
