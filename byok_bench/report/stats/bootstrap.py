"""BCa: the bootstrap interval that is mended for bias and skewness (Efron 1987; Efron, Tibshirani 1993, chapter 14).

What is drawn is always a whole prompt: answers to one prompt are not independent. A prompt is a tuple of counts or
sums, and an estimate is made of their totals: a mean of (value, 1), F1 of (hits, false alarms, misses). Randomness is
the standard library's and seeded.
"""

import operator
import random
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Final

from byok_bench.report.stats.interval import NORMAL, Interval

Totals = Sequence[float]
"""Hashable where it is of one prompt."""
Estimator = Callable[[Totals], float | None]
"""Totals over prompts → number; None where they have none."""
DRAWS: Final = 2_000
"""Resamples behind an interval."""
BYTES: Final = 256
"""How many numbers a byte can be."""


def draw_interval(prompts: Sequence[Totals], estimate: Estimator, level: float, seed: int) -> Interval | None:
    """The estimate of all prompts with its BCa interval over prompts; None where every draw gives the same."""
    totals, count = sum_columns(prompts), len(prompts)
    value = estimate(totals)
    assert value is not None
    drawn = _draw_estimates(tuple(prompts), estimate, seed)
    if drawn[0] == drawn[-1]:
        return None
    bias, skew = _compute_bias(drawn, value), _compute_skew(prompts, totals, estimate)
    low, high = (_find_end(drawn, NORMAL.inv_cdf(tail), bias, skew) for tail in ((1 - level) / 2, (1 + level) / 2))
    return Interval(value, low, high, count, level)


def sum_columns(prompts: Sequence[Totals]) -> Totals:
    """The totals of all prompts, place by place."""
    return [sum(column) for column in zip(*prompts, strict=True)]


@lru_cache(maxsize=32)
def _draw_estimates(prompts: tuple[Totals, ...], estimate: Estimator, seed: int) -> tuple[float, ...]:
    """What each resample gives, sorted. Kept: the same prompts are often asked for at two levels."""
    return tuple(sorted(one for some in _draw_totals(prompts, seed) if (one := estimate(some)) is not None))


def _draw_totals(prompts: Sequence[Totals], seed: int) -> Iterator[Totals]:
    """The totals of each resample. A column of one number, as the count of prompts is, needs no drawing."""
    columns = list(zip(*prompts, strict=True))
    readers = [None if min(column) == max(column) else column.__getitem__ for column in columns]
    fixed = [len(column) * column[0] for column in columns]
    for taken in draw_places(len(prompts), random.Random(operator.index(seed))):
        yield [total if read is None else sum(map(read, taken)) for read, total in zip(readers, fixed, strict=True)]


def draw_places(count: int, dice: random.Random) -> Iterator[Sequence[int]]:
    """DRAWS times `count` of the places 0 … count − 1, drawn with replacement.

    Up to BYTES of them as random bytes, which is five times as quick as one number after the other: those at or above
    the greatest multiple of `count` are dropped, so that each place is as likely as any other.
    """
    if count > BYTES:
        yield from (dice.choices(range(count), k=count) for _ in range(DRAWS))
        return
    places = bytes(byte % count for byte in range(BYTES))
    dropped = bytes(range(BYTES - BYTES % count, BYTES))
    drawn = b""
    for _ in range(DRAWS):
        while len(drawn) < count:
            drawn += dice.randbytes(64 * count).translate(places, dropped)
        yield drawn[:count]
        drawn = drawn[count:]


def _compute_bias(drawn: Sequence[float], value: float) -> float:
    """z of the share of draws below the value, those at it by half."""
    below = sum((one < value) + (one == value) / 2 for one in drawn)
    return NORMAL.inv_cdf(min(max(below, 0.5), len(drawn) - 0.5) / len(drawn))


def _compute_skew(prompts: Sequence[Totals], totals: Totals, estimate: Estimator) -> float:
    """The acceleration: skewness of what the estimate is without one of the prompts each."""
    rests = ([total - one for total, one in zip(totals, prompt, strict=True)] for prompt in prompts)
    without = [one for rest in rests if (one := estimate(rest)) is not None]
    middle = sum(without) / len(without)
    squares = sum((middle - one) ** 2 for one in without)
    return sum((middle - one) ** 3 for one in without) / (6 * squares**1.5) if squares else 0.0


def _find_end(drawn: Sequence[float], z: float, bias: float, skew: float) -> float:
    """The draw at the mended tail."""
    moved = bias + z
    share = NORMAL.cdf(bias + moved / (1 - skew * moved))
    return drawn[min(max(round(share * (len(drawn) + 1)) - 1, 0), len(drawn) - 1)]
