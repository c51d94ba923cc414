"""Two sides that were asked the same, line by line: failures first, then times, each with an interval and a verdict.

Answers are paired by (scenario, sample, repeat, turn, load). The interval of a time is that of the median of the paired
differences; that of the failure rate is over prompts. Error scenarios are left out: how fast a server refuses is not
compared. Plain rows and lines: nothing heavy is imported here.
"""

import operator
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Final

import msgspec

from byok_bench.errors import PlanError
from byok_bench.report.shared_values import SharedValues
from byok_bench.report.stats import Interval, compute_family_level, compute_quantile, difference, paired
from byok_bench.report.table_parts import Line
from byok_bench.runs.results import Run

FAILURES: Final = "failures"
TIMES: Final = ("ttft_ms", "e2e_ms", "tpot_ms", "itl_ms")
"""With the median gap of an exchange for ITL."""
METRICS: Final = (FAILURES, *TIMES)
"""Of all of them less is better."""
ALL: Final = "(all)"
AT_LEAST: Final = 0.05
"""Smallest relative change of a time that is called one."""
ENOUGH_PAIRS: Final = 6
Place = tuple[str, str, int, int, int]


class Compared(msgspec.Struct, frozen=True, gc=False):
    """What is compared of one exchange."""

    scenario: str
    sample: str
    kind: str | None
    """Of its failure."""
    ttft_ms: float | None
    e2e_ms: float | None
    tpot_ms: float | None
    itl_ms: float | None
    """Its median gap."""


Pair = tuple[Compared, Compared]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be compared of two sides."""

    a: str | None = None
    """Endpoint of the first run; None: each by its name."""
    b: tuple[str, ...] = ()
    """Endpoints of the second run."""
    metrics: tuple[str, ...] = METRICS
    at_least: float = AT_LEAST

    def __post_init__(self) -> None:
        for name in self.metrics:
            if name not in METRICS:
                near = get_close_matches(name, METRICS, n=1, cutoff=0.4)
                meant = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(METRICS)}"
                raise PlanError(f"no metric {name!r} is compared; {meant}", code="no_metric")
        if not isinstance(self.at_least, int | float) or not 0 <= self.at_least < 1:
            raise PlanError(f"the smallest effect is from 0 up to 1, not {self.at_least!r}", code="bad_effect")


class Matched(msgspec.Struct, frozen=True):
    """Two targets, and what both were asked."""

    name: str
    pairs: Sequence[Pair]
    lonely: int
    """Exchanges of one side that found no partner."""

    def find_obstacle(self) -> str:
        """Why their times cannot be compared, in one sentence; empty if they can."""
        if not self.pairs:
            return f"{self.name}: nothing was asked of both sides"
        for side, rows in zip("AB", zip(*self.pairs, strict=True), strict=True):
            if all(row.kind for row in rows):
                (kind, count), *_ = Counter(row.kind for row in rows).most_common(1)
                return f"{self.name}: {side} has no answer to compare, all {len(rows)} failed ({kind} ×{count})"
        return ""


def list_differences(
    run_a: Run | str, run_b: Run | str, question: Question | None = None, *, a: str | None = None, b: str | None = None
) -> list[Line]:
    """The lines of all pairs of targets; None for what could not be had. PlanError if nothing can be compared."""
    asked = question or Question(a=a, b=(b,) if b else ())
    matched = match_targets(resolve_run(run_a), resolve_run(run_b), asked)
    obstacles = [one.find_obstacle() for one in matched]
    if all(obstacles):
        raise PlanError("; ".join(obstacles), code="nothing_to_pair")
    parts = [part for one in matched for part in _iterate_parts(one, asked)]
    strict = compute_family_level(max(1, len(parts)))
    return [make(0.95) | {"family": make(strict)["verdict"]} for make in parts]


def resolve_run(run: Run | str) -> Run:
    """The run, by its id if that is what was given."""
    return Run.open(run) if isinstance(run, str) else run


def match_targets(run_a: Run, run_b: Run, asked: Question) -> list[Matched]:
    """Each target of A with that of its name in B; two that are alone, or were named, whatever they are called."""
    left, right = _group_by_target(run_a), _group_by_target(run_b)
    if asked.a is not None or asked.b:
        first = _choose_targets(left, asked.a, "A")
        others = [key for one in asked.b or (None,) for key in _choose_targets(right, one, "B")]
        pairs = [(key, other) for key in first for other in others if len(first) == 1 or key[1:] == other[1:]]
        return [_match(key, left[key], other, right[other]) for key, other in pairs]
    if len(left) == len(right) == 1:
        (key, rows), (other, others_rows) = *left.items(), *right.items()
        return [_match(key, rows, other, others_rows)]
    both = [key for key in left if key in right]
    if not both:
        names = [", ".join(" · ".join(key) for key in side) or "nothing" for side in (left, right)]
        raise PlanError(f"nothing to pair: A has {names[0]}, B has {names[1]}", code="nothing_to_pair")
    return [_match(key, left[key], key, right[key]) for key in both]


def _group_by_target(run: Run) -> dict[tuple[str, str], dict[Place, Compared]]:
    """(label, model) → what it was asked: place in the plan → what is compared."""
    found: dict[tuple[str, str], dict[Place, Compared]] = {}
    shared = SharedValues()
    for row in run.iterate_rows():
        if row.status in ("done", "failed") and not (row.is_warmup or row.wants_failure or row.caused_by_us):
            target = run.plan.targets[row.target]
            scenario, sample, kind = shared.find(row.scenario), shared.find(row.sample), shared.find(row.kind)
            mine = found.setdefault((target.label, target.alias or target.model), {})
            mine[scenario, sample, row.repeat, row.turn, row.stage] = Compared(
                scenario, sample, kind, row.ttft_ms, row.e2e_ms, row.tpot_ms, compute_quantile(row.itl_ms, 0.5)
            )
    return found


def _choose_targets(side: Mapping[tuple[str, str], object], wanted: str | None, name: str) -> list[tuple[str, str]]:
    found = [key for key in side if wanted in (None, key[0], " · ".join(key))]
    if not found:
        labels = list(dict.fromkeys(label for label, _ in side))
        near = get_close_matches(wanted or "", labels, n=1)
        meant = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(labels)}"
        raise PlanError(f"no endpoint {wanted!r} in run {name}; {meant}", code="nothing_to_pair")
    return found


def _match(
    key: tuple[str, str], left: Mapping[Place, Compared], other: tuple[str, str], right: Mapping[Place, Compared]
) -> Matched:
    name = " · ".join(key) if key == other else f"{' · '.join(key)} → {' · '.join(other)}"
    shared = sorted(left.keys() & right.keys())
    pairs = [(left[place], right[place]) for place in shared]
    return Matched(name, pairs, len(left) + len(right) - 2 * len(shared))


Maker = Callable[[float], Line]
"""Level → the line."""


def _iterate_parts(matched: Matched, asked: Question) -> Iterator[Maker]:
    """What lines there are: failures and times over all, then scenario by scenario where there is something."""
    dead = bool(matched.find_obstacle())
    by_scenario: dict[str, list[Pair]] = {}
    for pair in matched.pairs:
        by_scenario.setdefault(pair[0].scenario, []).append(pair)
    for scenario, pairs in [(ALL, list(matched.pairs)), *by_scenario.items()]:
        lonely = matched.lonely if scenario == ALL else 0
        for metric in asked.metrics:
            if metric == FAILURES:
                if scenario == ALL or any(row.kind for pair in pairs for row in pair):
                    yield _make_maker(_make_failure_line, matched.name, scenario, pairs, lonely)
            elif not dead and (scenario == ALL or _list_times(metric, pairs)):
                yield _make_maker(_make_time_line, matched.name, scenario, pairs, lonely, metric, asked.at_least)


def _make_maker(make: Callable[..., Line], *arguments: object) -> Maker:
    return lambda level: make(*arguments, level)


def _make_head(name: str, scenario: str, metric: str, pairs: Sequence[Pair], kept: int, lonely: int) -> Line:
    return {
        "target": name,
        "scenario": scenario,
        "metric": metric,
        "pairs": kept,
        "failed_a": sum(one.kind is not None for one, _ in pairs),
        "failed_b": sum(two.kind is not None for _, two in pairs),
        "excluded": len(pairs) - kept + lonely,
    }


def _make_failure_line(name: str, scenario: str, pairs: Sequence[Pair], lonely: int, level: float) -> Line:
    """Shares of exchanges without a good answer, estimated over prompts."""
    before, after = (_group_failures([pair[side] for pair in pairs]) for side in (0, 1))
    found = difference(before, after, level)
    head = _make_head(name, scenario, FAILURES, pairs, len(pairs), lonely)
    shares = [head[key] / len(pairs) if pairs else None for key in ("failed_a", "failed_b")]
    gap = None if shares[0] is None or shares[1] is None else shares[1] - shares[0]
    verdict = judge_failures(found, head["failed_a"], head["failed_b"])
    low, high = (None if end is None else max(-1.0, min(1.0, end)) for end in (found.low, found.high))
    return head | _render_numbers(shares[0], shares[1], Interval(gap, low, high, found.n), verdict)


def _group_failures(rows: Sequence[Compared]) -> dict[tuple[str, str], list[bool]]:
    """Prompt → whether each exchange of it failed."""
    found: dict[tuple[str, str], list[bool]] = {}
    for row in rows:
        found.setdefault((row.scenario, row.sample), []).append(row.kind is not None)
    return found


def _make_time_line(
    name: str, scenario: str, pairs: Sequence[Pair], lonely: int, metric: str, at_least: float, level: float
) -> Line:
    times = _list_times(metric, pairs)
    before, after = [one for one, _ in times], [two for _, two in times]
    found = paired(before, after, level)
    head = _make_head(name, scenario, metric, pairs, len(times), lonely)
    verdict = judge_difference(found.difference, found.ratio, at_least, failures=(head["failed_a"], head["failed_b"]))
    middles = compute_quantile(before, 0.5), compute_quantile(after, 0.5)
    return head | _render_numbers(*middles, found.difference, verdict)


def _list_times(metric: str, pairs: Sequence[Pair]) -> list[tuple[float, float]]:
    read = operator.attrgetter(metric)
    both = [(read(one), read(two)) for one, two in pairs if one.kind is None and two.kind is None]
    return [(before, after) for before, after in both if before is not None and after is not None]


def _render_numbers(before: float | None, after: float | None, found: Interval, verdict: str) -> Line:
    percent = round(100 * found.value / before, 1) if found.value is not None and before else None
    return {
        "a": _round(before),
        "b": _round(after),
        "difference": _round(found.value),
        "low": _round(found.low),
        "high": _round(found.high),
        "difference_percent": percent,
        "verdict": verdict,
    }


def judge_failures(found: Interval, failed_a: int, failed_b: int) -> str:
    """What may be said of the failures of B beside those of A; a difference that is there is never called none."""
    if failed_a == failed_b:
        return "no difference shown" if found.has_ends else "undecided"
    word = "more" if failed_b > failed_a else "less"
    is_shown = found.low is not None and found.high is not None and (found.low > 0 or found.high < 0)
    return f"B fails {word}" if is_shown else f"undecided: B failed {word}, {failed_b} to {failed_a}"


def judge_difference(found: Interval, ratio: Interval, at_least: float, failures: tuple[int, int] = (0, 0)) -> str:
    """What may be said of the time of B beside A's; too few pairs are undecided."""
    if found.low is None or found.high is None or found.value is None:
        return f"undecided: too few pairs, {found.n} of {ENOUGH_PAIRS}"
    small = ratio.value is not None and abs(ratio.value - 1) < at_least
    if found.low > 0 or found.high < 0:
        word = "slower" if found.value > 0 else "faster"
        return f"B is {word}, by less than {100 * at_least:g} %" if small else f"B is {word}"
    if failures[0] != failures[1]:
        return f"undecided: failures differ, {failures[0]} and {failures[1]}"
    within = ratio.low is not None and ratio.high is not None and max(1 - ratio.low, ratio.high - 1) < at_least
    return f"no difference of {100 * at_least:g} %" if within and at_least else "no difference shown"


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
