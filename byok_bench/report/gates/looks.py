"""Looks: rules judged again and again while a run goes on, so that it may stop once all are decided.

An interval that is made for one n is wrong at some look far more often than it says; what decides here holds at every
look (stats.Sequence). A bound on a quantile asks which share of values lies within it; a change of medians asks in
which direction pairs differ beyond the margin, by the signs of their differences; a share is taken round by round, over
all prompts of a repeat. Counts, totals and tails against a baseline are decided at the end.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from byok_bench.errors import PlanError
from byok_bench.report.gates.baselines import Baseline
from byok_bench.report.gates.estimates import Pair, Side, has_number
from byok_bench.report.gates.judged_rules import Judged
from byok_bench.report.gates.metrics import Metric
from byok_bench.report.gates.observations import Observation, list_shares
from byok_bench.report.gates.rules import Rule
from byok_bench.report.gates.verdicts import Case
from byok_bench.report.stats import Interval, decide
from byok_bench.report.stats import Sequence as Looking
from byok_bench.report.stats.decisions import Verdict
from byok_bench.runs.results import Run

MEDIAN: Final = 0.5


def check_lookable(rules: Sequence[Rule]) -> None:
    """Raise PlanError if no rule can be decided before the end of a run."""
    if not any(map(can_be_looked_at, rules)):
        told = ", ".join(rule.label for rule in rules)
        raise PlanError(f"no rule can be decided before the end of a run: {told}", code="nothing_to_decide")


def can_be_looked_at(rule: Rule) -> bool:
    """Whether a rule has a verdict that holds at every look."""
    metric = rule.get_metric()
    if metric.kind == "share":
        return rule.min != 1 and rule.max != 0  # of all and of none, only the last exchange can tell
    return metric.kind == "number" and (not rule.against or metric.quantile == MEDIAN)


def is_every_rule_decided(run: Run, rules: Sequence[Rule], against: Baseline | None) -> bool:
    """Whether the run may stop: every rule that can be looked at has passed or failed on every endpoint."""
    case = Case(run, against, rules)
    return all(look_at(rule, *case.find_sides(rule, target)) != "undecided" for rule, target in _list_looked_at(case))


def judge_looked_at(run: Run, rules: Sequence[Rule], against: Baseline | None) -> list[Judged]:
    """As gate(), with the verdicts that hold although the run was looked at while it went on."""
    case = Case(run, against, rules)
    return [
        _take_look(rule, one, look_at(rule, *case.find_sides(rule, (one.endpoint, one.model))))
        if can_be_looked_at(rule)
        else one
        for rule, one in case.judge_rules()
    ]


def _list_looked_at(case: Case) -> Iterator[tuple[Rule, tuple[str, str]]]:
    for rule in case.rules:
        if can_be_looked_at(rule):
            yield from ((rule, target) for target in case.list_judged_targets(rule))


def _take_look(rule: Rule, one: Judged, verdict: Verdict) -> Judged:
    counts_as = rule.undecided or verdict if verdict == "undecided" else verdict
    said = f"{one.sentence}; looked at while it went on: {verdict}"
    return msgspec.structs.replace(one, verdict=verdict, counts_as=counts_as, sentence=said, family=None)


def look_at(rule: Rule, side: Side, pairs: Sequence[Pair]) -> Verdict:
    """The verdict on one endpoint so far."""
    metric = rule.get_metric()
    if metric.kind == "share":
        return _look_at_share(rule, metric, side, pairs)
    if rule.against is not None:
        return _look_at_pairs(rule, metric, pairs)
    values = [one.numbers[metric.column] for one in _sort(side.asked) if has_number(one, metric)]
    verdicts = []
    if rule.max is not None:
        verdicts.append(_compare(_observe_values([value <= rule.max for value in values]), metric.quantile))
    if rule.min is not None:
        verdicts.append(_compare(_observe_values([value >= rule.min for value in values]), 1 - metric.quantile))
    return _join(verdicts)


def _look_at_share(rule: Rule, metric: Metric, side: Side, pairs: Sequence[Pair]) -> Verdict:
    if rule.against is not None:
        both = [pair for pair in pairs if all(list_shares(one, metric.column) for one in pair)]
        before = _compute_round_means(metric, [one for one, _ in both])
        after = _compute_round_means(metric, [two for _, two in both])
        found = _observe_values([two - one for one, two in zip(before, after, strict=True)], (-1, 1))
        return decide(found, rule.read_margin().size, rule.better or metric.better)
    found = _observe_values(_compute_round_means(metric, side.asked))
    verdicts = [_compare(found, rule.min)] if rule.min is not None else []
    if rule.max is not None:
        verdicts.append(_compare(_turn_around(found), 1 - rule.max))
    return _join(verdicts)


def _look_at_pairs(rule: Rule, metric: Metric, pairs: Sequence[Pair]) -> Verdict:
    margin, lower = rule.read_margin(), (rule.better or metric.better) == "lower"
    sequence = Looking.of_signs()
    for before, after in sorted(pairs, key=lambda pair: _get_order(pair[1])):
        if not (has_number(before, metric) and has_number(after, metric)):
            continue
        one, two = before.numbers[metric.column], after.numbers[metric.column]
        allowed = margin.size * one if margin.is_relative else margin.size
        sequence.add(two - one - allowed if lower else one - two - allowed)
    found = sequence.interval
    if found is None or found.low is None or found.high is None:
        return "undecided"
    return "pass" if found.high < 0 else "fail" if found.low > 0 else "undecided"


def _compute_round_means(metric: Metric, observations: Sequence[Observation]) -> list[float]:
    """The mean over prompts of each repeat."""
    rounds: dict[tuple[str, int], list[bool]] = {}
    for one in _sort(observations):
        rounds.setdefault((one.load, one.repeat), []).extend(list_shares(one, metric.column))
    return [sum(values) / len(values) for values in rounds.values() if values]


def _sort(observations: Sequence[Observation]) -> list[Observation]:
    return sorted(observations, key=_get_order)


def _get_order(one: Observation) -> tuple[int, str, str, int]:
    """As they came, as far as the plan says: what is added later stands behind."""
    return one.repeat, one.scenario, one.sample, one.turn


def _observe_values(values: Sequence[float], bounds: tuple[float, float] = (0, 1)) -> Interval | None:
    sequence = Looking(bounds=bounds)
    for value in values:
        sequence.add(value)
    return sequence.interval


def _turn_around(found: Interval | None) -> Interval | None:
    if found is None or found.value is None or found.low is None or found.high is None:
        return None
    return Interval(1 - found.value, 1 - found.high, 1 - found.low, found.n, found.level)


def _compare(found: Interval | None, least: float) -> Verdict:
    """Whether a share is at least so much."""
    if found is None or found.low is None or found.high is None:
        return "undecided"
    return "pass" if found.low >= least else "fail" if found.high < least else "undecided"


def _join(verdicts: Sequence[Verdict]) -> Verdict:
    return "fail" if "fail" in verdicts else "undecided" if "undecided" in verdicts else "pass"
