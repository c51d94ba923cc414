"""Axes of time: from zero on, or logarithmic where what is compared lies too far apart for that."""

from collections.abc import Sequence
from typing import Final

import altair as alt

FAR_APART: Final = 20
"""Largest over smallest value from which an axis is logarithmic."""
MARKS: Final = tuple(digit * 10.0**power for power in range(-4, 8) for digit in (1, 2, 5))


def make_time_axis(values: Sequence[float], title: str | None) -> alt.X:
    """The axis of a column `ms`; `values` are what is drawn on it. Without a title it has no labels either."""
    apart = len(values) > 0 and min(values) > 0 and max(values) / min(values) > FAR_APART
    if not apart:
        return alt.X(
            "ms:Q",
            title=title,
            scale=alt.Scale(domain=[0, max(values, default=1.0)], nice=True),
            axis=alt.Axis(tickCount=6, labels=title is not None),
        )
    low = max(mark for mark in MARKS if mark <= min(values))
    high = min(mark for mark in MARKS if mark >= max(values))
    shown = [mark for mark in MARKS if low <= mark <= high]
    scale = alt.Scale(type="log", domain=[low, high], nice=False, clamp=True)
    return alt.X(
        "ms:Q",
        title=title and f"{title} (logarithmic)",
        scale=scale,
        axis=alt.Axis(values=shown, labels=title is not None),
    )
