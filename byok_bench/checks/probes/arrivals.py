"""How the events of a streamed answer arrived: steadily, all at the end, or in bursts. From stamps alone."""

from itertools import pairwise
from statistics import median
from typing import Final

import msgspec

from byok_bench.dialects.exchange import Exchange

LATE_SHARE: Final = 0.8
LAST_PART: Final = 0.1
"""A stream was held back to its end if so many of its events came in so much of its time."""
AT_ONCE_MS: Final = 0.5
"""… and came as no model makes them: half of them so close. A fast model after a long queue does not."""
SEEN_MS: Final = 300.0
"""A stream that is over sooner hides nothing that a reader could have seen."""
PAUSE_MS: Final = 100.0
"""Silence between two events that a reader sees."""
FEWEST_PAUSES: Final = 3
PAUSED_SHARE: Final = 0.8
"""A stream came in bursts if so much of the time from its first to its last event was such silence …"""
EVENTS_A_BURST: Final = 4.0
"""… and so many events came between two silences: a slow model sends them one by one."""


class Arrivals(msgspec.Struct, frozen=True, kw_only=True):
    """When the output of one stream came."""

    events: int
    """Deltas that carried output."""
    reads: int
    """Socket reads of the whole body."""
    total_ms: float
    """Request written → end of the stream."""
    late: float
    """Share of the events in the last tenth of that time."""
    gap_ms: float
    """Median time between two events."""
    pauses: int
    """Silences between events of PAUSE_MS or longer."""
    pause_ms: float
    """Their median; 0 if there are none."""
    paused: float
    """Their share of the time from the first to the last event."""

    @property
    def is_held_back(self) -> bool:
        """Whether the stream came at its end."""
        at_once = self.gap_ms <= AT_ONCE_MS and self.total_ms >= SEEN_MS
        return at_once and self.late >= LATE_SHARE

    @property
    def is_bursty(self) -> bool:
        """Whether several events came together again and again, with silence between."""
        return (
            self.pauses >= FEWEST_PAUSES
            and self.paused >= PAUSED_SHARE
            and self.events / (self.pauses + 1) >= EVENTS_A_BURST
        )

    def __str__(self) -> str:
        if self.is_held_back:
            return (
                f"{self.late:.0%} of the {self.events} events arrived in the last {LAST_PART:.0%} of "
                f"{self.total_ms:.0f} ms"
            )
        return f"{self.events} events came in {self.reads} reads, {self.pauses} times after a silence of about " + (
            f"{self.pause_ms:.0f} ms"
        )


def measure_arrivals(answer: Exchange) -> Arrivals | None:
    """How the answer's output arrived; None if it has none."""
    stamps = [mark[0] for mark in answer.reading.marks]
    if not stamps:
        return None
    phases = answer.raw.phases
    start, end = phases.written or phases.start, phases.done or phases.end or stamps[-1]
    gaps = [(later - earlier) / 1e6 for earlier, later in pairwise(stamps)]
    pauses = [gap for gap in gaps if gap >= PAUSE_MS]
    span = (stamps[-1] - stamps[0]) / 1e6
    return Arrivals(
        events=len(stamps),
        reads=len(answer.raw.chunks),
        total_ms=(end - start) / 1e6,
        late=sum(stamp > end - (end - start) * LAST_PART for stamp in stamps) / len(stamps),
        gap_ms=median(gaps) if gaps else 0.0,
        pauses=len(pauses),
        pause_ms=median(pauses) if pauses else 0.0,
        paused=sum(pauses) / span if span else 0.0,
    )
