"""Statistics: quantiles that need enough samples, bootstrap intervals, paired differences.

A number that cannot be had from the samples at hand is None. How many samples a number needs is stated once, here.
Randomness is seeded: the same samples give the same interval.
"""

import math
import random
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import msgspec

ENOUGH: Final = {0.5: 1, 0.9: 10, 0.99: 100}
"""Quantile → samples below which it is not given: one sample is expected beyond it."""
ENOUGH_FOR_INTERVAL: Final = 6
"""Below six samples no interval of their order statistics holds the median in 95 of 100 cases."""
LEVEL: Final = 0.95
DRAWS: Final = 2_000
"""Resamples behind an interval."""


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A median with its interval."""

    n: int
    median: float | None = None
    low: float | None = None
    high: float | None = None
    """Ends of the 95 % bootstrap interval of the median."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """The median of paired differences (second − first), with its interval."""

    pairs: int
    median: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def is_shown(self) -> bool:
        """The interval leaves zero out: a difference is shown. Otherwise none is, which is a result too."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def compute_quantile(values: Sequence[float], q: float) -> float | None:
    """The q-quantile, linear between neighbours; None below ENOUGH[q] samples."""
    if len(values) < ENOUGH[q]:
        return None
    return _compute_ranked_quantile(sorted(values), q)


def _compute_ranked_quantile(ranked: Sequence[float], q: float) -> float:
    place = q * (len(ranked) - 1)
    below, above = ranked[math.floor(place)], ranked[math.ceil(place)]
    share = place % 1
    # From the nearer neighbour, as numpy does: rounded alike.
    return float(below + (above - below) * share if share < 0.5 else above - (above - below) * (1 - share))


def estimate_median(values: Sequence[float], seed: int = 0) -> Estimate:
    """Median and interval."""
    low, high = compute_interval(values, seed)
    return Estimate(n=len(values), median=compute_quantile(values, 0.5), low=low, high=high)


def estimate_difference(first: Sequence[float], second: Sequence[float], seed: int = 0) -> Difference:
    """Paired differences of two sequences of equal length, in the order of their pairs."""
    gaps = [after - before for before, after in zip(first, second, strict=True)]
    low, high = compute_interval(gaps, seed)
    return Difference(pairs=len(gaps), median=compute_quantile(gaps, 0.5), low=low, high=high)


def compute_interval(values: Sequence[float], seed: int = 0) -> tuple[float | None, float | None]:
    """Ends of the 95 % interval of the median; (None, None) below ENOUGH_FOR_INTERVAL samples."""
    if len(values) < ENOUGH_FOR_INTERVAL:
        return None, None
    ranked = sorted(values)
    medians = sorted((ranked[low] + ranked[high]) / 2 for low, high in draw_middle_ranks(len(ranked), seed))
    return _compute_ranked_quantile(medians, (1 - LEVEL) / 2), _compute_ranked_quantile(medians, (1 + LEVEL) / 2)


@lru_cache(maxsize=64)
def draw_middle_ranks(n: int, seed: int) -> tuple[tuple[int, int], ...]:
    """Ranks, from 0, of the two middle values of each of DRAWS resamples of n values; of the one, twice, for an odd n.

    A resample is n places in [0, 1), and takes the values that stand there. Of its sorted places the k-th has the
    distribution Beta(k, n + 1 − k), and those above it are even between it and 1 (Devroye, Non-Uniform Random Variate
    Generation, chapter V): so the middle ones are drawn without the others.
    """
    dice = random.Random(seed)
    k = (n + 1) // 2
    ranks = []
    for _ in range(DRAWS):
        place = dice.betavariate(k, n + 1 - k)
        following = place if n % 2 else 1 - (1 - place) * (1 - dice.random()) ** (1 / (n - k))
        ranks.append((int(place * n), int(following * n)))
    return tuple(ranks)
