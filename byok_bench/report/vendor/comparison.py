"""The lines of the table `vendor`: one a candidate and metric, with its verdict and what a decision still takes."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Final

import msgspec

from byok_bench.errors import PlanError
from byok_bench.report.evidence import name_targets
from byok_bench.report.stats import Interval, compute_family_level, decide, needed
from byok_bench.report.table_parts import Line
from byok_bench.report.vendor.answers import Answer, list_answers
from byok_bench.report.vendor.details import list_detail_lines, round_estimate
from byok_bench.report.vendor.metrics import METRICS, Estimates, Metric, Side
from byok_bench.runs.results import Run

RATE_MARGIN: Final = 0.03
TIME_MARGIN: Final = 0.10
JUDGED: Final = tuple(metric.name for metric in METRICS)
"""Metrics that have a verdict."""


class Sides(msgspec.Struct, frozen=True):
    """A reference and the candidates beside it, by index of the target."""

    run: Run
    reference: int
    candidates: tuple[int, ...]
    by_target: Mapping[int, Side]


def list_vendor_lines(
    run: Run,
    reference: str | None = None,
    candidates: str | Sequence[str] = (),
    margins: Mapping[str, float] | None = None,
) -> list[Line]:
    """One line a candidate and metric; without names the first target is the reference, all others candidates.

    Margins are by metric, or `rates` and `times`. Raises PlanError for a name that is none, with the nearest, for a run
    with one target, and for a reference that answered nothing.
    """
    limits = resolve_margins(margins or {})
    sides = choose_sides(run, reference, candidates)
    check_reference(sides)
    return [line for candidate in sides.candidates for line in _iterate_lines(sides, candidate, limits)]


def resolve_margins(margins: Mapping[str, float]) -> dict[str, float]:
    """The margin of each metric. Raises PlanError for a name that is none, or a margin below 0."""
    for name, value in margins.items():
        if name not in ("rates", "times", *JUDGED):
            raise PlanError(
                f"no metric {name!r} has a margin; {_suggest(name, ['rates', 'times', *JUDGED])}", code="bad_margin"
            )
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise PlanError(f"the margin of {name} is {value!r}: it is a number, 0 or more", code="bad_margin")
    general = {True: margins.get("times", TIME_MARGIN), False: margins.get("rates", RATE_MARGIN)}
    return {metric.name: margins.get(metric.name, general[metric.is_time]) for metric in METRICS}


def choose_sides(run: Run, reference: str | None, candidates: str | Sequence[str] = ()) -> Sides:
    """Who is who. A target is named by its label, or by label and model where a label has several."""
    candidates = (candidates,) if isinstance(candidates, str) else candidates
    names = name_targets(run)
    first = 0 if reference is None else _find_target(run, names, reference)
    others = tuple(_find_target(run, names, one) for one in candidates) or tuple(
        index for index in range(len(names)) if index != first
    )
    if first in others:
        raise PlanError(f"{names[first]} is the reference and cannot be a candidate, too", code="nothing_to_compare")
    if not others:
        raise PlanError(
            f"run {run.id} has one target, {names[first]}: there is no candidate", code="nothing_to_compare"
        )
    found: dict[int, list[Answer]] = {index: [] for index in (first, *others)}
    for answer in list_answers(run):
        if answer.target in found:
            found[answer.target].append(answer)
    return Sides(run, first, others, {index: Side(answers) for index, answers in found.items()})


def check_reference(sides: Sides) -> None:
    """Raise PlanError if the reference has no answer that others could be held against."""
    answers = sides.by_target[sides.reference].answers
    if any(one.is_good for one in answers):
        return
    failed = ", ".join(f"{kind} ×{count}" for kind, count in Counter(one.kind for one in answers).most_common())
    why = f"all {len(answers)} exchanges failed ({failed})" if answers else "it was asked nothing so far"
    name = name_targets(sides.run)[sides.reference]
    raise PlanError(f"{name} has no answer to hold others against: {why}", code="nothing_to_compare")


def _find_target(run: Run, names: Sequence[str], wanted: str) -> int:
    for index, target in enumerate(run.plan.targets):
        if wanted in (names[index], target.name):
            return index
    raise PlanError(f"no endpoint {wanted!r} in run {run.id}; {_suggest(wanted, names)}", code="no_target")


def _suggest(wanted: str, names: Sequence[str]) -> str:
    near = get_close_matches(wanted, names, n=1)
    return f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}"


def _iterate_lines(sides: Sides, candidate: int, limits: Mapping[str, float]) -> Iterator[Line]:
    reference, mine = sides.by_target[sides.reference], sides.by_target[candidate]
    names = name_targets(sides.run)
    head: Line = {"endpoint": names[candidate], "reference": names[sides.reference]}
    found = [(metric, metric.estimate(reference, mine, 0.95)) for metric in METRICS]
    shown = [(metric, one) for metric, one in found if one.value.n or one.floor.n]
    strict = compute_family_level(max(1, len(shown)))
    cost = _estimate_prompt_cost(mine)
    for metric, one in shown:
        family = metric.estimate(reference, mine, strict)
        yield head | _make_line(metric, one, family, limits[metric.name], cost)
    yield from (head | line for line in list_detail_lines(reference, mine))


def _make_line(metric: Metric, found: Estimates, family: Estimates, margin: float, cost: float | None) -> Line:
    judged = found.difference or Interval(None, None, None, found.value.n)
    more = needed(judged, margin, metric.better, cost)
    verdict = decide(judged, margin, metric.better)
    return {
        "metric": metric.name,
        "value": round_estimate(found.value.value),
        "low": round_estimate(found.value.low),
        "high": round_estimate(found.value.high),
        "n": found.value.n,
        "floor": round_estimate(found.floor.value),
        "difference": round_estimate(judged.value),
        "difference_low": round_estimate(judged.low),
        "difference_high": round_estimate(judged.high),
        "margin": margin,
        "verdict": verdict,
        "family": decide(family.difference, margin, metric.better),
        "needed": more.prompts if more is not None and verdict == "undecided" else None,
        "needed_cost": round_estimate(more.cost) if more is not None and verdict == "undecided" else None,
    }


def _estimate_prompt_cost(side: Side) -> float | None:
    """What one more prompt of the candidate costs, with all its repeats and turns, by what it has cost so far."""
    costs = [one.cost for one in side.answers]
    known = [cost for cost in costs if cost is not None]
    prompts = len({one.prompt for one in side.answers})
    return sum(known) / len(known) * len(costs) / prompts if known and prompts else None


def conclude_lines(lines: Sequence[Line]) -> str:
    """fail if any line failed, else undecided if any is, else pass."""
    verdicts = {line["verdict"] for line in lines}
    return "fail" if "fail" in verdicts else "undecided" if "undecided" in verdicts else "pass"
