"""Change points: at which places a row of numbers goes on at another height.

Circular binary segmentation (Olshen, Venkatraman, Lucito, Wigler 2004): the stretch whose mean differs most from the
rest, in units of the scatter, is a change if a shuffled row shows one as large in less than 1 − level of the draws;
then its parts are looked at alike. A stretch may begin or end in the middle, so what came and went is found, too.
"""

import operator
import random
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Final

from byok_bench.report.stats.interval import LEVEL, read_level, read_values

SHUFFLES: Final = 999
SHORTEST: Final = 2
"""Numbers of a part at least."""


def find_changes(xs: Iterable[float], level: float = LEVEL, seed: int = 0) -> list[int]:
    """Places, from 0, of the first number after each change, in order. Raises ValueError for what is no number."""
    level = read_level(level)
    return sorted(_find_between(read_values(xs, "xs"), 0, level, random.Random(operator.index(seed))))


def _find_between(values: Sequence[float], offset: int, level: float, dice: random.Random) -> Iterator[int]:
    count = len(values)
    if count < 2 * SHORTEST:
        return
    (begin, end), gain = _find_stretch(values)
    beaten = sum(_find_stretch(dice.sample(values, count))[1] >= gain for _ in range(SHUFFLES))
    if gain <= 0 or (beaten + 1) / (SHUFFLES + 1) > 1 - level:
        return
    yield from (offset + place for place in (begin, end) if 0 < place < count)
    for first, last in ((0, begin), (begin, end), (end, count)):
        yield from _find_between(values[first:last], offset + first, level, dice)


def _find_stretch(values: Sequence[float]) -> tuple[tuple[int, int], float]:
    """The stretch that explains most of the squares around the mean, and how much that is."""
    count = len(values)
    sums = [0.0, *accumulate(values)]
    best, gain = (0, count), 0.0
    for begin, end in _list_stretches(count):
        inner, size = sums[end] - sums[begin], end - begin
        gap = inner / size - (sums[count] - inner) / (count - size)
        explained = gap * gap * size * (count - size) / count
        if explained > gain * (1 + 1e-9):
            best, gain = (begin, end), explained
    return best, gain


@lru_cache(maxsize=64)
def _list_stretches(count: int) -> tuple[tuple[int, int], ...]:
    """All of them that leave no part shorter than SHORTEST, but none at either end."""
    begins = [place for place in range(count) if place == 0 or place >= SHORTEST]
    return tuple(
        (begin, end)
        for begin in begins
        for end in range(begin + SHORTEST, count + 1)
        if (end == count or count - end >= SHORTEST) and end - begin <= count - SHORTEST
    )
