"""Stolen time: what a host gives to others while a virtual machine wants to run. It moves every figure of whoever
is measured just then, so a measurement that lost much of it is made again.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

T = TypeVar("T")

MOST: Final = 0.01
"""Share of the cores' time from which a measurement is made again."""
TRIES: Final = 4


def stolen_s() -> float:
    """Seconds stolen from all cores since the start of the machine; 0 where the system does not say."""
    stat = Path("/proc/stat")
    fields = stat.read_text().split("\n", 1)[0].split() if stat.exists() else []
    return int(fields[8]) / os.sysconf("SC_CLK_TCK") if len(fields) > 8 else 0.0


def undisturbed(measure: Callable[[], T]) -> tuple[T, float]:
    """The first measurement that lost no more than MOST, or of TRIES the one that lost least; and its share, %."""
    found: list[tuple[float, T]] = []
    cores = os.cpu_count() or 1
    for _ in range(TRIES):
        before, begin = stolen_s(), time.monotonic()
        one = measure()
        share = (stolen_s() - before) / ((time.monotonic() - begin) * cores)
        found.append((share, one))
        if share <= MOST:
            break
        print(f"  {share:.1%} stolen", file=sys.stderr, flush=True)
    share, one = min(found, key=lambda pair: pair[0])
    return one, share * 100
