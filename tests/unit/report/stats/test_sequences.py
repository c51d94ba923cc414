"""An interval that may be looked at after every value."""

import random
from typing import Any

import pytest

import byok_bench as bb
from byok_bench.report.stats import Interval, Sequence


def test_before_the_first_value_there_is_none() -> None:
    """Not even the bounds."""
    assert bb.stats.Sequence().interval is None


def test_the_interval_narrows_and_never_widens() -> None:
    """Looks are intersected; the value stays inside and n counts."""
    dice, made, before = random.Random(4), Sequence(), (0.0, 1.0)
    for n in range(1, 400):
        made.add(dice.random() < 0.4)
        found = made.interval
        assert found is not None
        assert before[0] <= found.low <= found.value <= found.high <= before[1]  # type: ignore[operator]
        assert found.n == n
        before = (found.low, found.high)  # type: ignore[assignment]
    assert before[1] - before[0] < 0.3


@pytest.mark.parametrize("x", [-0.01, 1.01, float("nan"), "1", None])
def test_a_value_out_of_bounds_is_refused_and_not_counted(x: Any) -> None:
    """The bounds are what the interval rests on."""
    made = Sequence()
    made.add(1)
    with pytest.raises(ValueError, match="x is"):
        made.add(x)
    assert made.interval is not None
    assert made.interval.n == 1


def test_other_bounds_scale_the_interval() -> None:
    """The same sequence from −10 to 30."""
    plain, wide = Sequence(), Sequence(bounds=(-10, 30))
    for share in (0.1, 0.5, 0.25, 0.9):
        plain.add(share)
        wide.add(-10 + 40 * share)
    a, b = plain.interval, wide.interval
    assert a is not None
    assert b is not None
    assert [b.value, b.low, b.high] == [pytest.approx(-10 + 40 * one) for one in (a.value, a.low, a.high)]  # type: ignore[operator]


@pytest.mark.parametrize("bounds", [(1, 0), (0, 0), (0, float("inf"))])
def test_bounds_that_are_none_are_refused(bounds: tuple[float, float]) -> None:
    """Without bounds there is no such interval."""
    with pytest.raises(ValueError, match="bounds"):
        Sequence(bounds=bounds)


def test_signs_tell_which_side_is_slower_whatever_the_size() -> None:
    """Differences need no bounds; −1, 0 and 1 are what counts."""
    made = Sequence.of_signs([5.0, -3.0, 0.0])
    made.add(1e9)
    assert made.interval is not None
    assert (made.interval.value, made.interval.n) == (0.25, 4)
    for _ in range(100):
        made.add(0.001)
    assert made.interval.low > 0  # type: ignore[operator]


def test_values_of_two_means_end_in_the_last_look() -> None:
    """Looks with nothing in common do not turn the interval around."""
    made = Sequence()
    for value in [0.0] * 300 + [1.0] * 3000:
        made.add(value)
        found = made.interval
        assert isinstance(found, Interval)
        assert found.low <= found.high  # type: ignore[operator]
