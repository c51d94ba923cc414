"""How every plot looks: sizes, colours, fonts. One colour a target, the same in all plots of a run."""

from typing import Any, Final

import altair as alt

from byok_bench.report.evidence import name_targets
from byok_bench.runs.results import Run

WIDTH: Final = 640
HEIGHT: Final = 260
PALETTE: Final = ("#2f6f9f", "#d1702b", "#4d8b55", "#7663a8", "#8a7a3a", "#4f9a9a")
BAD: Final = "#b3372f"
"""What failed; no target has it."""
INK: Final = "#333"
# Wide fonts, and measured as such: with a narrower one at hand nothing overlaps or is cut off.
FONT: Final = "Verdana, DejaVu Sans, sans-serif"


def make_target_color(run: Run, legend: alt.Legend | None) -> alt.Color:
    """The colour of a target."""
    scale = alt.Scale(domain=name_targets(run), range=list(PALETTE))
    return alt.Color("target:N", title=None, scale=scale, legend=legend)


def apply_style(chart: Any) -> Any:
    """The chart in the look of all of them."""
    return (
        chart.configure(font=FONT, background="white", padding=8)
        .configure_view(strokeWidth=0)
        .configure_title(
            anchor="start", fontSize=13, fontWeight=600, color=INK, subtitleColor="#5d6b7a", subtitleFontSize=11
        )
        .configure_axis(
            gridColor="#eee", domainColor="#999", tickColor="#999", labelColor=INK, titleColor=INK,
            titleFontWeight=400,
        )
        .configure_legend(labelColor=INK, symbolType="stroke", symbolStrokeWidth=3)
    )  # fmt: skip
