"""How a rule is decided for one endpoint: by counting, by a bound, or by a margin around a baseline.

A bound holds if the whole interval is within it, is broken if the whole interval is outside, and is undecided else; so
is a margin (stats.decide). Counts are what they are, so they are decided by counting; so are a share that has to be all
and one that has to be none.
"""

from byok_bench.report.gates.estimates import Change, Side, estimate_value, subtract_bound
from byok_bench.report.gates.judged_rules import Judged, Subject
from byok_bench.report.gates.metrics import Metric
from byok_bench.report.gates.rules import Rule
from byok_bench.report.gates.sentences import describe_bound, describe_change, describe_counting, describe_silence
from byok_bench.report.stats import Interval, Needed, decide, needed
from byok_bench.report.stats.decisions import Verdict

NOTHING = Interval(None, None, None, 0)


def judge_count(subject: Subject, side: Side) -> Judged:
    rule, metric = subject.rule, subject.rule.get_metric()
    numbers = side.list_numbers(metric) if metric.kind == "total" else []
    if not side.asked or (metric.kind == "total" and not numbers):
        return subject.make("undecided", NOTHING, describe_silence(metric, subject.shown, side))
    count = float(side.count_hits(metric)) if metric.kind == "count" else sum(numbers)
    n = len(side.asked)
    broken = (rule.max is not None and count > rule.max) or (rule.min is not None and count < rule.min)
    grows = rule.max is not None and count > rule.max
    verdict: Verdict = "fail" if broken and (grows or not side.waiting) else "undecided" if side.waiting else "pass"
    value = Interval(int(count) if metric.kind == "count" else count, None, None, n)
    return subject.make(verdict, value, describe_counting(rule, subject.shown, count, side, verdict))


def judge_bound(subject: Subject, side: Side, level: float) -> Judged:
    rule, metric = subject.rule, subject.rule.get_metric()
    found = estimate_value(metric, side, level)
    if found.value is None:
        all_failed = bool(side.asked) and side.count_failures().total() == len(side.asked)
        said = describe_silence(metric, subject.shown, side)
        return subject.make("fail" if all_failed else "undecided", found, said)
    verdict = judge_interval(rule, found)
    if metric.kind == "share" and (rule.min == 1 or rule.max == 0):
        whole = found.value == (1 if rule.min == 1 else 0)
        verdict = "fail" if not whole else "undecided" if side.waiting else "pass"
    lacking = find_needed(rule, found) if verdict == "undecided" else None
    said = describe_bound(rule, subject.shown, found, verdict, lacking)
    return subject.make(verdict, found, said + _describe_failures(metric, side), family=verdict, needed=_count(lacking))


def judge_interval(rule: Rule, found: Interval) -> Verdict:
    """How an interval lies to the bounds of a rule."""
    if found.low is None or found.high is None:
        return "undecided"
    if (rule.max is not None and found.low > rule.max) or (rule.min is not None and found.high < rule.min):
        return "fail"
    within = (rule.max is None or found.high <= rule.max) and (rule.min is None or found.low >= rule.min)
    return "pass" if within else "undecided"


def find_needed(rule: Rule, found: Interval) -> Needed | None:
    """What it takes to tell the number from the bound that it is nearer to."""
    wanted = []
    if rule.max is not None:
        wanted.append(needed(subtract_bound(found, rule.max), 0, "lower"))
    if rule.min is not None:
        wanted.append(needed(subtract_bound(found, rule.min), 0, "higher"))
    known = [one for one in wanted if one is not None]
    return max(known, key=lambda one: one.prompts) if len(known) == len(wanted) else None


def judge_margin(subject: Subject, change: Change) -> Judged:
    rule, margin = subject.rule, subject.rule.read_margin()
    looked_at = change.relative if margin.is_relative else change.difference
    better = rule.better or rule.get_metric().better
    verdict = decide(looked_at, margin.size, better)
    lacking = needed(looked_at, margin.size, better) if verdict == "undecided" else None
    relative = change.relative if margin.is_relative else None
    return subject.make(
        verdict,
        change.difference,
        describe_change(rule, subject.shown, change, verdict, lacking),
        family=verdict,
        relative=None if relative is None else (relative.value, relative.low, relative.high),
        needed=_count(lacking),
    )


def _describe_failures(metric: Metric, side: Side) -> str:
    """Failures have no number, and must not be forgotten for it."""
    failed = side.count_failures().total()
    return (
        f"; {failed} of {len(side.asked)} exchanges failed and have none" if failed and metric.kind == "number" else ""
    )


def _count(lacking: Needed | None) -> int | None:
    return None if lacking is None else lacking.prompts
