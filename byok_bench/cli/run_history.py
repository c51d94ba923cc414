"""`byok-bench runs history`: one number of an endpoint over the runs of one plan, as a small plot."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from byok_bench.cli.completion import complete_label
from byok_bench.cli.console import emit_json

if TYPE_CHECKING:
    from byok_bench.report.run_history import Day, History

WIDTH = 36
"""Characters of the plot."""


def show_history(
    endpoint: Annotated[
        str, typer.Argument(help="Label of the endpoint.", metavar="ENDPOINT", autocompletion=complete_label)
    ],
    metric: Annotated[str, typer.Option(help="ttft_ms, e2e_ms, tpot_ms, failures or ok.")] = "ttft_ms",
    store: Annotated[Path | None, typer.Option("--store", help="Result file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Show a number of an endpoint over the runs of its newest plan, with the dates at which it changed."""
    from byok_bench.report.run_history import describe_height_change, make_history
    from byok_bench.runs.results import list_runs

    history = make_history(list_runs(store), endpoint, metric)
    changes = [describe_height_change(history, place) for place, day in enumerate(history.days) if day.has_changed]
    if as_json:
        emit_json(make_document(history, changes))
        return
    for line in (*changes, *draw_history(history)):
        typer.echo(line)
    if history.left_out:
        typer.echo(f"{history.left_out} other runs of {endpoint} are of another plan")


def make_document(history: "History", changes: list[str]) -> dict[str, Any]:
    """JSON-ready: one entry a run, oldest first."""
    return {
        "version": 1,
        "endpoint": history.endpoint,
        "metric": history.metric,
        "runs": [
            {
                "run": day.run,
                "created": day.created,
                "n": day.estimate.n,
                "value": day.estimate.value,
                "low": day.estimate.low,
                "high": day.estimate.high,
                "changed": day.has_changed,
            }
            for day in history.days
        ],
        "changes": changes,
        "left_out": history.left_out,
    }


def draw_history(history: "History") -> list[str]:
    """One line a run: date, number, where it and its interval lie from 0 to the highest, and where it changed."""
    ends = [end for day in history.days for end in (day.estimate.high, day.estimate.value) if end is not None]
    top = max(ends, default=0.0) or 1.0
    return [_draw_day(day, history.metric, top) for day in history.days]


def _draw_day(day: "Day", metric: str, top: float) -> str:
    value, low, high = day.estimate.value, day.estimate.low, day.estimate.high
    cells = [" "] * WIDTH
    if low is not None and high is not None:
        for place in range(_find_cell(low, top), _find_cell(high, top) + 1):
            cells[place] = "─"
    if value is not None:
        cells[_find_cell(value, top)] = "●"
    number = "NA" if value is None else f"{value:.0f} ms" if metric.endswith("_ms") else f"{100 * value:.1f} %"
    change = "  ◀ changed" if day.has_changed else ""
    return f"{day.created[:16].replace('T', ' ')}  {number:>9}  {''.join(cells).rstrip()}{change}"


def _find_cell(value: float, top: float) -> int:
    return min(WIDTH - 1, max(0, round(value / top * (WIDTH - 1))))
