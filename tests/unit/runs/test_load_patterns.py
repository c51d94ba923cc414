"""Load patterns: when arrivals are meant to happen."""

import itertools
import statistics

import pytest

from byok_bench.errors import PlanError
from byok_bench.runs.planning.load_patterns import (
    NS,
    ClosedLoad,
    OpenLoad,
    compute_intended_starts,
    make_loads,
)


def test_constant_arrivals_are_evenly_spaced() -> None:
    """Ten a second are 100 ms apart, and the first is at once."""
    assert compute_intended_starts(OpenLoad(rate_per_s=10.0, arrivals="constant"), 4, "s") == [
        0,
        NS // 10,
        NS // 5,
        3 * NS // 10,
    ]


def test_poisson_arrivals_have_the_rate_and_the_spread() -> None:
    """Gaps of a Poisson process: their deviation equals their mean, and their mean is one over the rate."""
    starts = compute_intended_starts(OpenLoad(rate_per_s=50.0, arrivals="poisson"), 20_000, "s")
    gaps = [(b - a) / NS for a, b in itertools.pairwise(starts)]
    assert statistics.mean(gaps) == pytest.approx(1 / 50, rel=0.03)
    assert statistics.stdev(gaps) == pytest.approx(1 / 50, rel=0.05)


def test_the_seed_decides_the_arrivals() -> None:
    """The same seed has the same arrivals, so that two runs load alike."""
    load = OpenLoad(rate_per_s=5.0)
    assert compute_intended_starts(load, 50, "a") == compute_intended_starts(load, 50, "a")
    assert compute_intended_starts(load, 50, "a") != compute_intended_starts(load, 50, "b")


@pytest.mark.parametrize(("first", "last"), [(10.0, 30.0), (30.0, 10.0)])
def test_a_ramp_goes_evenly_from_one_rate_to_the_other(first: float, last: float) -> None:
    """Worked on paper: 200 arrivals from 10/s to 30/s take 10 s, 11 in the first second and 29 in the last."""
    starts = compute_intended_starts(OpenLoad(rate_per_s=first, end_rate_per_s=last, arrivals="constant"), 200, "s")
    assert starts == sorted(starts)
    assert starts[-1] / NS == pytest.approx(10, abs=0.2)
    counts = [sum(second * NS <= start < (second + 1) * NS for start in starts) for second in (0, 9)]
    assert counts == pytest.approx([11, 29] if first < last else [29, 11], abs=1)


def test_a_ladder_has_a_stage_for_each_rung() -> None:
    """Rungs keep their order; a repeated one is one stage."""
    assert make_loads([1, 4, 16, 4], None, None, None) == tuple(ClosedLoad(concurrency=n) for n in (1, 4, 16))
    assert make_loads(None, [1, 2.5], "constant", None) == (
        OpenLoad(rate_per_s=1, arrivals="constant"),
        OpenLoad(rate_per_s=2.5, arrivals="constant"),
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((0, None, None, None), "concurrency"),
        ((True, None, None, None), "concurrency"),
        (([], None, None, None), "concurrency"),
        ((None, 0, "poisson", None), "rate"),
        ((None, -2.0, "poisson", None), "rate"),
        ((None, float("nan"), "poisson", None), "rate"),
        ((None, 1.0, "bursty", None), "bursty"),
        ((1, None, None, 3.0), "ramp_to"),
        ((None, 1.0, "poisson", 0.0), "rate"),
        ((4, 1.0, None, None), "exclude each other"),
        ((4, None, "constant", None), "those of a rate"),
    ],
)
def test_a_pattern_that_cannot_be_is_refused(arguments: tuple[object, ...], says: str) -> None:
    """The message names the setting."""
    with pytest.raises(PlanError, match=says):
        make_loads(*arguments)  # type: ignore[arg-type]
