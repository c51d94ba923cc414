"""Medians and quantiles, with intervals between two values that were seen.

Of n values from one distribution, those at or below its q-quantile are binomially many, whatever the distribution. So
the l-th and the u-th smallest value hold the quantile with a probability that n and q alone decide (Thompson 1936;
David, Nagaraja, Order Statistics, 7.1). l is the highest and u the lowest rank for which each tail is at most half of
what the level leaves over; where n has no such ranks there is no interval. Ties can only raise the coverage.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeGuard

from byok_bench.report.stats.interval import LEVEL, Interval, read_level, read_value, read_values

ENOUGH: Final = {0.5: 1, 0.9: 10, 0.99: 100}
"""Quantile → samples below which a table does not give it: one sample is expected beyond it."""
ENOUGH_FOR_INTERVAL: Final = 6
"""First n at which a median has an interval at 95 %: 2 ÷ 2⁶ is below 5 %."""
ROUNDING: Final = 1e-9
"""Relative error that a sum of probabilities may have and still be the tail that was allowed."""


class Paired(NamedTuple):
    """Two medians of pairs."""

    difference: Interval
    """after − before"""
    ratio: Interval
    """after ÷ before"""


def median(xs: Iterable[float], level: float = LEVEL) -> Interval:
    """The median, with an interval from 6 values on (at 95 %). Raises ValueError for what is no finite number."""
    return quantile(xs, 0.5, level)


def quantile(xs: Iterable[float], q: float, level: float = LEVEL) -> Interval:
    """The q-quantile, linear between neighbours, with the interval between the two ranks that hold it.

    At 95 % the first n with an interval is 6 for the median, 36 for q = 0.9, 72 for 0.95, 368 for 0.99. Raises
    ValueError unless 0 < q < 1 and all values are finite numbers.
    """
    level = read_level(level)
    if not 0 < read_value(q, "q") < 1:
        raise ValueError(f"q lies between 0 and 1, as 0.9 does: {q!r} does not")
    ranked = _rank_values(xs)
    if not len(ranked):
        return Interval(None, None, None, 0, level)
    value, ranks = _compute_ranked_quantile(ranked, q), find_ranks(len(ranked), q, level)
    if ranks is None:
        return Interval(value, None, None, len(ranked), level)
    low, high, reached = ranks
    return Interval(value, float(ranked[low - 1]), float(ranked[high - 1]), len(ranked), reached)


def paired(before: Iterable[float], after: Iterable[float], level: float = LEVEL) -> Paired:
    """Medians of after − before and of after ÷ before over pairs in one order, each as `median` gives it.

    Pairs with before ≤ 0 have no ratio and are not in its n. Raises ValueError if the lengths differ.
    """
    arrays = read_array(before), read_array(after)
    if arrays[0] is not None and arrays[1] is not None:
        return _match_arrays(*arrays, level)
    first, second = read_values(before, "before"), read_values(after, "after")
    if len(first) != len(second):
        raise ValueError(f"before has {len(first)} values and after {len(second)}: pairs are wanted")
    pairs = list(zip(first, second, strict=True))
    return Paired(
        difference=median([right - left for left, right in pairs], level),
        ratio=median([right / left for left, right in pairs if left > 0], level),
    )


def compute_quantile(values: Sequence[float], q: float) -> float | None:
    """The q-quantile as a table gives it, linear between neighbours; None below ENOUGH[q] samples."""
    if not is_array(values):
        return _compute_ranked_quantile(sorted(values), q) if len(values) >= ENOUGH[q] else None
    return compute_picked_quantiles(len(values), (q,), lambda places: _pick_ranked(values, places))[0]


def compute_picked_quantiles(
    count: int, quantiles: Sequence[float], pick: Callable[[Sequence[int]], Sequence[float]]
) -> list[float | None]:
    """The same of `count` values, of which `pick` gives those at some places of their order."""
    wanted = [q for q in quantiles if count >= ENOUGH[q]]
    places = sorted({place for q in wanted for place in _list_neighbours(count, q)})
    picked = dict(zip(places, pick(places), strict=True)) if places else {}
    found: list[float | None] = []
    for q in quantiles:
        below, above = _list_neighbours(count, q)
        between = q * (count - 1) % 1
        found.append(_estimate_between(picked[below], picked[above], between) if q in wanted else None)
    return found


def is_array(values: object) -> TypeGuard[Any]:
    """Whether the values are an array of numpy's, whose own sorting is used; it is not imported for that."""
    return hasattr(values, "__array__")


def read_array(values: object) -> Any | None:
    """A row of numbers of numpy's, or of what is kept in one (a column of pandas), as a copy of floats.

    Whole numbers that are kept in a byte each would differ by 254 where they differ by −2. None for what is no such
    row: it is read value by value.
    """
    made = values.__array__() if is_array(values) else None
    return made.astype(float) if made is not None and made.ndim == 1 and made.dtype.kind in "biuf" else None


def _pick_ranked(values: Any, places: Sequence[int]) -> Sequence[float]:
    ranked = values.copy()
    ranked.partition(places)
    return [float(ranked[place]) for place in places]


def _rank_values(xs: Iterable[Any]) -> Sequence[Any]:
    """Sorted; raises ValueError for what is no finite number."""
    ranked = read_array(xs)
    if ranked is None:
        return sorted(read_values(xs, "xs"))
    ranked.sort()
    for end in (0, -1) if len(ranked) else ():  # what is not finite is sorted to one of the ends
        if not math.isfinite(ranked[end]):
            raise ValueError(f"xs holds {ranked[end]}: finite numbers are wanted")
    return ranked  # type: ignore[no-any-return]


def _match_arrays(before: Any, after: Any, level: float) -> Paired:
    if len(before) != len(after):
        raise ValueError(f"before has {len(before)} values and after {len(after)}: pairs are wanted")
    has_ratio = before > 0
    return Paired(difference=median(after - before, level), ratio=median(after[has_ratio] / before[has_ratio], level))


def _compute_ranked_quantile(ranked: Sequence[Any], q: float) -> float:
    below, above = _list_neighbours(len(ranked), q)
    return _estimate_between(ranked[below], ranked[above], q * (len(ranked) - 1) % 1)


def _list_neighbours(count: int, q: float) -> tuple[int, int]:
    """The places between which the quantile lies."""
    place = q * (count - 1)
    return math.floor(place), math.ceil(place)


def _estimate_between(below: Any, above: Any, share: float) -> float:
    # From the nearer neighbour, as numpy does: rounded alike.
    return float(below + (above - below) * share if share < 0.5 else above - (above - below) * (1 - share))


@lru_cache(maxsize=256)
def find_ranks(n: int, q: float, level: float) -> tuple[int, int, float] | None:
    """Ranks, from 1, of the ends of the interval, and the level that they reach; None if n has none."""
    allowed = (1 - level) / 2 * (1 + ROUNDING)
    below, above = _find_rank(n, q, allowed), _find_rank(n, 1 - q, allowed)
    if below is None or above is None:
        return None
    (low, tail), (mirrored, other) = below, above
    return low, n + 1 - mirrored, 1 - tail - other


def _find_rank(n: int, q: float, allowed: float) -> tuple[int, float] | None:
    """The highest rank l such that fewer than l of n values lie below the quantile in `allowed` cases; and in how many.

    Far below the expected number of values, probabilities add up to nothing; the sum begins there.
    """
    first = max(0, math.floor(n * q - 10 * math.sqrt(n * q * (1 - q))) - 30)
    found, tail = None, 0.0
    for k in range(first, n):
        tail += _compute_probability(n, k, q)
        if tail > allowed:
            break
        found = k + 1, tail
    return found


def _compute_probability(n: int, k: int, q: float) -> float:
    """That exactly k of n values fall below the quantile."""
    ways = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return math.exp(ways + k * math.log(q) + (n - k) * math.log1p(-q))
