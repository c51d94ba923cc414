"""What rules ask and how they are decided, in words, before anything is judged."""

from collections.abc import Iterator, Sequence

from byok_bench.report.gates.rules import Rule
from byok_bench.report.gates.sentences import FIRST_N, describe_limit, describe_margin


def explain_rules(rules: Sequence[Rule]) -> Iterator[str]:
    """A paragraph for each rule."""
    for rule in rules:
        where = f" Only {rule.where}." if str(rule.where) else ""
        counts = f" Undecided counts as {rule.undecided}." if rule.undecided else ""
        source = f" Source: {rule.source}" if rule.source else ""
        yield f"{rule.label}: {_explain_aim(rule)}.{where} {_explain_decision(rule)}{counts}{source}"


def _explain_aim(rule: Rule) -> str:
    metric = rule.get_metric()
    if metric.kind == "vendor":
        if rule.has_bounds:
            beside = rule.reference or "the first"
            return (
                f"{metric.title} ({rule.metric}) of each other endpoint beside {beside}; {describe_limit(rule, metric)}"
            )
        allowed = "the usual margin" if rule.margin is None else f"{rule.read_margin().size:g}"
        beside = rule.reference or "the first"
        return (
            f"{metric.title} ({rule.metric}) of each other endpoint beside {beside}; {allowed} to the worse is allowed"
        )
    if rule.against is None:
        return f"{metric.title} ({rule.metric}) of each endpoint; {describe_limit(rule, metric)}"
    better = rule.better or metric.better
    return (
        f"{metric.title} ({rule.metric}) of each endpoint beside its baseline; {better} is better, and "
        f"{describe_margin(rule)} to the worse is allowed"
    )


def _explain_decision(rule: Rule) -> str:
    metric = rule.get_metric()
    if metric.kind == "vendor" and rule.has_bounds:
        return "It passes if the whole 95 % interval of the table vendor is within the bound, fails if it is outside."
    if metric.kind == "vendor":
        return "Decided as in the table vendor: beside the reference, less what that differs from itself."
    if metric.kind in ("count", "total"):
        return "Decided by counting; it cannot pass while exchanges of the plan are still to be played."
    if metric.kind == "share" and (rule.min == 1 or rule.max == 0):
        return "Decided by counting: one that differs is enough to fail."
    if rule.against is not None:
        held = "It passes if the whole 95 % interval is within the margin, and fails if all of it is beyond."
        return f"{_explain_pairs(rule)} {held}"
    if metric.kind == "share":
        return (
            "Estimated over prompts, each alike, however often it was repeated. It passes if the whole 95 % interval "
            "is within the bound, fails if it is outside; else it is undecided."
        )
    return (
        f"Each answer counts once; failures have none. There is a 95 % interval from {FIRST_N[metric.quantile]} on; "
        "it passes if all of it is within the bound, fails if all of it is outside; else it is undecided."
    )


def _explain_pairs(rule: Rule) -> str:
    metric = rule.get_metric()
    if metric.kind == "share":
        return "Exchanges are paired by place in the plan, and differences estimated over prompts."
    if metric.quantile == 0.5:
        return "Exchanges are paired by place in the plan; what is estimated is the median of their differences."
    return "The two sides are estimated apart and subtracted."
