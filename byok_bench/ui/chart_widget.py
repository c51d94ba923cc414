"""Plots in a notebook without a network: as a picture that stays, or as a widget that zooms.

JupyterLab bundles an older Vega-Lite than altair writes for, and altair's HTML renderer loads from a CDN.
"""

from html import escape

import altair as alt
from IPython.display import HTML

from byok_bench.report.plots import to_page_svg


def render_chart(chart: alt.Chart) -> HTML:
    """The chart as SVG in the page, in the colours of its theme; each mark tells under the pointer what it is.

    It is saved with the notebook, and there when the kernel is not.
    """
    drawn = chart.to_dict().get("title", "")
    title = drawn.get("text", "") if isinstance(drawn, dict) else drawn
    return HTML(  # type: ignore[no-untyped-call]
        f"<figure role='img' aria-label='{escape(str(title), quote=True)}' style='margin:8px 0;max-width:60rem'>"
        f"{to_page_svg(chart, has_tips=True)}</figure>"
    )


def make_chart_widget(chart: alt.Chart) -> alt.JupyterChart:
    """The chart as a widget whose JavaScript comes with altair's own packages; it needs a kernel to be seen."""
    alt.JupyterChart.enable_offline()
    return alt.JupyterChart(chart)
