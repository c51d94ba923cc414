"""Load patterns: how many at once, or how many a second, and when each request is meant to start.

Closed loop: a fixed number in flight; the next starts when one ends. Open loop: starts are fixed beforehand and do
not wait for answers, and time counts from the intended start, so a server that stalls cannot hide it.
"""

import math
import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, get_args

import msgspec

from byok_bench.errors import PlanError

Arrivals = Literal["constant", "poisson"]
NS = 1_000_000_000


class ClosedLoad(msgspec.Struct, frozen=True, kw_only=True, tag="closed"):
    """A fixed number of samples in flight on one target."""

    concurrency: int = 1

    @property
    def name(self) -> str:
        """As in tables."""
        return f"{self.concurrency} at once"


class OpenLoad(msgspec.Struct, frozen=True, kw_only=True, tag="open"):
    """Samples started at a rate, whatever is still in flight."""

    rate_per_s: float
    arrivals: Arrivals = "poisson"
    end_rate_per_s: float | None = None
    """A ramp: the rate grows (or falls) evenly from `rate_per_s` to this one."""

    @property
    def name(self) -> str:
        """As in tables."""
        ramp = f"–{self.end_rate_per_s:g}" if self.end_rate_per_s else ""
        return f"{self.rate_per_s:g}{ramp}/s {self.arrivals}"


class ForeignLoad(ClosedLoad, frozen=True, kw_only=True, tag="foreign"):
    """The load of a run that another tool made, where it is none of ours or was not said. It is never played."""

    said: str = ""

    @property
    def name(self) -> str:
        """As in tables."""
        return self.said or "not said"


Load = ClosedLoad | OpenLoad | ForeignLoad


def make_loads(
    concurrency: int | Sequence[int] | None,
    rate: float | Sequence[float] | None,
    arrivals: str | None,
    ramp_to: float | None,
) -> tuple[Load, ...]:
    """The stages of a run: one for each rate if there is one, else one for each rung of the concurrency ladder.

    None is what was not given; one request at a time is what is played where nothing is. Raises PlanError, also for
    what would have no effect beside the others.
    """
    if arrivals is not None and arrivals not in get_args(Arrivals):
        raise PlanError(f"arrivals is {arrivals!r}; there are {' and '.join(get_args(Arrivals))}", code="bad_plan")
    pattern: Arrivals = "constant" if arrivals == "constant" else "poisson"
    if rate is not None:
        if concurrency is not None:
            raise PlanError(
                "concurrency and rate exclude each other: a rate starts samples whatever is in flight",
                code="bad_plan",
            )
        rates: list[Any] = list(rate) if isinstance(rate, Iterable) else [rate]
        if not rates or not all(map(_is_rate, (*rates, 1.0 if ramp_to is None else ramp_to))):
            raise PlanError("a rate must be more than 0 and at most 100000 requests a second", code="bad_plan")
        return tuple(OpenLoad(rate_per_s=value, arrivals=pattern, end_rate_per_s=ramp_to) for value in rates)
    if ramp_to is not None:
        raise PlanError("ramp_to needs a rate to start from", code="bad_plan")
    at_once = 1 if concurrency is None else concurrency
    rungs: list[Any] = list(at_once) if isinstance(at_once, Iterable) else [at_once]
    if not rungs or any(isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= 10_000 for n in rungs):
        raise PlanError("concurrency must be whole numbers from 1 to 10000", code="bad_plan")
    if arrivals is not None:
        raise PlanError("arrivals are those of a rate: give one, or leave them out", code="bad_plan")
    return tuple(ClosedLoad(concurrency=rung) for rung in dict.fromkeys(rungs))


def _is_rate(value: object) -> bool:
    return isinstance(value, int | float) and 0 < value <= 100_000


def compute_intended_starts(load: OpenLoad, count: int, seed: str) -> list[int]:
    """Nanoseconds after the start of the stage for each of `count` arrivals; the same seed, the same times.

    Arrivals are a process of rate one, stretched by the inverse of the expected count N(t). For a ramp from a to b
    over the time T in which `count` are expected, N(t) = a·t + (b − a)·t² / 2T; afterwards the rate stays at b.
    """
    return [int(NS * _compute_start(load, mark, count)) for mark in _iterate_unit_arrivals(load.arrivals, count, seed)]


def _iterate_unit_arrivals(arrivals: Arrivals, count: int, seed: str) -> Iterator[float]:
    dice = random.Random(seed)
    mark = 0.0
    for position in range(count):
        if arrivals == "constant":
            yield float(position)
        else:
            mark += dice.expovariate(1.0)
            yield mark


def _compute_start(load: OpenLoad, mark: float, count: int) -> float:
    first, last = load.rate_per_s, load.end_rate_per_s
    if last is None or last == first:
        return mark / first
    duration = 2 * count / (first + last)
    if mark >= count:
        return duration + (mark - count) / last
    slope = (last - first) / duration
    return (math.sqrt(first * first + 2 * slope * mark) - first) / slope
