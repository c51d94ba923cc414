"""The number that a rule is about, with its interval: for one endpoint, of a run alone or beside a baseline.

Numbers of answers are estimated by order statistics, shares over prompts, since answers to one prompt are not
independent (report/stats). Beside a baseline medians are of the differences of pairs; other quantiles, which no pair
has, are each estimated alone and subtracted by the ends of both intervals.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from byok_bench.report.gates.metrics import Metric
from byok_bench.report.gates.observations import Observation, has_counted, list_shares
from byok_bench.report.stats import Interval, clustered, difference, paired, quantile, subtract

Pair = tuple[Observation, Observation]
"""Before, after."""
UNSURE: Final = 0.5
"""Quantile of which pairs have differences of their own: the median."""


class Side(msgspec.Struct, frozen=True):
    """What one endpoint was asked, as far as a rule is about it."""

    asked: Sequence[Observation]
    waiting: int = 0
    """Exchanges that are still to be played."""

    def count_failures(self) -> Counter[str]:
        """Kind → how many have no good answer."""
        return Counter(one.kind for one in self.asked if one.kind is not None and not one.is_mistake)

    def count_hits(self, metric: Metric) -> int:
        """How many exchanges have what a count counts; a failure that was wanted is none."""
        wanted = [one for one in self.asked if not (one.is_mistake and metric.column.startswith("failures"))]
        return sum(has_counted(one, metric.column) for one in wanted)

    def list_numbers(self, metric: Metric) -> list[float]:
        """The number of each answer that has it."""
        return [one.numbers[metric.column] for one in self.asked if has_number(one, metric)]


class Change(msgspec.Struct, frozen=True):
    """How a number differs from the baseline."""

    difference: Interval
    """In its own unit."""
    relative: Interval | None = None
    """As a share of the baseline; None for shares."""
    pairs: int = 0
    prompts: int = 0
    worse_on: int = 0
    """Prompts that show a difference of their own in the direction of the whole."""


def estimate_value(metric: Metric, side: Side, level: float) -> Interval:
    """The number or share of an endpoint."""
    if metric.kind == "share":
        groups: dict[tuple[str, str, int], list[float]] = {}
        for one in side.asked:
            groups.setdefault(one.prompt, []).extend(map(float, list_shares(one, metric.column)))
        return clustered(groups, level)
    return quantile(side.list_numbers(metric), metric.quantile, level)


def estimate_change(metric: Metric, pairs: Sequence[Pair], level: float) -> Change:
    """How the number or share of an endpoint differs from the baseline's."""
    if metric.kind == "share":
        return _estimate_share_change(metric, pairs, level)
    both = [(one, two) for one, two in pairs if has_number(one, metric) and has_number(two, metric)]
    before = [one.numbers[metric.column] for one, _ in both]
    after = [two.numbers[metric.column] for _, two in both]
    prompts = list(_group_by_prompt(both))
    if metric.quantile != UNSURE:
        return _estimate_quantile_change(metric, before, after, level, len(prompts))
    found = paired(before, after, level)
    rose = (found.difference.value or 0) > 0
    shown = sum(_is_shown(metric, group, level, rose) for group in prompts)
    relative = subtract_bound(found.ratio, 1)
    return Change(found.difference, relative, len(both), len(prompts), shown)


def has_number(one: Observation, metric: Metric) -> bool:
    """Whether an exchange has the number; a mistake's refusal is no answer."""
    return metric.column in one.numbers and not one.is_mistake


def _group_by_prompt(pairs: Sequence[Pair]) -> Iterator[list[Pair]]:
    groups: dict[tuple[str, str, int], list[Pair]] = {}
    for pair in pairs:
        groups.setdefault(pair[0].prompt, []).append(pair)
    yield from groups.values()


def _is_shown(metric: Metric, pairs: Sequence[Pair], level: float, rose: bool) -> bool:
    """Whether one prompt shows the difference by itself."""
    column = metric.column
    found = paired([one.numbers[column] for one, _ in pairs], [two.numbers[column] for _, two in pairs], level)
    low, high = found.difference.low, found.difference.high
    return low is not None and high is not None and (low > 0 if rose else high < 0)


def _estimate_share_change(metric: Metric, pairs: Sequence[Pair], level: float) -> Change:
    before: dict[tuple[str, str, int], list[float]] = {}
    after: dict[tuple[str, str, int], list[float]] = {}
    used = 0
    for one, two in pairs:
        first, second = (list_shares(side, metric.column) for side in (one, two))
        if first and second:
            before.setdefault(one.prompt, []).append(sum(first) / len(first))
            after.setdefault(one.prompt, []).append(sum(second) / len(second))
            used += 1
    return Change(difference(before, after, level), pairs=used, prompts=len(before))


def _estimate_quantile_change(
    metric: Metric, before: Sequence[float], after: Sequence[float], level: float, prompts: int
) -> Change:
    one, two = (quantile(values, metric.quantile, level) for values in (before, after))
    nothing = Interval(None, None, None, 0, level)
    if min(before, default=0) <= 0 or min(after, default=0) <= 0:
        relative = nothing
    else:
        relative = _map(subtract(_map(two, math.log), _map(one, math.log)) or nothing, math.expm1)
    return Change(subtract(two, one) or nothing, relative, len(after), prompts)


def _map(interval: Interval, change: Callable[[float], float]) -> Interval:
    """The same on another scale that rises with this one."""
    value, low, high = (None if one is None else change(one) for one in (interval.value, interval.low, interval.high))
    return Interval(value, low, high, interval.n, interval.level)


def subtract_bound(interval: Interval, bound: float) -> Interval:
    """How far the number is above a bound."""
    return _map(interval, lambda one: one - bound)
