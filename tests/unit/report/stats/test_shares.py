"""Shares and F1 against published and worked values of Wilson's interval."""

import itertools
from typing import Any

import numpy as np
import pytest

import byok_bench as bb

WORKED = [
    # k, n, low, high: prop.test(k, n, correct = FALSE) of R
    (0, 10, 0.0, 0.2775),
    (1, 10, 0.0179, 0.4042),
    (10, 10, 0.7225, 1.0),
    (81, 263, 0.2553, 0.3662),  # Newcombe 1998, table I
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0, 0.1611),
    (1, 29, 0.0061, 0.1718),
]


@pytest.mark.parametrize(("k", "n", "low", "high"), WORKED)
def test_a_rate_has_wilsons_interval(k: int, n: int, low: float, high: float) -> None:
    """To the digit that is printed elsewhere."""
    found = bb.stats.rate(k, n)
    assert (found.value, found.n, found.level) == (k / n, n, 0.95)
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@pytest.mark.parametrize("n", [1, 2, 7, 1000])
def test_none_or_all_of_n_end_exactly_at_the_border(n: int) -> None:
    """0 and 1 are possible rates, and nothing is below or above them."""
    assert bb.stats.rate(0, n).low == 0.0
    assert bb.stats.rate(n, n).high == 1.0


@pytest.mark.parametrize(("n", "level"), [*itertools.product([1, 5, 400], [0.5, 0.9, 0.99])])
def test_an_interval_lies_within_0_and_1_around_its_value(n: int, level: float) -> None:
    """And widens with the level."""
    for k in range(0, n + 1, max(1, n // 5)):
        found, wider = bb.stats.rate(k, n, level=level), bb.stats.rate(k, n, level=0.999)
        assert 0 <= wider.low <= found.low <= found.value <= found.high <= wider.high <= 1  # type: ignore[operator]


def test_of_nothing_there_is_no_rate() -> None:
    """Too few is no error."""
    assert bb.stats.rate(0, 0) == bb.stats.Interval(None, None, None, 0, 0.95)
    assert bb.stats.f1(0, 0, 0).value is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((3, 2), "more than n"),
        ((-1, 2), "k is -1"),
        ((1.5, 2), "whole number"),
        (("1", 2), "whole number"),
        ((1, None), "whole number"),
        ((1, 2, 1.0), "level"),
        ((1, 2, 0), "level"),
        ((1, 2, 0.9999999999999999), "level"),
        ((1, 2, float("nan")), "level"),
    ],
)
def test_what_is_no_count_is_refused(arguments: tuple[Any, ...], said: str) -> None:
    """In words that say which one."""
    with pytest.raises(ValueError, match=said):
        bb.stats.rate(*arguments)


def test_numbers_of_numpy_come_back_as_pythons() -> None:
    """Whoever writes them as JSON need not know where they came from."""
    found = bb.stats.rate(np.int64(3), np.float64(4), level=np.float64(0.9))
    kinds = [type(one) for one in (found.value, found.low, found.high, found.n, found.level)]
    assert kinds == [float, float, float, int, float]


@pytest.mark.parametrize(("tp", "fp", "fn"), [(90, 5, 5), (1, 0, 0), (0, 3, 4), (70, 20, 40)])
def test_f1_is_the_mapped_share(tp: int, fp: int, fn: int) -> None:
    """F1 = 2p ÷ (1 + p), at the value and at both ends."""
    found, share = bb.stats.f1(tp, fp, fn), bb.stats.rate(tp, tp + fp + fn)
    assert found.value == pytest.approx(2 * tp / (2 * tp + fp + fn))
    assert found.low == pytest.approx(2 * share.low / (1 + share.low))  # type: ignore[operator]
    assert found.high == pytest.approx(2 * share.high / (1 + share.high))  # type: ignore[operator]
    assert found.n == tp + fp + fn


def test_a_perfect_f1_is_not_certain() -> None:
    """The delta method would give an interval of no width."""
    assert bb.stats.f1(10, 0, 0).low == pytest.approx(0.8389, abs=1e-4)


@pytest.mark.parametrize("counts", [(-1, 0, 0), (1, 0.5, 0), (1, 0, None)])
def test_f1_refuses_what_is_no_count(counts: tuple[Any, ...]) -> None:
    """As rate does."""
    with pytest.raises(ValueError, match=r"tp|fp|fn"):
        bb.stats.f1(*counts)
