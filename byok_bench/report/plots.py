"""Plots of a run, as altair charts: how long the first token took; streams over time are in stream_plot.py.

Charts carry their data; nothing is loaded from anywhere. `to_svg` draws one without a browser.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

import altair as alt
import pandas as pd

from byok_bench.report.evidence import name_targets
from byok_bench.report.plot_style import GRID, INK, WIDTH, apply_style, make_target_color, shorten_names
from byok_bench.report.selections import select_measured
from byok_bench.report.stream_plot import draw_streams, list_delta_points
from byok_bench.report.time_axis import make_time_axis
from byok_bench.runs.results import Run

__all__ = ["draw_first_token", "draw_streams", "list_delta_points", "to_page_svg", "to_svg"]

MOST_TICKS: Final = 2000
_ROW: Final = 40


def draw_first_token(run: Run) -> Any:
    """TTFT of every answered stream, one row of ticks a target, the median as a thick one.

    Of more than MOST_TICKS of a target, as many are drawn, evenly spaced by rank: more are one block of ink.
    """
    names = name_targets(run)
    short = shorten_names(names)
    data, step = _list_first_tokens(run, names)
    data.insert(1, "shown", [short[name] for name in data["target"]])
    axis = alt.Axis(labelLimit=0, ticks=False, domain=False)
    base = alt.Chart(data).encode(
        y=alt.Y("shown:N", title=None, axis=axis, sort=[short[name] for name in names]), color=make_target_color(run)
    )
    x = make_time_axis(list(data["ms"]), "time to first token, ms")
    ticks = base.mark_tick(thickness=1.5, opacity=0.55).encode(x=x, tooltip=["target:N", "scenario:N", "ms:Q"])
    median = base.mark_tick(thickness=4, size=24).encode(x="median(ms):Q")
    each = "each answer" if step == 1 else f"of every {step} answers, by rank, one"
    title = alt.Title("Time to first token", subtitle=f"{each} a thin line, their median a thick one")
    height = _ROW * max(1, data["target"].nunique())
    return apply_style(alt.layer(ticks, median).properties(title=title, width=WIDTH, height=height))


def _list_first_tokens(run: Run, names: Sequence[str]) -> tuple[pd.DataFrame, int]:
    """Target, scenario and ms, and of how many answers one is among them."""
    good = select_measured(run).select("wants_failure", False).select("kind", None).drop_missing("ttft_ms")
    most = max((len(some) for some in good.split("target").values()), default=0)
    step = max(1, -(-most // MOST_TICKS))
    lines = [
        (names[target], scenario, float(ms))
        for (target, scenario), some in good.split("target", "scenario").items()
        for ms in sorted(some.list_numbers("ttft_ms"))[::step]
    ]
    return pd.DataFrame(lines, columns=["target", "scenario", "ms"]), step


def to_svg(chart: Any) -> str:
    """The chart as SVG text."""
    import vl_convert

    drawn: str = vl_convert.vegalite_to_svg(chart.to_dict())
    return drawn


def to_page_svg(chart: Any, *, has_tips: bool = False) -> str:
    """The chart as SVG that takes the ink of the page around it, and is as wide as the page has room.

    The figure around it says what it shows; its own marks have no role, which a reader would hear one by one. With
    tips each mark tells under the pointer what it is.
    """
    drawn = to_svg(chart).replace(f'"{INK}"', '"currentColor"')
    drawn = drawn.replace(f'"{GRID}"', '"currentColor" stroke-opacity="0.15"')
    if has_tips:
        drawn = re.sub(r'<path aria-label="([^"]*)"([^>]*?)/?>(?:</path>)?', r"<path\2><title>\1</title></path>", drawn)
    drawn = re.sub(r' (role|aria-[a-z]+)="[^"]*"', "", drawn)
    return re.sub(r'^<svg([^>]*?) width="[0-9.]+" height="[0-9.]+"', r"<svg\1", drawn, count=1)
