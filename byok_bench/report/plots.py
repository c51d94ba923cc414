"""Plots of a run, as altair charts: how long the first token took; streams over time are in stream_plot.py.

Charts carry their data; nothing is loaded from anywhere. `to_svg` draws one without a browser.
"""

from typing import Any, Final

import altair as alt
import pandas as pd

from byok_bench.report.evidence import name_targets
from byok_bench.report.frames import make_exchange_frame
from byok_bench.report.plot_style import HEIGHT, WIDTH, apply_style, make_target_color
from byok_bench.report.stream_plot import draw_streams, list_delta_points
from byok_bench.runs.results import Run

__all__ = ["HEIGHT", "draw_first_token", "draw_streams", "list_delta_points", "to_svg"]

FAR_APART: Final = 50
"""Largest over smallest value from which an axis is logarithmic."""
_ROW: Final = 46
_CHARACTER: Final = 7


def draw_first_token(run: Run) -> Any:
    """TTFT of every answered stream, one row of ticks a target, the median as a thick one."""
    rows = make_exchange_frame(run)
    rows = rows[~rows["warmup"] & ~rows["wants_failure"] & rows["kind"].isna() & rows["ttft_ms"].notna()]
    names = name_targets(run)
    data = pd.DataFrame(
        {
            "target": [names[target] for target in rows["target"]],
            "scenario": rows["scenario"],
            "ms": rows["ttft_ms"].astype(float),
        }
    )
    base = alt.Chart(data).encode(y=_make_target_axis(names), color=make_target_color(run, None))
    ticks = base.mark_tick(thickness=1.5, opacity=0.55).encode(
        x=_make_time_axis(data["ms"]), tooltip=["target:N", "scenario:N", "ms:Q"]
    )
    median = base.mark_tick(thickness=4, size=26).encode(x="median(ms):Q")
    title = alt.Title("Time to first token", subtitle="each answer a thin line, their median a thick one")
    height = _ROW * max(1, data["target"].nunique())
    return apply_style(alt.layer(ticks, median).properties(title=title, width=WIDTH, height=height))


def to_svg(chart: Any) -> str:
    """The chart as SVG text."""
    import vl_convert

    drawn: str = vl_convert.vegalite_to_svg(chart.to_dict())
    return drawn


def _make_target_axis(names: list[str]) -> alt.Y:
    """Targets in the order of the plan, on the left.

    Left-aligned over a width of their own: a font wider than the measured one runs into the plot, not off the page.
    """
    room = _CHARACTER * max(map(len, names)) + 8
    axis = alt.Axis(labelLimit=0, labelAlign="left", labelPadding=room, ticks=False, domain=False)
    return alt.Y("target:N", title=None, axis=axis, sort=names)


def _make_time_axis(values: "pd.Series[float]") -> alt.X:
    """An axis from zero on, or a logarithmic one where targets lie too far apart for that."""
    title = "time to first token, ms"
    apart = len(values) > 0 and values.min() > 0 and values.max() / values.min() > FAR_APART
    if not apart:
        return alt.X("ms:Q", title=title, scale=alt.Scale(zero=True))
    marks = [digit * 10.0**power for power in range(-4, 8) for digit in (1, 2, 5)]
    low = max(mark for mark in marks if mark <= values.min())
    high = min(mark for mark in marks if mark >= values.max())
    shown = [mark for mark in marks if low <= mark <= high]
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    return alt.X("ms:Q", title=f"{title} (logarithmic)", scale=scale, axis=alt.Axis(values=shown))
