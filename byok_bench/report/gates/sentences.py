"""The one sentence that a verdict is told in."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from byok_bench.report.gates.estimates import Change, Side
from byok_bench.report.gates.metrics import Metric
from byok_bench.report.gates.rules import Rule
from byok_bench.report.printable_text import describe_count
from byok_bench.report.stats import Interval, Needed

FIRST_N: Final[Mapping[float, int]] = {0.5: 6, 0.1: 36, 0.9: 36, 0.95: 72, 0.99: 368}
"""Quantile → answers from which on it has an interval (docs/statistics.md)."""
LARGE: Final = 100
"""Numbers from here on are told without decimals."""


def describe_bound(rule: Rule, name: str, found: Interval, verdict: str, needed: Needed | None) -> str:
    """What came of a rule with a bound."""
    metric = rule.get_metric()
    unit = "prompt" if metric.kind == "share" else "answer"
    is_ = f"{metric.title} of {name} is {render_estimate(found, metric)} over {describe_count(found.n, unit)}"
    asked = describe_limit(rule, metric)
    if verdict == "pass":
        return f"{is_}; {asked}"
    if verdict == "fail":
        return f"{is_}, and {asked}"
    return f"{is_}: too few to tell, where {asked}{_describe_lack(metric, found, needed, unit)}"


def describe_counting(rule: Rule, name: str, count: float, side: Side, verdict: str) -> str:
    """What came of a rule that counts."""
    metric = rule.get_metric()
    shown = render_number(count, metric)
    begin = f"{metric.title} of {name}: {shown} in {describe_count(len(side.asked), 'exchange')}"
    end = f"; {describe_limit(rule, metric)}"
    if verdict == "undecided":
        return f"{begin}{end}, with {describe_count(side.waiting, 'exchange')} of the plan still to be played"
    return begin + end


def describe_change(rule: Rule, name: str, change: Change, verdict: str, needed: Needed | None) -> str:
    """What came of a rule that is held against a baseline."""
    metric, margin = rule.get_metric(), rule.read_margin()
    found = change.difference
    unit = "prompt" if metric.kind == "share" else "pair"
    begin = f"{metric.title} of {name} {_describe_move(metric, found)}"
    if change.worse_on:
        begin += f" on {change.worse_on} of {describe_count(change.prompts, 'prompt')}"
        begin += "; the rest shows no difference" if change.worse_on < change.prompts else ""
    share = "" if not margin.is_relative or change.relative is None else f"{_render_percent(change.relative)} "
    begin += f"; {share}over {describe_count(found.n, unit)}, "
    allowed = f"{describe_margin(rule)} is allowed"
    if verdict == "undecided":
        return f"{begin}too few to tell, where {allowed}{_describe_lack(metric, found, needed, unit)}"
    return f"{begin}{'where' if verdict == 'fail' else 'and'} {allowed}"


def describe_silence(metric: Metric, name: str, side: Side) -> str:
    """That nothing has the number, and why."""
    failures = side.count_failures()
    if failures.total() == len(side.asked) and side.asked:
        kinds = ", ".join(f"{kind} ×{count}" for kind, count in Counter(failures).most_common())
        return f"{name} has no {metric.title}: all {len(side.asked)} exchanges failed ({kinds})"
    if not side.asked:
        later = f"; {describe_count(side.waiting, 'exchange')} still to be played" if side.waiting else ""
        return f"{name} was asked nothing that the rule is about{later}"
    return f"none of the {describe_count(len(side.asked), 'exchange')} of {name} has a {metric.title}"


def describe_limit(rule: Rule, metric: Metric) -> str:
    """What is asked for."""
    told = []
    if rule.max is not None:
        told.append(f"at most {render_number(rule.max, metric)} is allowed")
    if rule.min is not None:
        told.append(f"at least {render_number(rule.min, metric)} is asked for")
    return " and ".join(told)


def describe_margin(rule: Rule) -> str:
    """By how much it may be worse."""
    margin, metric = rule.read_margin(), rule.get_metric()
    return str(margin) if margin.is_relative else _render_step(margin.size, metric)


def _describe_move(metric: Metric, found: Interval) -> str:
    value, low, high = found.value or 0.0, found.low, found.high
    if low is None or high is None:
        return f"differs by {_render_step(value, metric, sign=True)}"
    if low > 0 or high < 0:
        ends = sorted((abs(low), abs(high)))
        verb = "rose" if low > 0 else "fell"
        return f"{verb} by {_render_step(abs(value), metric)} ({_render_ends(ends[0], ends[1], metric)})"
    shown = _render_step(value, metric, sign=True)
    return f"shows no difference: {shown} ({_render_ends(low, high, metric)})"


def _describe_lack(metric: Metric, found: Interval, needed: Needed | None, unit: str) -> str:
    if not found.has_ends and metric.kind == "number":
        return f"; there is an interval from {FIRST_N[metric.quantile]} {unit}s on"
    if needed is None or needed.prompts == 0:
        return ""
    cost = f", for about {needed.cost:.2g}" if needed.cost is not None else ""
    return f"; about {describe_count(needed.prompts, unit)} more would tell{cost}"


def render_estimate(found: Interval, metric: Metric) -> str:
    """`412 ms (398–430)`."""
    if found.value is None:
        return "not known"
    ends = "" if found.low is None or found.high is None else f" ({_render_ends(found.low, found.high, metric)})"
    return f"{render_number(found.value, metric)}{ends}"


def render_number(value: float, metric: Metric) -> str:
    """With its unit; a share in percent."""
    if metric.kind == "share":
        return f"{100 * value:.3g} %"
    return f"{_round(value)} {metric.unit}".strip()


def _render_ends(low: float, high: float, metric: Metric) -> str:
    scale = 100 if metric.kind == "share" else 1
    between = "–" if low >= 0 else " to "
    return f"{_round(scale * low)}{between}{_round(scale * high)}"


def _render_step(value: float, metric: Metric, *, sign: bool = False) -> str:
    plus = "+" if sign and value > 0 else ""
    if metric.kind == "share":
        return f"{plus}{100 * value:.2g} points"
    return f"{plus}{_round(value)} {metric.unit}".strip()


def _render_percent(found: Interval) -> str:
    """`+16 % (9 to 27)`."""
    if found.value is None:
        return ""
    value = f"{100 * found.value:+.2g} %"
    if found.low is None or found.high is None:
        return value
    return f"{value} ({100 * found.low:.2g} to {100 * found.high:.2g})"


def _round(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= LARGE or value == int(value) else f"{value:.3g}"
