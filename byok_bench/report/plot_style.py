"""How every plot looks: sizes, colours, fonts. One colour a target, the same in all plots of a run.

Ink, lines and background are those of the page or the notebook around a plot, light or dark: a chart itself is
transparent, with greys that are read on both; `to_page_svg` takes the page's own ink.
"""

from collections.abc import Sequence
from typing import Any, Final

import altair as alt

from byok_bench.report.evidence import name_targets
from byok_bench.runs.results import Run

WIDTH: Final = 760
"""Of the plotting area, without labels: with them a cell of 1000 px is filled."""
PALETTE: Final = (
    "#3b82b8", "#d1702b", "#4d9a58", "#8f74c9", "#a68a2f", "#3fa3a3", "#c25b9a", "#7f8fa6", "#6aa121", "#9c6b4f",
    "#5a7fd6", "#b0813a",
)  # fmt: skip
"""Twelve colours that are told apart on white and on black."""
DASHES: Final = ([1, 0], [6, 3], [2, 2])
"""Behind the twelfth target colours come again, dashed."""
BAD: Final = "#d6453d"
"""What failed; no target has it."""
INK: Final = "#77828d"
"""Read on white (3.9 : 1) and on black."""
GRID: Final = "#8d98a333"
LABEL: Final = 24
"""Characters of a target's name beside an axis; the rest is in the tooltip."""
# Wide fonts, and measured as such: with a narrower one at hand nothing overlaps or is cut off.
FONT: Final = "Verdana, DejaVu Sans, sans-serif"


def shorten_names(names: Sequence[str]) -> dict[str, str]:
    """Name → how it is written beside an axis: 24 characters at most, and still different from the others."""
    shown: dict[str, str] = {}
    for name in names:
        text = name if len(name) <= LABEL else f"{name[: LABEL - 8]}…{name[-7:]}"
        number = 2
        while text in shown.values():
            text = f"{text[: LABEL - 3]} {number}"
            number += 1
        shown[name] = text
    return shown


def make_target_color(run: Run, *, named_below: bool = False) -> alt.Color:
    """The colour of a target; a legend below where the name of each does not stand beside what is drawn."""
    names = name_targets(run)
    colors = [PALETTE[at % len(PALETTE)] for at in range(len(names))]
    below = alt.Legend(orient="bottom", title=None, labelLimit=180, columns=4, symbolType="stroke", labelColor=INK)
    scale = alt.Scale(domain=names, range=colors)
    return alt.Color("target:N", title=None, scale=scale, legend=below if named_below else None)


def make_target_dash(run: Run) -> alt.StrokeDash:
    """Whole lines for the first twelve targets, dashes behind."""
    names = name_targets(run)
    dashes = [DASHES[min(at // len(PALETTE), len(DASHES) - 1)] for at in range(len(names))]
    return alt.StrokeDash("target:N", scale=alt.Scale(domain=names, range=dashes), legend=None)


def apply_style(chart: Any) -> Any:
    """The chart in the look of all of them."""
    return (
        chart.configure(font=FONT, background="transparent", padding=8)
        .configure_view(strokeWidth=0)
        .configure_title(anchor="start", fontSize=13, fontWeight=600, color=INK, subtitleColor=INK, subtitleFontSize=11)
        .configure_axis(
            gridColor=GRID, domainColor=INK, tickColor=INK, labelColor=INK, titleColor=INK, titleFontWeight=400
        )
        .configure_header(labelColor=INK, labelFontSize=11)
    )
