"""What is estimated of a candidate: each metric with its value, the floor that the reference sets, and the difference.

What two answers are compared by (trigger, arguments, finish, times) has as floor the reference beside itself, even
against odd repeats, by the same formulas. What one side has alone (schema accuracy, task, failures) has the
reference's own number. The difference, candidate − floor, is what is judged. Answers are compared on the first turn,
where both were asked the same; calls, findings and failures count on all.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

import msgspec

from byok_bench.checks.json_schema import is_same_json
from byok_bench.report.stats import Interval, agreement, clustered, compute_quantile, difference, paired, subtract
from byok_bench.report.vendor.answers import TIMES, Answer, Prompt

ENOUGH_PROMPTS: Final = 6
"""Prompts from which on a time is one number a prompt; below, pairs of repeats, which hold for these prompts alone."""
NOTHING: Final = Interval(None, None, None, 0)
Repeats = Mapping[Prompt, Mapping[int, Answer]]
"""Prompt → repeat → its first answer that did not fail."""


class Side(msgspec.Struct, frozen=True):
    """One target's answers."""

    answers: Sequence[Answer]

    def group_first_turns(self, parity: int | None = None) -> Repeats:
        """Good first answers; of odd (1) or even (0) repeats alone, counted anew in their order."""
        found: dict[Prompt, dict[int, Answer]] = {}
        for one in sorted(self.answers, key=lambda answer: answer.repeat):
            if one.turn == 1 and one.is_good and parity in (None, one.repeat % 2):
                mine = found.setdefault(one.prompt, {})
                mine[one.repeat if parity is None else (one.repeat + 1) // 2] = one
        return found

    def group_values(self, read: Callable[[Answer], Sequence[float]]) -> dict[Prompt, list[float]]:
        """What each answer adds, prompt by prompt."""
        found: dict[Prompt, list[float]] = {}
        for one in self.answers:
            found.setdefault(one.prompt, []).extend(read(one))
        return found


class Estimates(msgspec.Struct, frozen=True):
    """One metric of one candidate."""

    value: Interval
    floor: Interval
    difference: Interval | None
    """candidate − floor, which is judged."""


class Metric(msgspec.Struct, frozen=True):
    """What is estimated, and which way is better."""

    name: str
    better: Literal["higher", "lower"]
    is_time: bool
    estimate: Callable[[Side, Side, float], Estimates]
    """(reference, candidate, level)"""


def estimate_trigger(reference: Side, candidate: Side, level: float) -> Estimates:
    """F1 of "called a tool", the reference being the truth (K2-Vendor-Verifier's trigger similarity)."""

    def compare(first: Repeats, second: Repeats) -> Interval:
        theirs, mine = _list_shared_calls(first, second), _list_shared_calls(second, first)
        return agreement(theirs, mine, level=level) or NOTHING

    return _estimate_against_floor(reference, candidate, compare)


def estimate_arguments(reference: Side, candidate: Side, level: float) -> Estimates:
    """Share of calls whose arguments are equal as JSON, of those where both called the same function."""

    def compare(first: Repeats, second: Repeats) -> Interval:
        return clustered(_join(first, second, _compare_arguments), level)

    return _estimate_against_floor(reference, candidate, compare)


def estimate_finish(reference: Side, candidate: Side, level: float) -> Estimates:
    """Share of answers that end for the same reason."""

    def compare(first: Repeats, second: Repeats) -> Interval:
        return clustered(_join(first, second, lambda a, b: [a.finish == b.finish]), level)

    return _estimate_against_floor(reference, candidate, compare)


def _estimate_against_floor(
    reference: Side, candidate: Side, compare: Callable[[Repeats, Repeats], Interval]
) -> Estimates:
    value = compare(reference.group_first_turns(), candidate.group_first_turns())
    floor = compare(reference.group_first_turns(1), reference.group_first_turns(0))
    return Estimates(value, floor, subtract(value, floor))


def _list_shared_calls(first: Repeats, second: Repeats) -> dict[Prompt, list[bool]]:
    """Whether the first side called, at the repeats that both answered."""
    return {
        prompt: [mine[n].has_called for n in sorted(mine.keys() & second[prompt].keys())]
        for prompt, mine in first.items()
        if prompt in second
    }


def _join(
    first: Repeats, second: Repeats, compare: Callable[[Answer, Answer], Sequence[bool]]
) -> dict[Prompt, list[bool]]:
    """What pairs of answers add, prompt by prompt."""
    return {
        prompt: [
            one for n in sorted(mine.keys() & second[prompt].keys()) for one in compare(mine[n], second[prompt][n])
        ]
        for prompt, mine in first.items()
        if prompt in second
    }


def _compare_arguments(one: Answer, two: Answer) -> list[bool]:
    """Call by call in their order; only where both called the same function."""
    return [
        a.value is not None and b.value is not None and is_same_json(a.value, b.value)
        for a, b in zip(one.calls, two.calls, strict=False)
        if a.name == b.name
    ]


def estimate_schema(reference: Side, candidate: Side, level: float) -> Estimates:
    """Valid calls of all calls."""
    return _estimate_levels(
        reference, candidate, lambda answer: [float(call.verdict == "valid") for call in answer.calls], level
    )


def estimate_task(reference: Side, candidate: Side, level: float) -> Estimates:
    """Samples that met all that was expected, of those that were played and did not fail."""

    def read(answer: Answer) -> list[float]:
        return [float(answer.outcome == "ok")] if answer.outcome in ("ok", "unmet") else []

    return _estimate_levels(reference, candidate, read, level)


def estimate_failures(reference: Side, candidate: Side, level: float) -> Estimates:
    """Exchanges without a good answer."""
    return _estimate_levels(reference, candidate, lambda answer: [float(not answer.is_good)], level)


def _estimate_levels(
    reference: Side, candidate: Side, read: Callable[[Answer], Sequence[float]], level: float
) -> Estimates:
    theirs, mine = reference.group_values(read), candidate.group_values(read)
    return Estimates(clustered(mine, level), clustered(theirs, level), difference(theirs, mine, level))


def estimate_time(name: str, reference: Side, candidate: Side, level: float) -> Estimates:
    """candidate ÷ reference, median over prompts of their medians; of fewer than 6 prompts over pairs of repeats."""

    def compare(first: Repeats, second: Repeats) -> Interval:
        return paired(*_list_pairs(name, first, second), level).ratio

    value = compare(reference.group_first_turns(), candidate.group_first_turns())
    floor = compare(reference.group_first_turns(1), reference.group_first_turns(0))
    return Estimates(value, floor, subtract(value, floor))


def _list_pairs(name: str, first: Repeats, second: Repeats) -> tuple[list[float], list[float]]:
    by_prompt = [
        [
            (mine[n].times[name], second[prompt][n].times[name])
            for n in sorted(mine.keys() & second[prompt].keys())
            if name in mine[n].times and name in second[prompt][n].times
        ]
        for prompt, mine in first.items()
        if prompt in second
    ]
    known = [pairs for pairs in by_prompt if pairs]
    if len(known) < ENOUGH_PROMPTS:
        flat = [pair for pairs in known for pair in pairs]
        return [one for one, _ in flat], [two for _, two in flat]
    sides = ([_compute_median([pair[side] for pair in pairs]) for pairs in known] for side in (0, 1))
    before, after = sides
    return before, after


def _compute_median(values: Sequence[float]) -> float:
    return compute_quantile(values, 0.5) or 0.0


def _make_time(name: str) -> Metric:
    def estimate(reference: Side, candidate: Side, level: float) -> Estimates:
        return estimate_time(name, reference, candidate, level)

    return Metric(name.removesuffix("_ms"), "lower", True, estimate)


METRICS: Final = (
    Metric("failures", "lower", False, estimate_failures),
    Metric("trigger", "higher", False, estimate_trigger),
    Metric("schema_accuracy", "higher", False, estimate_schema),
    Metric("arguments", "higher", False, estimate_arguments),
    Metric("finish", "higher", False, estimate_finish),
    Metric("task", "higher", False, estimate_task),
    *map(_make_time, TIMES),
)
"""In the order of the table."""
TIME_METRICS: Final = frozenset(metric.name for metric in METRICS if metric.is_time)
"""Those that are multiples of the reference's; the others are shares."""
