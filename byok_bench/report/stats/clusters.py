"""Means over prompts that were answered several times: each prompt counts alike, and n is the number of prompts.

Answers to one prompt are not independent, so that what varies is taken from prompt to prompt alone (Miller 2024,
"Adding Error Bars to Evals", 2.2; Cameron, Miller 2015). Below ENOUGH_FOR_DRAWS prompts Student's t on prompt means,
from there on BCa over prompts (bootstrap.py). Where nothing varies, neither says how far the truth may lie: there, and
for 0/1 values of few prompts, Wilson's interval with n = prompts does.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from byok_bench.report.stats.bootstrap import Totals, draw_interval
from byok_bench.report.stats.interval import LEVEL, Interval, read_level, read_values
from byok_bench.report.stats.shares import compute_wilson_ends, estimate_share
from byok_bench.report.stats.student import compute_t

ENOUGH_FOR_DRAWS: Final = 40
"""Prompts from which on BCa is taken."""
Answers = Mapping[Any, Iterable[Any]]
"""Prompt → what was observed, answer by answer."""


def clustered(answers: Answers, level: float = LEVEL, seed: int = 0) -> Interval:
    """The mean of prompt means of `{prompt: [values]}`; prompts without values are dropped.

    Below 40 prompts Student's t, from 40 BCa over prompts; for 0/1 values below 40 prompts, and for shares that are the
    same in all prompts, Wilson with n = prompts. From 40 prompts on that of 0/1 values is no narrower than Wilson's for
    the independent answers that they amount to. One prompt of other values has no interval. For means of heavy-tailed
    times nothing is promised: take the median of prompt medians. Raises ValueError for what is no finite number.
    """
    level = read_level(level)
    values = [read_values(some, f"answers[{prompt!r}]") for prompt, some in _read_prompts(answers, "answers")]
    answered = [some for some in values if some]
    # In one order whatever the order of prompts: the draws are of places.
    means = sorted(math.fsum(some) / len(some) for some in answered)
    are_binary = all(value in (0, 1) for some in answered for value in some)
    if _is_wilsons(means, are_binary=are_binary):
        return estimate_share(math.fsum(means), len(means), level)
    found = estimate_mean(means, level, seed)
    return _widen_share(found, means, sum(map(len, answered))) if are_binary else found


def _is_wilsons(means: list[float], *, are_binary: bool) -> bool:
    """Whether sorted prompt means are shares of which neither t nor draws tell how far the truth may lie."""
    if are_binary and len(means) < ENOUGH_FOR_DRAWS:
        return True
    are_equal = means[0] == means[-1] and (are_binary or len(means) > 1)
    return are_equal and 0 <= means[0] <= 1


def _widen_share(found: Interval, means: list[float], answers: int) -> Interval:
    """The interval of a share, at least as wide as Wilson's for as many independent answers as the prompts amount to.

    Draws of prompts that are nearly all alike hold too little of what was not seen. The answers amount to
    p (1 − p) ÷ SE² independent ones (design effect: Kish 1965), to no fewer than prompts and no more than themselves.
    """
    p, count = math.fsum(means) / len(means), len(means)
    error = math.fsum((one - p) ** 2 for one in means) / (count - 1) / count
    low, high = compute_wilson_ends(p, min(max(p * (1 - p) / error, count), answers), found.level)
    if found.low is None or found.high is None:
        return found
    return Interval(found.value, min(found.low, low), max(found.high, high), count, found.level)


def difference(first: Answers, second: Answers, level: float = LEVEL, seed: int = 0) -> Interval:
    """How far the second side lies above the first: mean over prompts of the mean of second − first.

    Both are `{prompt: [values]}`; the i-th answer is set against the i-th, surplus answers and prompts of one side are
    dropped. The interval is that of `clustered` over the differences. Where no prompt differs from another in them and
    all values lie between 0 and 1, the share of prompts that are so is only known to be as high as Wilson's lower end
    for n of n; the others may have changed either way. That no answer changed in n prompts does not say that none will.
    """
    level = read_level(level)
    pairs = match_answers(first, second)
    if not pairs:
        return Interval(None, None, None, 0, level)
    means = sorted(math.fsum(right - left for left, right in some) / len(some) for some in pairs)
    if means[0] < means[-1]:
        return estimate_mean(means, level, seed)
    if all(0 <= value <= 1 for some in pairs for pair in some for value in pair):
        sure = estimate_share(len(means), len(means), level).low or 0.0
        middle, reach = means[0] * sure, 1 - sure
        return Interval(means[0], max(-1.0, middle - reach), min(1.0, middle + reach), len(means), level)
    return estimate_mean(means, level, seed)


def match_answers(first: Answers, second: Answers) -> list[list[tuple[float, float]]]:
    """For each prompt of both sides with answers, the i-th answer beside the i-th; prompts in the order of their names.

    Raises ValueError for what is no finite number.
    """
    left, right = dict(_read_prompts(first, "first")), dict(_read_prompts(second, "second"))
    paired = [
        list(
            zip(
                read_values(left[prompt], f"first[{prompt!r}]"),
                read_values(right[prompt], f"second[{prompt!r}]"),
                strict=False,
            )
        )
        for prompt in sorted(left.keys() & right.keys(), key=repr)
    ]
    return [some for some in paired if some]


def estimate_mean(means: list[float], level: float, seed: int) -> Interval:
    """Student's t on sorted prompt means, or BCa over them where there are enough."""
    count = len(means)
    if count == 0:
        return Interval(None, None, None, 0, level)
    value = math.fsum(means) / count
    if count == 1:
        return Interval(value, None, None, 1, level)
    if count >= ENOUGH_FOR_DRAWS and means[0] < means[-1]:
        made = draw_interval([(one, 1) for one in means], _compute_mean, level, seed)
        if made is not None:
            return made
    error = math.sqrt(math.fsum((one - value) ** 2 for one in means) / (count - 1) / count)
    reach = compute_t(count - 1, level) * error
    return Interval(value, value - reach, value + reach, count, level)


def _compute_mean(totals: Totals) -> float:
    return totals[0] / totals[1]


def _read_prompts(answers: Answers, name: str) -> Iterable[tuple[Any, Iterable[Any]]]:
    if not isinstance(answers, Mapping):
        raise ValueError(f"{name} is a {type(answers).__name__}: {{prompt: [values]}} is wanted")
    return answers.items()
