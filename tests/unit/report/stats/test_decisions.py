"""Three-valued decisions, and what one still takes."""

import math
from typing import Any

import pytest

import byok_bench as bb
from byok_bench.report.stats import Interval, Needed

MARGIN = 0.03
DECIDED = [
    # low, high, better, verdict
    (-0.02, 0.01, "higher", "pass"),
    (-0.09, -0.04, "higher", "fail"),
    (-0.05, 0.01, "higher", "undecided"),
    (-0.03, 0.01, "higher", "undecided"),
    (-0.05, -0.03, "higher", "undecided"),
    (0.2, 0.4, "higher", "pass"),
    (-0.01, 0.02, "lower", "pass"),
    (0.04, 0.09, "lower", "fail"),
    (-0.01, 0.05, "lower", "undecided"),
    (-0.01, 0.03, "lower", "undecided"),
    (0.03, 0.05, "lower", "undecided"),
    (-0.4, -0.2, "lower", "pass"),
]


@pytest.mark.parametrize(("low", "high", "better", "verdict"), DECIDED)
def test_the_whole_interval_has_to_lie_on_one_side(low: float, high: float, better: Any, verdict: str) -> None:
    """An end just at the margin decides nothing."""
    assert bb.stats.decide(Interval((low + high) / 2, low, high, 50), MARGIN, better) == verdict


@pytest.mark.parametrize("estimate", [None, Interval(None, None, None, 0), Interval(0.5, None, None, 3)])
def test_without_an_interval_nothing_is_decided(estimate: Interval | None) -> None:
    """Too few samples is undecided and never an error."""
    assert bb.stats.decide(estimate, MARGIN) == "undecided"
    assert bb.stats.needed(estimate, MARGIN) is None


@pytest.mark.parametrize("margin", [-0.01, math.nan, "x", None])
def test_what_is_no_margin_is_refused(margin: Any) -> None:
    """In both."""
    for call in (bb.stats.decide, bb.stats.needed):
        with pytest.raises(ValueError, match="margin"):
            call(Interval(0.0, -0.1, 0.1, 10), margin)


def test_a_direction_that_is_none_is_refused() -> None:
    """`less` is no `lower`."""
    with pytest.raises(ValueError, match="higher or lower"):
        bb.stats.decide(Interval(0.0, -0.1, 0.1, 10), MARGIN, "less")  # type: ignore[arg-type]


def test_what_is_needed_is_worked_out_on_paper() -> None:
    """SE 0.05 at 100 prompts, 0.03 away: 100 · (3.605 · 0.05 ÷ 0.03)² − 100 = 3510.07."""
    estimate = Interval(0.0, -0.098, 0.098, 100)
    assert bb.stats.needed(estimate, MARGIN) == Needed(3511, None)
    assert bb.stats.needed(estimate, MARGIN, cost_per_prompt=0.01) == Needed(3511, 35.11)
    assert bb.stats.needed(estimate, MARGIN, "lower") == Needed(3511, None)


def test_a_clear_case_needs_no_more() -> None:
    """Never less than nothing."""
    assert bb.stats.needed(Interval(0.0, -0.001, 0.001, 100), MARGIN) == Needed(0, None)


@pytest.mark.parametrize(("value", "is_known"), [(-0.03, False), (-0.0304, False), (-0.0306, True), (-0.0294, True)])
def test_at_the_margin_itself_no_number_of_prompts_decides(value: float, is_known: bool) -> None:
    """Nearer than a hundredth of the standard error, which is 0.05 here."""
    assert (bb.stats.needed(Interval(value, value - 0.098, value + 0.098, 100), MARGIN) is not None) is is_known


def test_a_point_on_the_margin_needs_what_nobody_has() -> None:
    """No width and no distance: None, and no division by zero."""
    assert bb.stats.needed(Interval(-0.03, -0.03, -0.03, 9), MARGIN) is None


def test_a_price_below_zero_is_refused() -> None:
    """It would pay to go on."""
    with pytest.raises(ValueError, match="cost_per_prompt"):
        bb.stats.needed(Interval(0.0, -0.1, 0.1, 10), MARGIN, cost_per_prompt=-1)


def test_a_floor_is_taken_off_with_its_own_width() -> None:
    """Square and add: 3 and 4 make 5."""
    found = bb.stats.subtract(Interval(10.0, 7.0, 14.0, 50), Interval(2.0, -1.0, 6.0, 30))
    assert found == Interval(8.0, 3.0, 13.0, 30)


@pytest.mark.parametrize("floor", [None, Interval(None, None, None, 0)])
def test_without_a_floor_there_is_nothing_to_judge(floor: Interval | None) -> None:
    """None; and a floor without interval gives a value alone."""
    assert bb.stats.subtract(Interval(1.0, 0.0, 2.0, 5), floor) is None
    assert bb.stats.subtract(Interval(1.0, 0.0, 2.0, 5), Interval(0.5, None, None, 1)) == Interval(0.5, None, None, 1)


@pytest.mark.parametrize(("rules", "level"), [(1, 0.95), (2, 0.975), (10, 0.995)])
def test_a_family_shares_what_the_level_leaves_over(rules: int, level: float) -> None:
    """1 − 0.05 ÷ m."""
    assert bb.stats.compute_family_level(rules) == pytest.approx(level)


def test_an_empty_family_has_no_level() -> None:
    """Nor has one of −1."""
    with pytest.raises(ValueError, match="family"):
        bb.stats.compute_family_level(0)
