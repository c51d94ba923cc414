"""Rules about the table `vendor`: candidates beside a reference of the same run, decided as that table decides."""

from collections.abc import Iterator

from byok_bench.errors import PlanError
from byok_bench.report.gates.judged_rules import Judged
from byok_bench.report.gates.judgements import find_needed, judge_interval
from byok_bench.report.gates.rule_files import describe_unknown
from byok_bench.report.gates.rules import Rule
from byok_bench.report.gates.sentences import describe_limit
from byok_bench.report.printable_text import describe_count
from byok_bench.report.stats import Interval
from byok_bench.report.table_parts import Line
from byok_bench.report.vendor.comparison import choose_sides, list_vendor_lines
from byok_bench.runs.results import Run


def judge_vendor_rule(run: Run, rule: Rule) -> Iterator[Judged]:
    """One result for each candidate that the rule is about. Raises PlanError for an endpoint that is none."""
    metric = rule.get_metric()
    margins = {} if rule.margin is None else {metric.column: rule.read_margin().size}
    sides = choose_sides(run, rule.reference)
    targets = [run.plan.targets[index] for index in sides.candidates]
    chosen = [one for one in targets if rule.is_about(one.label, one.alias or one.model)]
    if not chosen:
        known = [one.label for one in targets]
        raise PlanError(
            f"rule {rule.label!r}: {describe_unknown(rule.where.endpoint, 'candidate', known)}", code="no_endpoint"
        )
    lines = [line for line in list_vendor_lines(run, rule.reference, (), margins) if line["metric"] == metric.column]
    by_name = {line["endpoint"]: line for line in lines}
    for target in chosen:
        line = by_name.get(target.name) or by_name.get(target.label)
        yield _judge_line(rule, target.label, target.alias or target.model, line)


def _judge_line(rule: Rule, endpoint: str, model: str, line: Line | None) -> Judged:
    if line is None:
        said = f"{endpoint} and its reference have no {rule.get_metric().title} in this run"
        return Judged(rule.label, endpoint, "undecided", None, None, None, 0, said, model=model, metric=rule.metric)
    if rule.has_bounds:
        return _judge_value(rule, endpoint, model, line)
    verdict = line["verdict"]
    return Judged(
        rule=rule.label,
        endpoint=endpoint,
        verdict=verdict,
        value=line["difference"],
        low=line["difference_low"],
        high=line["difference_high"],
        n=line["n"],
        sentence=_describe_line(rule, endpoint, line),
        model=model,
        metric=rule.metric,
        counts_as=rule.undecided or verdict if verdict == "undecided" else verdict,
        family=line["family"],
        needed=line["needed"],
    )


def _judge_value(rule: Rule, endpoint: str, model: str, line: Line) -> Judged:
    """The candidate's own number by a bound, as others publish it: F1 of 73 % or more."""
    found = Interval(line["value"], line["low"], line["high"], line["n"])
    verdict = judge_interval(rule, found)
    lacking = find_needed(rule, found) if verdict == "undecided" else None
    asked = describe_limit(rule, rule.get_metric())
    ends = "" if found.low is None else f" ({found.low:g} to {found.high:g})"
    said = (
        f"{rule.get_metric().title} of {endpoint} beside {line['reference']} is "
        f"{'not known' if found.value is None else f'{found.value:g}'}{ends} over {describe_count(found.n, 'prompt')}"
    )
    if verdict == "undecided":
        more = f"; about {describe_count(lacking.prompts, 'prompt')} more would tell" if lacking else ""
        said += f": too few to tell, where {asked}{more}"
    else:
        said += f"{', and' if verdict == 'fail' else ';'} {asked}"
    return Judged(
        rule=rule.label,
        endpoint=endpoint,
        verdict=verdict,
        value=found.value,
        low=found.low,
        high=found.high,
        n=found.n,
        sentence=said,
        model=model,
        metric=rule.metric,
        counts_as=rule.undecided or verdict if verdict == "undecided" else verdict,
        needed=lacking.prompts if lacking else None,
    )


def _describe_line(rule: Rule, endpoint: str, line: Line) -> str:
    ends = "" if line["difference_low"] is None else f" ({line['difference_low']:g} to {line['difference_high']:g})"
    difference = "not known" if line["difference"] is None else f"{line['difference']:+g}{ends}"
    said = (
        f"{rule.get_metric().title} of {endpoint} beside {line['reference']}, less what that differs from itself: "
        f"{difference} over {describe_count(line['n'], 'prompt')}, where {line['margin']:g} is allowed"
    )
    if line["verdict"] != "undecided":
        return said
    more = f"; about {describe_count(line['needed'], 'prompt')} more would tell" if line["needed"] else ""
    return f"{said}: too few to tell{more}"
