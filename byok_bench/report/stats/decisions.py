"""Decisions: whether a candidate is no worse than a reference by more than a margin, and what deciding would cost.

Non-inferiority by a confidence interval (ICH E9, 3.3.2; CONSORT extension of 2012): the whole interval of
candidate − reference has to lie on one side of −margin. Where it does not, the answer is "undecided".
"""

import math
from typing import Final, Literal

import msgspec

from byok_bench.report.stats.interval import Interval, read_value

Better = Literal["higher", "lower"]
Verdict = Literal["pass", "fail", "undecided"]
NEAREST: Final = 0.01
"""Standard errors: a distance below is none that more prompts could show."""
Z_LEVEL: Final = 1.96
"""Normal quantile of a two-sided 95 % interval."""
Z_POWER: Final = 1.645
"""Normal quantile of 95 % power."""


class Needed(msgspec.Struct, frozen=True):
    """What a decision still takes."""

    prompts: int
    """Prompts beyond those behind the estimate."""
    cost: float | None = None
    """In the unit of `cost_per_prompt`; None without one."""


def decide(estimate: Interval | None, margin: float, better: Better = "higher") -> Verdict:
    """pass, fail or undecided, for an estimate of candidate − reference.

    Where higher is better: pass if low > −margin, fail if high < −margin; for lower the signs flip. Everything else is
    undecided: an end exactly at the margin, an estimate without interval, None. Raises ValueError for a margin below 0.
    """
    turned, limit = _turn(estimate, better), _check_margin(margin)
    if turned is None:
        return "undecided"
    _, low, high = turned
    return "pass" if low > -limit else "fail" if high < -limit else "undecided"


def needed(
    estimate: Interval | None, margin: float, better: Better = "higher", cost_per_prompt: float | None = None
) -> Needed | None:
    """Prompts, and money, until `decide` would decide with 95 % power if the estimate is the truth.

    n · (((1.96 + 1.645) · SE) ÷ distance)² − n, with SE = (high − low) ÷ 3.92 of a 95 % interval and the distance of
    the value from −margin: to stop where half the interval just fits would decide in every second case only. None where
    the distance is below 1 % of SE (the truth may lie on the margin, where nothing decides), and without an interval.
    """
    turned, limit = _turn(estimate, better), _check_margin(margin)
    price = None if cost_per_prompt is None else read_value(cost_per_prompt, "cost_per_prompt")
    if price is not None and price < 0:
        raise ValueError(f"cost_per_prompt is {price}: below 0")
    if turned is None or estimate is None:
        return None
    value, low, high = turned
    distance, error = abs(value + limit), (high - low) / (2 * Z_LEVEL)
    if distance == 0 or not distance >= NEAREST * error:
        return None
    wanted = estimate.n * (((Z_LEVEL + Z_POWER) * error) / distance) ** 2 - estimate.n
    prompts = max(0, math.ceil(wanted))
    return Needed(prompts, None if price is None else prompts * price)


def subtract(candidate: Interval | None, floor: Interval | None) -> Interval | None:
    """candidate − floor of two estimates of one kind, by the ends of both (MOVER: Donner, Zou 2012).

    low is d − √((c − c_low)² + (f_high − f)²), high alike. Taken as independent, which is on the safe side where both
    rest on the same prompts. n is the smaller one. Without an interval on either side there is none; None without a
    value on either side.
    """
    if candidate is None or floor is None or candidate.value is None or floor.value is None:
        return None
    value, n, level = candidate.value - floor.value, min(candidate.n, floor.n), min(candidate.level, floor.level)
    if candidate.low is None or candidate.high is None or floor.low is None or floor.high is None:
        return Interval(value, None, None, n, level)
    below = math.hypot(candidate.value - candidate.low, floor.high - floor.value)
    above = math.hypot(candidate.high - candidate.value, floor.value - floor.low)
    return Interval(value, value - below, value + above, n, level)


def _turn(estimate: Interval | None, better: str) -> tuple[float, float, float] | None:
    """Value, low and high with more being better; None without an interval."""
    if better not in ("higher", "lower"):
        raise ValueError(f"better is {better!r}: higher or lower")
    if estimate is None or estimate.value is None or estimate.low is None or estimate.high is None:
        return None
    if better == "lower":
        return -estimate.value, -estimate.high, -estimate.low
    return estimate.value, estimate.low, estimate.high


def _check_margin(margin: float) -> float:
    limit = read_value(margin, "margin")
    if limit < 0:
        raise ValueError(f"the margin is {margin}: how much worse is let pass is 0 or more")
    return limit
