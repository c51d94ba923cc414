"""Sequence: an interval for a mean that holds at every look, however often one looks and whenever one stops.

An interval that is made for one n is wrong at some look far more often than it says. This one is the empirical
Bernstein confidence sequence with predictable plug-in (Waudby-Smith, Ramdas 2024, "Estimating means of bounded random
variables by betting", theorem 2), intersected over looks. It asks nothing of the values but their bounds and one mean.
"""

import math

from byok_bench.report.stats.interval import LEVEL, Interval, read_level, read_value

BOLDEST = 0.5
"""Largest λ: the c of the paper."""


class Sequence:
    """Values that come one by one, and the interval of their mean so far."""

    def __init__(self, level: float = LEVEL, bounds: tuple[float, float] = (0, 1)) -> None:
        level = read_level(level)
        low, high = (read_value(end, "bounds") for end in bounds)
        if low >= high:
            raise ValueError(f"bounds are {bounds}: the lower one comes first")
        self._level = level
        self._low, self._width = low, high - low
        self._is_of_signs = False
        self._n, self._sum = 0, 0.0
        self._squares = 0.25
        """Sum of squared distances from the mean so far, with one of 1/2 before the first."""
        self._weights, self._weighted, self._spent = 0.0, 0.0, 0.0
        self._ends = (0.0, 1.0)

    @classmethod
    def of_signs(cls, differences: "list[float] | tuple[float, ...]" = (), level: float = LEVEL) -> "Sequence":
        """A sequence of the signs (−1, 0, 1) of paired differences, which need no bounds: for latencies.

        Its interval is of the share of pairs that rose minus the share that fell: 0 is no difference. `add` takes a
        difference of any size.
        """
        made = cls(level, (-1, 1))
        made._is_of_signs = True
        for one in differences:
            made.add(one)
        return made

    def __repr__(self) -> str:
        return f"Sequence({self.interval})"

    def add(self, x: float) -> None:
        """Take one more value. Raises ValueError for one out of bounds; it is not counted then."""
        value = read_value(x, "x")
        if self._is_of_signs:
            value = float((value > 0) - (value < 0))
        share = (value - self._low) / self._width
        if not 0 <= share <= 1:
            raise ValueError(f"x is {x}: outside of {self._low} to {self._low + self._width}")
        self._take(share)

    @property
    def interval(self) -> Interval | None:
        """The mean so far with its interval, whenever it is looked at; None before the first value."""
        if self._n == 0:
            return None
        low, high = self._ends
        mean = min(max(self._sum / self._n, low), high)  # earlier looks may have left it out by a hair
        value, low, high = (self._low + self._width * one for one in (mean, low, high))
        return Interval(value, low, high, self._n, self._level)

    def _take(self, share: float) -> None:
        """One step of the sequence, on values scaled to 0–1. λ rests on what came before alone."""
        before = (0.5 + self._sum) / (self._n + 1)
        self._n += 1
        log = math.log(2 / (1 - self._level))
        variance = self._squares / self._n
        bold = min(math.sqrt(2 * log / (variance * self._n * math.log(1 + self._n))), BOLDEST)
        self._weights += bold
        self._weighted += bold * share
        self._spent += (share - before) ** 2 * (-math.log1p(-bold) - bold)
        self._sum += share
        self._squares += (share - (0.5 + self._sum) / (self._n + 1)) ** 2
        middle, reach = self._weighted / self._weights, (log + self._spent) / self._weights
        now = max(0.0, middle - reach), min(1.0, middle + reach)
        both = max(self._ends[0], now[0]), min(self._ends[1], now[1])
        # Looks that leave nothing in common show that there is no one mean: then this look counts alone.
        self._ends = both if both[0] <= both[1] else now
