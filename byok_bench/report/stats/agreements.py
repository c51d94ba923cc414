"""How far two sides that answered the same prompts say the same: F1 of yes and no, or the share that is equal."""

from byok_bench.report.stats.bootstrap import Totals, draw_interval, sum_columns
from byok_bench.report.stats.clusters import Answers, match_answers
from byok_bench.report.stats.interval import LEVEL, Interval, read_level
from byok_bench.report.stats.shares import estimate_share, map_to_f1


def agreement(
    first: Answers,
    second: Answers,
    rate: bool = False,
    level: float = LEVEL,
    seed: int = 0,
) -> Interval | None:
    """F1 of the second side with the first as truth; with `rate`, the share of answers that are equal.

    Both are `{prompt: [yes or no]}`. The i-th answer is set against the i-th; surplus answers and prompts of one side
    are dropped. The interval is BCa over prompts, both sides drawn together, and n is the number of prompts. Where
    every draw would give the same it is Wilson's, for F1 mapped as in `f1`, over the prompts that count: answers to
    one prompt are one observation of it. None where F1 is asked for and neither side has a yes. Raises ValueError for
    what is neither yes nor no.
    """
    level = read_level(level)
    pairs = match_answers(first, second)
    if any(value not in (0, 1) for some in pairs for pair in some for value in pair):
        raise ValueError("agreement is of answers that are True or False")
    if rate:
        prompts: list[Totals] = [(sum(left == right for left, right in some), len(some)) for some in pairs]
        return _estimate_equal(prompts, level, seed)
    return _estimate_f1([_count_outcomes(some) for some in pairs], level, seed)


def _estimate_equal(prompts: list[Totals], level: float, seed: int) -> Interval:
    if not prompts:
        return Interval(None, None, None, 0, level)
    made = draw_interval(prompts, _compute_share, level, seed)
    if made is not None:
        return made
    equal, total = sum_columns(prompts)
    return estimate_share(equal / total * len(prompts), len(prompts), level)


def _estimate_f1(prompts: list[Totals], level: float, seed: int) -> Interval | None:
    hits, alarms, misses = sum_columns(prompts) if prompts else (0, 0, 0)
    if hits + alarms + misses == 0:
        return None
    made = draw_interval(prompts, _compute_f1, level, seed)
    if made is not None:
        return made
    counting = sum(sum(one) > 0 for one in prompts)
    found = map_to_f1(estimate_share(hits / (hits + alarms + misses) * counting, counting, level))
    return Interval(found.value, found.low, found.high, len(prompts), level)


def _compute_share(totals: Totals) -> float:
    return totals[0] / totals[1]


def _compute_f1(totals: Totals) -> float | None:
    hits, alarms, misses = totals
    return 2 * hits / (2 * hits + alarms + misses) if hits + alarms + misses else None


def _count_outcomes(pairs: list[tuple[float, float]]) -> Totals:
    """Hits, false alarms and misses of one prompt, the left one being true."""
    return (
        sum(left > 0 and right > 0 for left, right in pairs),
        sum(left == 0 and right > 0 for left, right in pairs),
        sum(left > 0 and right == 0 for left, right in pairs),
    )
