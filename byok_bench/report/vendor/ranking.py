"""The table `ranking`: what a solved task costs and how long it takes, who is best at it, and whether that is decided.

A task is a sample of an agent prompt in one repeat; it is solved if all that was expected of it was met. What was
spent on tasks that were not solved counts: price and seconds per solved task are totals over totals.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from byok_bench.report.evidence import name_targets
from byok_bench.report.stats import Interval, clustered, compare_quotients, difference, quotient
from byok_bench.report.table_parts import Line
from byok_bench.report.vendor.answers import Answer, Prompt, list_answers
from byok_bench.report.vendor.details import round_estimate
from byok_bench.runs.results import Run

Parts = dict[Prompt, tuple[float, float]]
OPEN: Final = "undecided"
CRITERIA: Final = ("cheapest", "quickest", "most_reliable")


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One sample in one repeat."""

    prompt: Prompt
    is_solved: bool
    seconds: float
    """Of all its turns that have a time."""
    cost: float | None
    """None where one of its turns has none."""


class Ranked(msgspec.Struct, frozen=True):
    """One endpoint's tasks, and what they amount to prompt by prompt."""

    name: str
    tasks: Sequence[Task]

    def group_solved(self) -> dict[Prompt, list[float]]:
        """Prompt → 1 or 0 a task."""
        return _group(self.tasks, lambda task: float(task.is_solved))

    def sum_parts(self, read: Callable[[Task], float | None]) -> Parts:
        """Prompt → (what was spent, tasks solved); empty if it is not known of all."""
        spent = _group(self.tasks, read)
        if any(one is None for some in spent.values() for one in some):
            return {}
        solved = self.group_solved()
        return {prompt: (sum(some), sum(solved[prompt])) for prompt, some in spent.items()}


def list_ranking_lines(run: Run) -> list[Line]:
    """One line an endpoint, the most reliable first."""
    ranked = _rank_tasks(run)
    prices = {one.name: one.sum_parts(lambda task: task.cost) for one in ranked}
    seconds = {one.name: one.sum_parts(lambda task: task.seconds) for one in ranked}
    solved = {one.name: one.group_solved() for one in ranked}
    best = {
        "cheapest": _choose_least(prices),
        "quickest": _choose_least(seconds),
        "most_reliable": _choose_most(solved),
    }
    lines = [_make_line(one, prices[one.name], seconds[one.name], best) for one in ranked]
    return sorted(lines, key=lambda line: -(line["solved_rate"] or 0.0))


def describe_ranking(lines: Sequence[Line]) -> list[str]:
    """A sentence a criterion: who it is, or between whom it is not decided."""
    said = []
    for criterion in CRITERIA:
        name = criterion.replace("_", " ")
        first = next((line["endpoint"] for line in lines if line[criterion] == "yes"), None)
        open_ = [line["endpoint"] for line in lines if line[criterion] == OPEN]
        if first:
            said.append(f"{name}: {first}")
        elif open_:
            said.append(f"{name}: undecided between {', '.join(open_)}")
        else:
            said.append(f"{name}: not to be had")
    return said


def _rank_tasks(run: Run) -> list[Ranked]:
    found: dict[int, dict[tuple[Prompt, int], list[Answer]]] = {}
    for answer in list_answers(run):
        found.setdefault(answer.target, {}).setdefault((answer.prompt, answer.repeat), []).append(answer)
    names = name_targets(run)
    return [Ranked(names[target], [_make_task(turns) for turns in tasks.values()]) for target, tasks in found.items()]


def _make_task(turns: Sequence[Answer]) -> Task:
    costs = [one.cost for one in turns]
    known = [cost for cost in costs if cost is not None]
    return Task(
        prompt=turns[0].prompt,
        is_solved=any(one.outcome == "ok" for one in turns),
        seconds=sum(one.times.get("e2e_ms", 0.0) for one in turns) / 1000,
        cost=sum(known) if len(known) == len([one for one in turns if one.is_good]) else None,
    )


def _group(tasks: Sequence[Task], read: Callable[[Task], Any]) -> dict[Prompt, list[Any]]:
    found: dict[Prompt, list[Any]] = {}
    for task in tasks:
        found.setdefault(task.prompt, []).append(read(task))
    return found


def _choose_least(parts: Mapping[str, Parts]) -> dict[str, str]:
    """Name → yes, no, or undecided: who has the least per solved task."""
    values = {name: found for name, some in parts.items() if (found := quotient(some).value) is not None}
    if not values:
        return {}
    least = min(values, key=lambda name: values[name])
    return _tell_apart(least, [*values], lambda name: _is_above(compare_quotients(parts[least], parts[name]), 1.0))


def _choose_most(solved: Mapping[str, dict[Prompt, list[float]]]) -> dict[str, str]:
    """The same for the share of tasks that were solved."""
    values = {name: found for name, some in solved.items() if (found := clustered(some).value) is not None}
    if not values:
        return {}
    most = max(values, key=lambda name: values[name])
    return _tell_apart(most, [*values], lambda name: _is_above(difference(solved[name], solved[most]), 0.0))


def _is_above(found: Interval, bound: float) -> bool:
    return found.low is not None and found.low > bound


def _tell_apart(best: str, names: Sequence[str], is_worse: Callable[[str], bool]) -> dict[str, str]:
    told = {name: "no" if is_worse(name) else OPEN for name in names if name != best}
    return {best: OPEN if OPEN in told.values() else "yes"} | told


def _make_line(one: Ranked, prices: Parts, seconds: Parts, best: Mapping[str, Mapping[str, str]]) -> Line:
    rate, price, time = clustered(one.group_solved()), quotient(prices), quotient(seconds)
    line: Line = {"endpoint": one.name, "n": len(one.tasks), "solved": sum(task.is_solved for task in one.tasks)}
    for name, found in (("solved_rate", rate), ("price_per_solved", price), ("seconds_per_solved_s", time)):
        stem = name.removesuffix("_s")
        line |= {
            name: round_estimate(found.value),
            f"{stem}_low{'_s' if name.endswith('_s') else ''}": round_estimate(found.low),
            f"{stem}_high{'_s' if name.endswith('_s') else ''}": round_estimate(found.high),
        }
    return line | {criterion: best[criterion].get(one.name) for criterion in CRITERIA}
