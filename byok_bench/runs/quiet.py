"""A timed section: garbage collection stands still, and what else could have moved a stamp is written down."""

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

CORE_FULL: float = 0.9
"""Share of a core from which this process itself was the bottleneck."""


class Health(msgspec.Struct, kw_only=True):
    """How the measuring process fared during one timed section."""

    target: int
    stage: int
    wall_s: float = 0.0
    cpu_s: float = 0.0
    """Processor time of this process, all threads."""
    exchanges: int = 0
    stalls: int = 0
    """Times that the event loop stood still for longer than it may."""
    worst_stall_ms: float = 0.0

    @property
    def core_full(self) -> bool:
        """The process used up its core: its stamps are as late as the core was busy."""
        return self.wall_s > 0.2 and self.cpu_s / self.wall_s > CORE_FULL


@contextmanager
def frozen_heap() -> Iterator[None]:
    """What was made before a session is never looked at by the collector during it."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def timed_section(health: Health) -> Iterator[Health]:
    """No collection inside; wall and processor time are filled in at the end."""
    running = gc.isenabled()
    gc.disable()
    wall, cpu = time.perf_counter_ns(), time.process_time_ns()
    try:
        yield health
    finally:
        health.wall_s = (time.perf_counter_ns() - wall) / 1e9
        health.cpu_s = (time.process_time_ns() - cpu) / 1e9
        if running:
            gc.enable()
