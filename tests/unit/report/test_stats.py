"""Statistics against values worked out on paper."""

import math
import random

import numpy as np
import pytest

from byok_bench.report.stats import (
    DRAWS,
    ENOUGH,
    ENOUGH_FOR_INTERVAL,
    Difference,
    compute_interval,
    compute_quantile,
    draw_middle_ranks,
    estimate_difference,
    estimate_median,
)


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
def test_a_quantile_needs_enough_samples(values: list[float], q: float, expected: float | None) -> None:
    """None below, and linear between neighbours from there on."""
    assert compute_quantile(values, q) == expected


@pytest.mark.parametrize("size", range(100, 130))
@pytest.mark.parametrize("q", ENOUGH)
def test_a_quantile_is_that_of_numpy(q: float, size: int) -> None:
    """To the last bit: who computes it from an export finds what the table says."""
    dice = random.Random(size)
    values = [10 ** dice.uniform(-6, 6) for _ in range(size)]
    assert compute_quantile(values, q) == np.quantile(values, q)


def test_no_interval_below_six_samples() -> None:
    """Five samples cannot hold a median in 95 of 100 cases."""
    assert compute_interval([1.0] * (ENOUGH_FOR_INTERVAL - 1)) == (None, None)
    assert compute_interval([1.0] * ENOUGH_FOR_INTERVAL) == (1.0, 1.0)


def test_the_same_samples_give_the_same_interval() -> None:
    """A report that is made again says the same."""
    values = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0]
    assert compute_interval(values) == compute_interval(list(reversed(values)))
    found = estimate_median(values)
    assert found.n == 7
    assert found.median == 3.0
    assert found.low is not None
    assert found.high is not None
    assert found.low <= 3.0 <= found.high


@pytest.mark.parametrize("n", [6, 7, 20, 101])
def test_the_middle_of_a_resample_is_drawn_as_often_as_resampling_gives_it(n: int) -> None:
    """Of the n values that a resample takes, those among the k smallest are binomially many."""
    drawn = draw_middle_ranks(n, seed=0)
    for k in range(1, n):
        taken = [math.comb(n, hits) * (k / n) ** hits * (1 - k / n) ** (n - hits) for hits in range(n + 1)]
        for chance, seen in (
            (sum(taken[(n + 1) // 2 :]), sum(low < k for low, _ in drawn)),
            (sum(taken[n // 2 + 1 :]), sum(high < k for _, high in drawn)),
        ):
            scatter = math.sqrt(DRAWS * chance * abs(1 - chance))
            assert seen == pytest.approx(DRAWS * chance, abs=2 + 4 * scatter)


@pytest.mark.parametrize("size", [25, 2_000])
def test_the_interval_holds_the_true_median_about_as_often_as_it_says(size: int) -> None:
    """95 of 100."""
    dice = random.Random(size)
    held = 0
    for seed in range(200):
        low, high = compute_interval([dice.expovariate(1.0) for _ in range(size)], seed)
        assert low is not None
        assert high is not None
        held += low <= 0.6931 <= high
    assert 180 <= held <= 199


def test_differences_are_taken_pair_by_pair() -> None:
    """Every pair differs by two, though the values scatter by hundreds."""
    first = [100.0, 900.0, 300.0, 500.0, 700.0, 200.0]
    found = estimate_difference(first, [value + 2 for value in first])
    assert found == Difference(pairs=6, median=2.0, low=2.0, high=2.0)
    assert found.is_shown


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [(0.1, 2.0, True), (-2.0, -0.1, True), (-0.1, 2.0, False), (0.0, 2.0, False), (None, None, False)],
)
def test_a_difference_is_shown_only_where_the_interval_leaves_zero_out(
    low: float | None, high: float | None, shown: bool
) -> None:
    """No difference shown is a result, too."""
    assert Difference(pairs=9, median=1.0, low=low, high=high).is_shown is shown
