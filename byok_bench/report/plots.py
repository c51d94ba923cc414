"""Plots of a run, as altair charts: one stream over time, and how long the first token took.

Charts carry their data; nothing is loaded from anywhere. `svg` draws one without a browser.
"""

from typing import Any, Final

import altair as alt
import pandas as pd

from byok_bench.dialects.exchange import Exchange
from byok_bench.report.frames import frame
from byok_bench.runs.results import Run

WIDTH: Final = 640
HEIGHT: Final = 260
FAR_APART: Final = 50
"""Largest over smallest value from which an axis is logarithmic."""
PALETTE: Final = ("#2f6f9f", "#d1702b", "#4d8b55", "#a84a63", "#7663a8", "#8a7a3a")
_INK: Final = "#333"


def stream_over_time(run: Run, scenario: str | None = None, repeat: int = 1) -> alt.Chart:
    """Output deltas so far against ms since the request was written, one line a target.

    `scenario` is the one with the longest streams if not named. A stair is a packet of several deltas.
    """
    rows = frame(run)
    rows = rows[rows["streamed"] & (rows["repeat"] == repeat) & (rows["turn"] == 1) & (rows["stage"] == 0)]
    if scenario is None and len(rows):
        scenario = str(rows.groupby("scenario")["deltas"].max().idxmax())
    points = []
    for _, row in rows[rows["scenario"] == scenario].iterrows():
        exchange = run.exchange(int(row["exchange_id"]))
        if exchange is not None:
            points += [
                {"target": f"{row['endpoint']} · {row['model']}", **point} for point in deltas(exchange)
            ]
    data = pd.DataFrame(points, columns=["target", "ms", "deltas"])
    chart = alt.Chart(data, title=f"Stream of {scenario}, repeat {repeat}").mark_line(
        interpolate="step-after"
    )
    return _styled(
        chart.encode(
            x=alt.X("ms:Q", title="ms since the request was written"),
            y=alt.Y("deltas:Q", title="output deltas so far", axis=alt.Axis(tickMinStep=1)),
            color=_by_target(run),
            tooltip=["target:N", "ms:Q", "deltas:Q"],
        )
    )


def deltas(exchange: Exchange) -> list[dict[str, Any]]:
    """One point a delta that carried output; the first point is the start of the wait."""
    written = exchange.raw.phases.written
    marks = exchange.reading.marks
    if written is None or not marks:
        return []
    stamps = list({event: t_ns for t_ns, _, event in marks}.values())
    return [{"ms": 0.0, "deltas": 0}] + [
        {"ms": round((stamp - written) / 1e6, 3), "deltas": number} for number, stamp in enumerate(stamps, 1)
    ]


def first_token(run: Run) -> alt.Chart:
    """TTFT of every answered stream, one row of ticks a target, the median as a thick one."""
    rows = frame(run)
    rows = rows[~rows["warmup"] & ~rows["wants_failure"] & rows["kind"].isna() & rows["ttft_ms"].notna()]
    data = pd.DataFrame(
        {
            "target": rows["endpoint"] + " · " + rows["model"],
            "scenario": rows["scenario"],
            "ms": rows["ttft_ms"].astype(float),
        }
    )
    base = alt.Chart(data).encode(
        y=alt.Y("target:N", title=None, axis=alt.Axis(labelLimit=260)), color=_by_target(run, legend=False)
    )
    ticks = base.mark_tick(thickness=1.5, opacity=0.55).encode(
        x=alt.X("ms:Q", title="time to first token, ms", scale=_scale(data["ms"])),
        tooltip=["target:N", "scenario:N", "ms:Q"],
    )
    median = base.mark_tick(thickness=4, size=26).encode(x="median(ms):Q")
    count = max(1, data["target"].nunique())
    return _styled(alt.layer(ticks, median, title="Time to first token"), height=46 * count)


def svg(chart: alt.Chart) -> str:
    """The chart as SVG text."""
    import vl_convert

    drawn: str = vl_convert.vegalite_to_svg(chart.to_dict())
    return drawn


def _scale(values: "pd.Series[float]") -> alt.Scale:
    """From zero on, or logarithmic where targets lie too far apart for that."""
    apart = len(values) > 0 and values.min() > 0 and values.max() / values.min() > FAR_APART
    return alt.Scale(type="log") if apart else alt.Scale(zero=True)


def _by_target(run: Run, *, legend: bool = True) -> alt.Color:
    """One colour a target, the same in every plot of a run."""
    return alt.Color(
        "target:N",
        title=None,
        scale=alt.Scale(domain=[target.name for target in run.plan.targets], range=list(PALETTE)),
        legend=alt.Legend(orient="bottom", labelLimit=320, columns=2) if legend else None,
    )


def _styled(chart: Any, height: int = HEIGHT) -> alt.Chart:
    styled: alt.Chart = (
        chart.properties(width=WIDTH, height=height)
        .configure(font="Arial, Helvetica, sans-serif", background="white")
        .configure_view(strokeWidth=0)
        .configure_title(anchor="start", fontSize=14, fontWeight=600, color=_INK)
        .configure_axis(
            gridColor="#eee", domainColor="#999", tickColor="#999", labelColor=_INK, titleFontWeight=400
        )
    )
    return styled
