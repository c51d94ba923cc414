"""Medians and quantiles between two ranks, against exact binomial sums."""

import math
import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import byok_bench as bb
from byok_bench.report.stats.ranks import ENOUGH, compute_quantile, find_ranks

FIRST = {0.5: 6, 0.9: 36, 0.95: 72, 0.99: 368, 0.1: 36}


@pytest.mark.parametrize(("q", "n"), [*FIRST.items()])
def test_an_interval_begins_at_the_first_n_whose_tails_are_small_enough(q: float, n: int) -> None:
    """One value less has none, and still its quantile."""
    assert bb.stats.quantile(range(n), q).has_ends
    before = bb.stats.quantile(range(n - 1), q)
    assert (before.low, before.high, before.n) == (None, None, n - 1)
    assert before.value is not None


def compute_tail(n: int, q: Fraction, upto: int) -> Fraction:
    """That at most `upto` of n values fall below the quantile."""
    return sum((math.comb(n, k) * q**k * (1 - q) ** (n - k) for k in range(upto + 1)), Fraction(0))


@pytest.mark.parametrize("q", [Fraction(1, 2), Fraction(9, 10), Fraction(1, 4), Fraction(19, 20)])
@pytest.mark.parametrize("n", [6, 7, 8, 20, 36, 41, 72, 100, 137])
@pytest.mark.parametrize("level", [Fraction(95, 100), Fraction(4, 5), Fraction(99, 100)])
def test_ranks_are_the_closest_that_leave_each_tail_its_half(n: int, q: Fraction, level: Fraction) -> None:
    """Summed up exactly: no tail beyond its half, none that could be closer, and the level is that of both."""
    found, allowed = find_ranks(n, float(q), float(level)), (1 - level) / 2
    if found is None:
        assert compute_tail(n, q, 0) > allowed or compute_tail(n, 1 - q, 0) > allowed
        return
    low, high, reached = found
    below, above = compute_tail(n, q, low - 1), compute_tail(n, 1 - q, n - high)
    assert max(below, above) <= allowed
    assert compute_tail(n, q, low) > allowed
    assert compute_tail(n, 1 - q, n - high + 1) > allowed
    assert reached == pytest.approx(float(1 - below - above))
    assert reached >= level


@pytest.mark.parametrize(("n", "level"), [(2, 0.5), (3, 0.75), (4, 0.875)])
def test_a_tail_that_is_just_as_large_as_allowed_is_taken(n: int, level: float) -> None:
    """Smallest and largest of n hold the median in 1 − 2 ÷ 2ⁿ of cases, which is the level asked for."""
    found = bb.stats.median(range(n), level=level)
    assert (found.low, found.high, found.level) == (0.0, n - 1.0, pytest.approx(level))


def test_large_samples_are_quick_and_near_the_normal_ranks() -> None:
    """Nothing is summed where there is nothing."""
    low, high, reached = find_ranks(1_000_000, 0.5, 0.95) or (0, 0, 0.0)
    assert (low, high) == (pytest.approx(499_020, abs=2), pytest.approx(500_981, abs=2))
    assert 0.95 <= reached < 0.951


def test_ties_are_no_trouble() -> None:
    """All equal: the interval has no width, and is right."""
    assert bb.stats.median([5] * 6) == bb.stats.Interval(5.0, 5.0, 5.0, 6, 0.96875)


def test_of_nothing_there_is_no_median() -> None:
    """None, and no error; one value is a median without interval."""
    assert bb.stats.median([]) == bb.stats.Interval(None, None, None, 0, 0.95)
    assert bb.stats.median([3]).value == 3.0


@pytest.mark.parametrize(
    ("values", "q", "said"),
    [
        ([1, math.nan], 0.5, r"xs\[1\] is nan"),
        ([math.inf], 0.5, "finite"),
        ([None], 0.5, r"xs\[0\] is None"),
        (["7"], 0.5, "finite number"),
        ("12", 0.5, "sequence"),
        (7, 0.5, "sequence"),
        (None, 0.5, "sequence"),
        ([10**400], 0.5, "finite number"),
        (np.array([1.0, math.nan, 2.0]), 0.5, "xs holds nan"),
        (np.array([-math.inf, 2.0]), 0.5, "xs holds -inf"),
        (np.array(["1", "2"]), 0.5, "finite number"),
        (np.array([1, None]), 0.5, r"xs\[1\] is None"),
        (np.ones((2, 2)), 0.5, "finite number"),
        ([1], 0, "q lies between"),
        ([1], 1, "q lies between"),
        ([1], 90, "q lies between"),
    ],
)
def test_what_is_no_sample_is_refused(values: Any, q: float, said: str) -> None:
    """NaN among latencies would sort anywhere."""
    with pytest.raises(ValueError, match=said):
        bb.stats.quantile(values, q)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.sampled_from([0.25, 0.5, 0.9]))
def test_the_interval_is_around_the_value_whatever_the_order(values: list[float], q: float) -> None:
    """Sorted or not, the same; ends are values that were seen."""
    found = bb.stats.quantile(values, q)
    assert found == bb.stats.quantile(sorted(values), q)
    if found.low is not None and found.high is not None and found.value is not None:
        assert found.low <= found.value <= found.high
        assert {found.low, found.high} <= set(values)


def test_pairs_are_taken_one_by_one() -> None:
    """Every pair differs by two, though the values scatter by hundreds."""
    before = [100.0, 900.0, 300.0, 500.0, 700.0, 200.0]
    found = bb.stats.paired(before, [value + 2 for value in before])
    assert found.difference == bb.stats.Interval(2.0, 2.0, 2.0, 6, 0.96875)
    twice, ratio = bb.stats.paired(before, [value * 2 for value in before])
    assert (ratio.value, ratio.low, ratio.high) == (2.0, 2.0, 2.0)
    assert twice.value == 400.0


@pytest.mark.parametrize(
    "column",
    [np.array, lambda xs: np.array(xs, dtype=np.uint8), lambda xs: pd.Series(xs, index=range(9, 0, -1)), pd.Index],
)
def test_a_column_is_read_as_its_values_are(column: Callable[[list[int]], Any]) -> None:
    """Neither its own kind of number nor its index has a say."""
    before, after = [5, 3, 9, 1, 7, 2, 8, 4, 6], [3, 3, 8, 1, 9, 2, 8, 4, 5]
    assert bb.stats.quantile(column(before), 0.4) == bb.stats.quantile(before, 0.4)
    assert bb.stats.paired(column(before), column(after)) == bb.stats.paired(before, after)


def test_pairs_without_a_ratio_leave_its_n() -> None:
    """Nothing is a multiple of 0, and of a negative time less is said."""
    found = bb.stats.paired([0, -1, 2, 4], [1, 1, 1, 1])
    assert (found.difference.n, found.ratio.n, found.ratio.value) == (4, 2, 0.375)


def test_sides_of_unequal_length_are_no_pairs() -> None:
    """Cutting the longer one would pair what was not asked together."""
    with pytest.raises(ValueError, match="2 values and after 1"):
        bb.stats.paired([1, 2], [1])


@pytest.mark.parametrize(
    ("values", "q", "expected"),
    [
        ([], 0.5, None),
        ([7.0], 0.5, 7.0),
        ([4.0, 1.0, 2.0], 0.5, 2.0),
        ([1.0, 2.0, 3.0, 10.0], 0.5, 2.5),
        ([float(n) for n in range(9)], 0.9, None),
        ([float(n) for n in range(1, 12)], 0.9, 10.0),
        ([float(n) for n in range(99)], 0.99, None),
        ([float(n) for n in range(101)], 0.99, 99.0),
    ],
)
def test_a_quantile_of_a_table_needs_enough_samples(values: list[float], q: float, expected: float | None) -> None:
    """None below, and linear between neighbours from there on."""
    assert compute_quantile(values, q) == expected


@pytest.mark.parametrize("size", range(100, 130))
@pytest.mark.parametrize("q", ENOUGH)
def test_a_quantile_is_that_of_numpy(q: float, size: int) -> None:
    """To the last bit: who computes it from an export finds what the table says."""
    dice = random.Random(size)
    values = [10 ** dice.uniform(-6, 6) for _ in range(size)]
    assert compute_quantile(values, q) == np.quantile(values, q)
