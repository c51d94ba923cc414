"""A timed section: garbage collection stands still, and what else could have moved a stamp is written down."""

import functools
import gc
import os
import platform
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import metadata
from typing import Final

import msgspec

from byok_bench.wire.recording.loop_lag import LagMonitor

CORE_FULL: Final = 0.9
"""Share of a core from which the loop's thread itself was the bottleneck."""
LONG_ENOUGH_S: Final = 0.2
"""Below this a share of processor time says nothing."""


class Health(msgspec.Struct, kw_only=True):
    """How the measuring process fared during one timed section."""

    target: int
    stage: int
    exchanges: int = 0
    wall_s: float = 0.0
    """Time with at least one exchange under way."""
    cpu_s: float = 0.0
    """Processor time of the loop's thread in it."""
    stalls: int = 0
    """Times that the event loop stood still for longer than it may."""
    worst_stall_ms: float = 0.0
    """Longest lateness of the loop in this process so far."""
    worker: str = ""
    """Which worker of a cluster it was, counted from 1; empty for a process of the run's own."""
    machine: dict[str, str] = {}
    """What measured: versions, platform, processors, event loop. No name of a host or a person."""


@functools.cache
def describe_machine() -> dict[str, str]:
    """What measures here, as later readers of a number need it."""
    try:
        version = metadata.version("byok-bench")
    except metadata.PackageNotFoundError:
        version = "not installed"
    return {
        "byok_bench": version,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processors": str(os.cpu_count() or "unknown"),
    }


def is_core_full(sections: Iterable[Health]) -> bool:
    """Over these sections the loop had no time to spare: stamps and sends are as late as it was."""
    parts = list(sections)
    wall = sum(part.wall_s for part in parts)
    return wall > LONG_ENOUGH_S and sum(part.cpu_s for part in parts) / wall > CORE_FULL


@contextmanager
def freeze_heap() -> Iterator[None]:
    """What was made before a session is never looked at by the collector during it; nor before it, which in a process
    of many modules takes as long as tens of exchanges.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def time_section(health: Health, lag: LagMonitor) -> Iterator[None]:
    """No collection inside; what the loop's monitor saw in it is filled in at the end."""
    running = gc.isenabled()
    gc.disable()
    before = lag.summarize()
    try:
        yield
    finally:
        after = lag.summarize()
        health.wall_s = after.watched_s - before.watched_s
        health.cpu_s = after.cpu_share * after.watched_s - before.cpu_share * before.watched_s
        health.stalls = after.stalls - before.stalls
        health.worst_stall_ms = after.worst_ms
        if running:
            gc.enable()
