"""Plots of latency: distributions, how it grows with depth, and how it grows with load. Data in, altair charts out."""

from typing import Any, Final, Literal

import altair as alt
import pandas as pd

from byok_bench.report.evidence import name_targets
from byok_bench.report.frames import make_exchange_frame
from byok_bench.report.plot_style import WIDTH, apply_style, make_target_color, make_target_dash
from byok_bench.report.stats import compute_quantile
from byok_bench.report.time_axis import make_time_axis
from byok_bench.runs.results import Run

HEIGHT: Final = 260
Metric = Literal["ttft_ms", "e2e_ms"]
NAMES: Final = {"ttft_ms": "time to first token", "e2e_ms": "time to the end"}


def draw_distribution(run: Run, metric: Metric = "ttft_ms") -> Any:
    """The share of good answers that were there by a time (ECDF), a stair a target.

    Every answer is a step: nothing is smoothed, and a tail is as long as it was. Failures are in no stair; how many
    there were stands in the tables.
    """
    rows = _list_good_rows(run, metric)
    steps = []
    for name, part in rows.groupby("target", sort=False):
        ranked = part.sort_values("ms")
        steps += [
            {"target": name, "ms": ms, "share": (at + 1) / len(ranked), "scenario": scenario}
            for at, (ms, scenario) in enumerate(zip(ranked["ms"], ranked["scenario"], strict=True))
        ]
    data = pd.DataFrame(steps, columns=["target", "ms", "share", "scenario"])
    x = make_time_axis(list(data["ms"]), f"{NAMES[metric]}, ms")
    y = alt.Y("share:Q", title="share of answers", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1]))
    color, tooltip = make_target_color(run, named_below=True), ["target:N", "scenario:N", "ms:Q", "share:Q"]
    stairs = alt.Chart(data).mark_line(interpolate="step-after", strokeWidth=1.8)
    drawn = stairs.encode(x=x, y=y, color=color, strokeDash=make_target_dash(run), tooltip=tooltip)
    title = f"How often by when: {NAMES[metric]}"
    return apply_style(drawn.properties(width=WIDTH, height=HEIGHT, title=title))


def draw_depth(run: Run) -> Any:
    """TTFT of each answer against the tokens of its prompt, with the median of each round as a line, by target."""
    rows = _list_good_rows(run, "ttft_ms")
    rows = rows[rows["prompt_tokens"].notna()]
    data = pd.DataFrame(
        {
            "target": rows["target"],
            "tokens": rows["prompt_tokens"].astype(float),
            "ms": rows["ms"],
            "turn": rows["turn"],
        }
    )
    median = data.groupby(["target", "turn"], sort=False, as_index=False).median(numeric_only=True)
    axis = alt.Axis(tickCount=8)
    x = alt.X("tokens:Q", title="tokens of the prompt, all that was said before included", axis=axis)
    y = alt.Y("ms:Q", title="time to first token, ms", scale=alt.Scale(zero=True))
    color = make_target_color(run, named_below=True)
    points = (
        alt.Chart(data)
        .mark_point(opacity=0.5, size=25)
        .encode(x=x, y=y, color=color, tooltip=["target:N", "turn:Q", "tokens:Q", "ms:Q"])
    )
    lines = alt.Chart(median).mark_line().encode(x=x, y=y, color=color, strokeDash=make_target_dash(run))
    chart = alt.layer(points, lines).properties(width=WIDTH, height=HEIGHT, title="Time to first token by depth")
    return apply_style(chart)


def draw_ladder(run: Run, metric: Metric = "ttft_ms") -> Any:
    """Median and p90 of a time at each load of the run, in the order of the plan, by target."""
    rows = _list_good_rows(run, metric)
    loads = [load.name for load in run.plan.loads]
    rows["load"] = [loads[stage] for stage in rows["stage"]]
    data = pd.DataFrame(
        [
            {"target": place[0], "load": place[1], "which": which, "ms": value}
            for place, times in rows.groupby(["target", "load"], sort=False)["ms"]
            for which, q in (("median", 0.5), ("p90", 0.9))
            if (value := compute_quantile(list(times), q)) is not None
        ],
        columns=["target", "load", "which", "ms"],
    )
    x = alt.X("load:N", title="load", sort=loads, axis=alt.Axis(labelAngle=0, labelLimit=120))
    y = alt.Y("ms:Q", title=f"{NAMES[metric]}, ms", scale=alt.Scale(zero=True))
    dashes = alt.Scale(domain=["median", "p90"], range=[[1, 0], [4, 2]])
    dash, tooltip = alt.StrokeDash("which:N", scale=dashes, legend=None), ["target:N", "load:N", "which:N", "ms:Q"]
    color = make_target_color(run, named_below=True)
    lines = alt.Chart(data).mark_line(point=True).encode(x=x, y=y, color=color, strokeDash=dash, tooltip=tooltip)
    title = alt.Title(f"By load: {NAMES[metric]}", subtitle="whole lines the median, dashed ones p90")
    return apply_style(lines.properties(width=WIDTH, height=HEIGHT, title=title))


def _list_good_rows(run: Run, metric: Metric) -> pd.DataFrame:
    """Answered agent prompts that have the time, with the target's name."""
    rows: pd.DataFrame = make_exchange_frame(run)
    rows = rows[~rows["warmup"] & ~rows["wants_failure"] & rows["kind"].isna() & rows[metric].notna()].copy()
    names = name_targets(run)
    rows["target"] = [names[target] for target in rows["target"]]
    rows["ms"] = rows[metric].astype(float)
    return rows
