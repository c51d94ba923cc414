"""History: one number of one endpoint over the runs of one plan, with its intervals and the dates of changes.

Runs are of one plan if they asked the same scenarios under the same load; how often each was asked may differ.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

import msgspec

from byok_bench.errors import PlanError
from byok_bench.report.stats import Interval, clustered, median
from byok_bench.report.stats.change_points import find_changes
from byok_bench.runs.results import Run
from byok_bench.runs.row import Row

METRICS: Final = ("ttft_ms", "e2e_ms", "tpot_ms", "failures", "ok")
"""Times as medians; shares of exchanges that failed, of samples that met all."""


class Day(msgspec.Struct, frozen=True):
    """One run."""

    run: str
    created: str
    """UTC, ISO 8601."""
    estimate: Interval
    has_changed: bool = False
    """It is the first at another height."""


class History(msgspec.Struct, frozen=True):
    """The runs of one plan, oldest first."""

    endpoint: str
    metric: str
    days: Sequence[Day]
    left_out: int
    """Runs of the endpoint that are of another plan."""


def make_history(runs: Sequence[Run], endpoint: str, metric: str = "ttft_ms") -> History:
    """The history of an endpoint by its label, over the plan of its newest run. PlanError for what is not there."""
    if metric not in METRICS:
        near = get_close_matches(metric, METRICS, n=1, cutoff=0.4)
        meant = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(METRICS)}"
        raise PlanError(f"no metric {metric!r} has a history; {meant}", code="no_metric")
    mine = [run for run in runs if any(target.label == endpoint for target in run.plan.targets)]
    if not mine:
        labels = list(dict.fromkeys(target.label for run in runs for target in run.plan.targets))
        near = get_close_matches(endpoint, labels, n=1)
        meant = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(labels) or 'none'}"
        raise PlanError(f"no run has an endpoint {endpoint!r}; {meant}", code="no_target")
    wanted = _name_plan(mine[-1])
    same = [run for run in mine if _name_plan(run) == wanted]
    days = [Day(run.id, run.created, estimate_run(run, endpoint, metric)) for run in same]
    known = [day for day in days if day.estimate.value is not None]
    changed = {known[place].run for place in find_changes([day.estimate.value or 0.0 for day in known])}
    marked = [msgspec.structs.replace(day, has_changed=day.run in changed) for day in days]
    return History(endpoint, metric, marked, len(mine) - len(same))


def estimate_run(run: Run, endpoint: str, metric: str) -> Interval:
    """The number of one run."""
    rows = [
        row
        for row in run.iterate_rows()
        if run.plan.targets[row.target].label == endpoint and row.status in ("done", "failed")
        if not (row.is_warmup or row.wants_failure or row.caused_by_us)
    ]
    if metric == "failures":
        return clustered(_group(rows, [row.kind is not None for row in rows]))
    if metric == "ok":
        over = [row for row in rows if row.outcome is not None]
        return clustered(_group(over, [row.outcome == "ok" for row in over]))
    return median([value for row in rows if row.kind is None and (value := getattr(row, metric)) is not None])


def _group(rows: Sequence[Row], values: Sequence[bool]) -> dict[tuple[str, str], list[bool]]:
    found: dict[tuple[str, str], list[bool]] = {}
    for row, value in zip(rows, values, strict=True):
        found.setdefault((row.scenario, row.sample), []).append(value)
    return found


def _name_plan(run: Run) -> bytes:
    return msgspec.json.encode([run.plan.scenarios, run.plan.loads])


def describe_height_change(history: History, place: int) -> str:
    """When it changed, and from what to what."""
    day = history.days[place]
    starts = [number for number, one in enumerate(history.days) if one.has_changed] + [len(history.days)]
    end = next(number for number in starts if number > place)
    begin = max((number for number in starts if number < place), default=0)
    before, after = (_describe_height(history, days) for days in (history.days[begin:place], history.days[place:end]))
    return f"{history.metric} of {history.endpoint} changed on {day.created[:10]}: {before} before, {after} since"


def _describe_height(history: History, days: Sequence[Day]) -> str:
    values = [day.estimate.value for day in days if day.estimate.value is not None]
    middle = sum(values) / len(values) if values else 0.0
    return f"{middle:.0f} ms" if history.metric.endswith("_ms") else f"{100 * middle:.1f} %"
