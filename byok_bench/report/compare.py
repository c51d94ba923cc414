"""compare(): two runs, or two targets of one, difference by difference.

Answers are paired by (scenario, sample, repeat, turn, load): what both sides were asked at the same place of the plan.
The interval is that of the median of the paired differences; where it holds zero, no difference is shown. Error
scenarios are left out: how fast a server refuses is not compared.
"""

from typing import Final

import pandas as pd

from byok_bench.errors import PlanError
from byok_bench.report.frames import make_exchange_frame
from byok_bench.report.run_notes import list_comparison_notes
from byok_bench.report.stats import Interval, compute_quantile, paired
from byok_bench.report.table_parts import Line
from byok_bench.runs.results import Run

METRICS: Final = ("ttft_ms", "e2e_ms", "tpot_ms", "itl_ms")
"""Columns of the frame, with the median gap of an exchange for ITL. Of all of them less is better."""
PAIR: Final = ("scenario", "sample", "repeat", "turn", "stage")
ALL: Final = "(all)"


def compare(run_a: Run | str, run_b: Run | str, *, a: str | None = None, b: str | None = None) -> pd.DataFrame:
    """Differences B − A as a DataFrame, one line for each pair of targets, scenario and metric.

    Targets pair by endpoint and model; two runs with one target each pair whatever they are called. `a` and `b` name
    an endpoint of either side, for example two of the same run. Columns: docs/metrics.md; `attrs["notes"]` says what
    a reader has to know of both runs. Raises PlanError if nothing pairs.
    """
    first, second = _open_run(run_a), _open_run(run_b)
    made = pd.DataFrame(list_differences(first, second, a=a, b=b))
    made.attrs["notes"] = list_comparison_notes(first, second, same_endpoints=a == b)
    return made.astype(dict.fromkeys(("a", "b", "difference", "low", "high", "difference_percent"), "Float64"))


def list_differences(run_a: Run | str, run_b: Run | str, *, a: str | None = None, b: str | None = None) -> list[Line]:
    """The same as plain lines; None for what could not be had."""
    first, second = _select_answers(run_a), _select_answers(run_b)
    return [
        line
        for name, left, right in _match_sides(first, second, a, b)
        for line in _make_difference_lines(name, left, right)
    ]


def _open_run(run: Run | str) -> Run:
    return Run.open(run) if isinstance(run, str) else run


def _select_answers(run: Run | str) -> pd.DataFrame:
    rows = make_exchange_frame(_open_run(run))
    rows = rows[~rows["warmup"] & ~rows["wants_failure"] & rows["status"].isin(["done", "failed"])]
    rows = rows[~rows["caused_by_us"]]
    medians = [compute_quantile(gaps, 0.5) for gaps in rows["itl_ms"]]
    return rows.assign(itl_ms=pd.array(medians, dtype="Float64"))


def _match_sides(
    first: pd.DataFrame, second: pd.DataFrame, a: str | None, b: str | None
) -> list[tuple[str, pd.DataFrame, pd.DataFrame]]:
    left, right = _group_by_target(first, a), _group_by_target(second, b)
    if len(left) == len(right) == 1:
        (name_a, rows_a), (name_b, rows_b) = *left.items(), *right.items()
        return [(name_a if name_a == name_b else f"{name_a} → {name_b}", rows_a, rows_b)]
    both = [name for name in left if name in right]
    if not both:
        raise PlanError(
            f"nothing to pair: A has {', '.join(left) or 'nothing'}, B has {', '.join(right) or 'nothing'}",
            code="nothing_to_pair",
        )
    return [(name, left[name], right[name]) for name in both]


def _group_by_target(rows: pd.DataFrame, endpoint: str | None) -> dict[str, pd.DataFrame]:
    chosen = rows if endpoint is None else rows[rows["endpoint"] == endpoint]
    if endpoint is not None and chosen.empty:
        raise PlanError(f"no endpoint {endpoint!r} in that run", code="nothing_to_pair")
    return {f"{label} · {model}": part for (label, model), part in chosen.groupby(["endpoint", "model"], sort=False)}


def _make_difference_lines(name: str, left: pd.DataFrame, right: pd.DataFrame) -> list[Line]:
    joined = left.merge(right, on=list(PAIR), how="outer", suffixes=("_a", "_b"), indicator=True)
    both = joined[joined["_merge"] == "both"]
    unpaired = len(joined) - len(both)
    lines = []
    for scenario, part in [(ALL, both), *both.groupby("scenario", sort=False)]:
        failed_a, failed_b = int(part["kind_a"].notna().sum()), int(part["kind_b"].notna().sum())
        for metric in METRICS:
            kept = part[part[[f"{metric}_a", f"{metric}_b"]].notna().all(axis=1)]
            kept = kept[kept["kind_a"].isna() & kept["kind_b"].isna()]
            if kept.empty and scenario != ALL:
                continue
            before = [float(value) for value in kept[f"{metric}_a"]]
            after = [float(value) for value in kept[f"{metric}_b"]]
            found = paired(before, after).difference
            lines.append(
                {
                    "target": name,
                    "scenario": scenario,
                    "metric": metric,
                    "pairs": found.n,
                    "failed_a": failed_a,
                    "failed_b": failed_b,
                    "excluded": len(part) - found.n + (unpaired if scenario == ALL else 0),
                    "a": _round_ms(compute_quantile(before, 0.5)),
                    "b": _round_ms(compute_quantile(after, 0.5)),
                    "difference": _round_ms(found.value),
                    "low": _round_ms(found.low),
                    "high": _round_ms(found.high),
                    "difference_percent": _compute_share(found, before),
                    "verdict": judge_difference(found),
                }
            )
    return lines


def judge_difference(found: Interval) -> str:
    """What may be said of B beside A; for too few pairs there is no interval."""
    if found.low is None or found.high is None:
        return "too few pairs"
    if found.low > 0:
        return "B is slower"
    return "B is faster" if found.high < 0 else "no difference shown"


def _compute_share(found: Interval, before: list[float]) -> float | None:
    middle = compute_quantile(before, 0.5)
    return round(100 * found.value / middle, 1) if found.value is not None and middle else None


def _round_ms(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
