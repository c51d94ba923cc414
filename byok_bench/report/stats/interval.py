"""Interval: an estimate and how far it reaches; and how the numbers that estimates are made of are read."""

import math
import operator
from collections.abc import Iterable
from statistics import NormalDist
from typing import Any, Final

import msgspec

LEVEL: Final = 0.95
NORMAL: Final = NormalDist()


class Interval(msgspec.Struct, frozen=True):
    """An estimate with the interval around it."""

    value: float | None
    """The estimate; None where there is nothing to estimate from."""
    low: float | None
    """Lower end; None where n cannot support the level that was asked for."""
    high: float | None
    """Upper end; None where low is."""
    n: int
    """What it rests on: values, pairs, or prompts."""
    level: float = LEVEL
    """The level reached: for order statistics the exact one of the ranks, not below what was asked for; else that."""

    @property
    def has_ends(self) -> bool:
        """Whether n supports an interval."""
        return self.low is not None and self.high is not None


def compute_family_level(rules: int, level: float = LEVEL) -> float:
    """The level at which each of a family of rules is looked at so that all hold together at `level`.

    1 − (1 − level) ÷ rules (Bonferroni). Raises ValueError below one rule.
    """
    wanted = read_level(level)
    if rules < 1:
        raise ValueError(f"a family has one rule or more, not {rules}")
    return 1 - (1 - wanted) / rules


def read_level(level: Any) -> float:
    """The level as a float. Raises ValueError unless it lies between 0 and 1, and leaves something for either tail."""
    wanted = read_value(level, "level")
    if not 0 < wanted < 1 or (1 + wanted) / 2 == 1:
        raise ValueError(f"the level lies between 0 and 1, as 0.95 does: {level!r} does not")
    return wanted


def compute_z(level: float) -> float:
    """Normal quantile of a two-sided level: 1.96 for 0.95."""
    return NORMAL.inv_cdf((1 + level) / 2)


def read_value(value: Any, name: str) -> float:
    """A finite number as a float. Raises ValueError that calls it by `name`."""
    try:
        number = math.nan if isinstance(value, (str, bytes)) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{name} is {value!r}: a finite number is wanted")
    return number


def read_values(values: Iterable[Any], name: str) -> list[float]:
    """Finite numbers as floats. Raises ValueError that tells the place of the first that is none."""
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        raise ValueError(f"{name} is {values!r}: a sequence of numbers is wanted")
    return [read_value(value, f"{name}[{place}]") for place, value in enumerate(values)]


def read_whole(value: Any, name: str) -> int:
    """A whole number from 0 on, 3.0 for 3 as well. Raises ValueError that calls it by `name`."""
    try:
        count = int(value) if isinstance(value, float) and value.is_integer() else operator.index(value)
    except TypeError:
        raise ValueError(f"{name} is {value!r}: a whole number is wanted") from None
    if count < 0:
        raise ValueError(f"{name} is {count}: it counts from 0 on")
    return count
