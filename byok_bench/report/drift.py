"""Drift: whether the second half of a run differs from its first, so that an interval over both is of neither.

Repeats are played one after the other, each visiting every target (runs/planning/blocks.py). So a repeat of the first
half is paired with the one as far into the second half, prompt by prompt, and the ratio of their times is looked at
at 99 %: of many runs that did not drift one in a hundred is called one, for each time.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from byok_bench.report.columns import get_heading
from byok_bench.report.selections import Selection, select_measured
from byok_bench.report.stats import Interval, paired
from byok_bench.runs.results import Run

LEVEL: Final = 0.99
TIMES: Final = ("ttft_ms", "e2e_ms")


class Drift(msgspec.Struct, frozen=True):
    """One time of one target that changed within a run."""

    target: int
    metric: str
    ratio: Interval
    """Second half ÷ first half."""


def list_drifts(run: Run) -> list[Drift]:
    """What drifted, by target and time. A run that is not over, or has one repeat, has no halves."""
    if run.status != "finished" or run.plan.repeats < 2:
        return []
    good = select_measured(run).select("kind", None).select("wants_failure", False)
    return [
        Drift(target, metric, ratio)
        for target in range(len(run.plan.targets))
        for metric in TIMES
        if is_shown(ratio := _compare_halves(good.select("target", target), run.plan.repeats, metric))
    ]


def find_drifted_targets(run: Run) -> frozenset[int]:
    """Indexes of the targets whose intervals are to be marked."""
    return frozenset(one.target for one in list_drifts(run))


def describe_drifts(run: Run) -> Iterator[str]:
    """A note each: by how much, and how sure."""
    for one in list_drifts(run):
        found = one.ratio
        yield (
            f"{run.plan.targets[one.target].name} drifted: {get_heading(one.metric).removesuffix(' ms')} of the second "
            f"half of the run is {found.value:.2f} times that of the first ({found.low:.2f}–{found.high:.2f} at 99 %, "
            f"{found.n} pairs); its intervals are marked with ~"
        )


def is_shown(ratio: Interval) -> bool:
    """Whether the interval leaves 1 out."""
    return ratio.low is not None and ratio.high is not None and (ratio.low > 1 or ratio.high < 1)


def _compare_halves(good: Selection, repeats: int, metric: str) -> Interval:
    before, after = good.match_repeats(metric, first=repeats // 2, shift=repeats - repeats // 2)
    return paired(before, after, LEVEL).ratio
