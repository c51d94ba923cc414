"""Interactive plots in a notebook without a network.

JupyterLab bundles an older Vega-Lite than altair writes for, and altair's HTML renderer loads from a CDN; the
widget with a bundle of its own shows the chart as it is, offline.
"""

import altair as alt


def make_chart_widget(chart: alt.Chart) -> alt.JupyterChart:
    """The chart as a widget whose JavaScript comes with altair's own packages."""
    alt.JupyterChart.enable_offline()
    return alt.JupyterChart(chart)
