"""Shares of independent answers: `rate` and `f1`, with Wilson's interval.

Wilson's interval (Wilson 1927; Brown, Cai, DasGupta 2001, which recommend it at small n) never leaves 0–1, is not empty
at 0 or n of n, and covers on average over all rates as often as it says.
"""

import math

from byok_bench.report.stats.interval import LEVEL, Interval, compute_z, read_level, read_whole


def rate(k: int, n: int, level: float = LEVEL) -> Interval:
    """The share k ÷ n of n independent answers, with Wilson's interval.

    Without answers the value is None. Raises ValueError unless 0 ≤ k ≤ n are whole numbers.
    """
    level = read_level(level)
    hits, total = read_whole(k, "k"), read_whole(n, "n")
    if hits > total:
        raise ValueError(f"k is {hits}, more than n, which is {total}")
    return estimate_share(hits, total, level)


def f1(tp: int, fp: int, fn: int, level: float = LEVEL) -> Interval:
    """F1 = 2 tp ÷ (2 tp + fp + fn), from the counts of hits, false alarms and misses.

    With p = tp ÷ (tp + fp + fn), F1 is 2p ÷ (1 + p), which rises with p: so the ends of Wilson's interval for p give
    those for F1. n is tp + fp + fn; without any, the value is None. Raises ValueError for what is no count.
    """
    level = read_level(level)
    hits = read_whole(tp, "tp")
    return map_to_f1(estimate_share(hits, hits + read_whole(fp, "fp") + read_whole(fn, "fn"), level))


def estimate_share(hits: float, total: int, level: float) -> Interval:
    """Wilson's interval; `hits` may be broken, where each of `total` prompts has a share of its own."""
    if total == 0:
        return Interval(None, None, None, 0, level)
    low, high = compute_wilson_ends(hits / total, total, level)
    return Interval(hits / total, low, high, total, level)


def compute_wilson_ends(p: float, total: float, level: float) -> tuple[float, float]:
    """Wilson's interval of a share p of as many answers; they may amount to a broken number."""
    z = compute_z(level)
    scale = 1 + z * z / total
    middle = (p + z * z / (2 * total)) / scale
    reach = z * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total)) / scale
    return 0.0 if p <= 0 else max(0.0, middle - reach), 1.0 if p >= 1 else min(1.0, middle + reach)


def map_to_f1(share: Interval) -> Interval:
    """The same interval on the scale of F1, where `share` is of tp ÷ (tp + fp + fn)."""
    if share.value is None or share.low is None or share.high is None:
        return share
    value, low, high = (2 * p / (1 + p) for p in (share.value, share.low, share.high))
    return Interval(value, low, high, share.n, share.level)
