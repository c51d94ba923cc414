"""Estimates with intervals that hold, and decisions that say *undecided* where they do not reach.

Every estimate is an `Interval` of plain Python numbers at `level` (0.95). What resamples takes a `seed`: the same
values give the same interval. A number that cannot be had is None: `low` and `high` where the values are too few for
the level, `value` where there is no value at all. Bad input raises ValueError. Methods and their sources, and how often
each interval held in simulation: docs/statistics.md.
"""

from byok_bench.report.stats.agreements import agreement
from byok_bench.report.stats.clusters import clustered, difference
from byok_bench.report.stats.decisions import Needed, decide, needed, subtract
from byok_bench.report.stats.interval import Interval, compute_family_level
from byok_bench.report.stats.quotients import compare_quotients, quotient
from byok_bench.report.stats.ranks import Paired, compute_picked_quantiles, compute_quantile, median, paired, quantile
from byok_bench.report.stats.sequences import Sequence
from byok_bench.report.stats.shares import f1, rate

__all__ = [
    "Interval",
    "Needed",
    "Paired",
    "Sequence",
    "agreement",
    "clustered",
    "compare_quotients",
    "compute_family_level",
    "compute_picked_quantiles",
    "compute_quantile",
    "decide",
    "difference",
    "f1",
    "median",
    "needed",
    "paired",
    "quantile",
    "quotient",
    "rate",
    "subtract",
]
