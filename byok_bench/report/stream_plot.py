"""Streams over time: how many pieces of an answer had arrived by when, and how it ended."""

from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple

import altair as alt
import pandas as pd

from byok_bench.dialects.exchange import Exchange
from byok_bench.report.evidence import name_targets
from byok_bench.report.frames import make_exchange_frame
from byok_bench.report.plot_style import BAD, HEIGHT, WIDTH, apply_style, make_target_color
from byok_bench.runs.results import Run

PANEL_WIDTH: Final = 218
PANEL_HEIGHT: Final = 165
PANELS: Final = 3
"""Panels side by side."""
ONE_AXIS: Final = 6
"""Longest over shortest stream up to which all share one axis of time; beyond it each target has a panel."""
ROOM_ABOVE: Final = 1.08
"""So that no label of the axis stands out over a panel and moves its title."""
NO_DELTAS: Final = 4
"""How far the axis goes where nothing came."""
_MS: Final = "ms since the request was written"
_DELTAS: Final = "output deltas so far"
COMPLETE: Final = "complete"


class Stream(NamedTuple):
    """One exchange as it is drawn."""

    target: str
    repeat: int
    points: list[dict[str, Any]]
    end_ms: float
    ended: str
    """`complete`, or the failure's kind."""

    @property
    def deltas(self) -> int:
        """Deltas with output."""
        return int(self.points[-1]["deltas"]) if self.points else 0


def draw_streams(run: Run, scenario: str | None = None, repeat: int | Literal["every"] | None = None) -> Any:
    """Output deltas so far against ms since the request was written; a cross is where an answer failed.

    `scenario` is the one with the longest streams if not named, `repeat` the first in which most targets streamed.
    Targets whose streams take about as long share one plot, others have a panel each. A stair is a packet of several
    deltas.
    """
    scenario, streams = _select_streams(run, scenario, repeat)
    if not streams:
        return apply_style(alt.Chart(pd.DataFrame({"x": []}), title="No stream to draw").mark_point())
    which = "every repeat" if repeat == "every" else f"repeat {streams[0].repeat}"
    title = f"One answer over time: {scenario}, {which}"
    took = [stream.end_ms for stream in streams if stream.deltas]
    if not took or max(took) <= ONE_AXIS * min(took):
        legend = alt.Legend(orient="bottom", labelLimit=0, columns=4)
        return apply_style(_draw_stairs(streams, run, legend).properties(title=title, width=WIDTH, height=HEIGHT))
    by_name = {name: [stream for stream in streams if stream.target == name] for name in name_targets(run)}
    panels = [_draw_panel(name, mine, run) for name, mine in by_name.items() if mine]
    heading = alt.Title(title, offset=14)
    return apply_style(alt.concat(*panels, columns=PANELS, bounds="flush", spacing=64, title=heading))


def list_delta_points(exchange: Exchange) -> list[dict[str, Any]]:
    """One point a delta that carried output; the first point is the start of the wait."""
    written = exchange.raw.phases.written
    marks = exchange.reading.marks
    if written is None or not marks:
        return []
    stamps = list({event: t_ns for t_ns, _, event in marks}.values())
    return [{"ms": 0.0, "deltas": 0}] + [
        {"ms": round((stamp - written) / 1e6, 3), "deltas": number} for number, stamp in enumerate(stamps, 1)
    ]


def _select_streams(run: Run, scenario: str | None, repeat: int | Literal["every"] | None) -> tuple[str, list[Stream]]:
    """Of which scenario, and what there is to draw."""
    rows = make_exchange_frame(run)
    rows = rows[rows["streamed"] & (rows["repeat"] > 0) & (rows["turn"] == 1) & (rows["stage"] == 0)]
    if scenario is None and len(rows):
        scenario = str(rows.groupby("scenario")["deltas"].max().idxmax())
    rows = rows[rows["scenario"] == scenario]
    if repeat is None and len(rows):
        repeat = int(str((rows["deltas"] > 0).groupby(rows["repeat"]).sum().idxmax()))
    names = name_targets(run)
    found = []
    for _, row in (rows if repeat == "every" else rows[rows["repeat"] == repeat]).iterrows():
        exchange = run.find_exchange(int(row["exchange_id"]))
        if exchange is not None:
            points = list_delta_points(exchange)
            end = max(_compute_end_ms(exchange), points[-1]["ms"] if points else 0.0)
            ended = COMPLETE if pd.isna(row["kind"]) else str(row["kind"])
            found.append(Stream(names[int(row["target"])], int(row["repeat"]), points, end, ended))
    return scenario or "", found


def _compute_end_ms(exchange: Exchange) -> float:
    """Request written → end, ms."""
    phases = exchange.raw.phases
    end = phases.done or phases.end
    return 0.0 if phases.written is None or end is None else (end - phases.written) / 1e6


def _draw_panel(name: str, streams: Sequence[Stream], run: Run) -> Any:
    title = alt.Title(name, subtitle=_describe_endings(streams))
    return _draw_stairs(streams, run, None).properties(title=title, width=PANEL_WIDTH, height=PANEL_HEIGHT)


def _draw_stairs(streams: Sequence[Stream], run: Run, legend: alt.Legend | None) -> Any:
    """Stairs, and how each ended."""
    steps = [{"target": s.target, "repeat": s.repeat, **point} for s in streams for point in s.points]
    ends = [
        {"target": s.target, "repeat": s.repeat, "ms": s.end_ms, "deltas": s.deltas, "ended": s.ended} for s in streams
    ]
    longest, most = max(s.end_ms for s in streams), max(s.deltas for s in streams)
    times = alt.Scale(domain=[0, longest or 1.0], nice=True)
    x = alt.X("ms:Q", title=_MS, scale=times, axis=alt.Axis(tickCount=5))
    counts = alt.Scale(domain=[0, ROOM_ABOVE * (most or NO_DELTAS)], nice=False)
    y = alt.Y("deltas:Q", title=_DELTAS, scale=counts, axis=alt.Axis(tickMinStep=1, tickCount=6))
    color = make_target_color(run, legend)
    stairs = alt.Chart(pd.DataFrame(steps, columns=["target", "repeat", "ms", "deltas"]))
    ended = alt.Chart(pd.DataFrame(ends)).encode(
        x=x, y=y, tooltip=["target:N", "repeat:Q", "ended:N", "ms:Q", "deltas:Q"]
    )
    complete = ended.transform_filter(f"datum.ended == '{COMPLETE}'")
    failed = ended.transform_filter(f"datum.ended != '{COMPLETE}'")
    return alt.layer(
        stairs.mark_line(interpolate="step-after", strokeWidth=1.8).encode(x=x, y=y, color=color, detail="repeat:N"),
        complete.mark_point(filled=True, size=45, opacity=1).encode(color=color),
        failed.mark_point(shape="cross", angle=45, filled=True, size=110, color=BAD, opacity=1),
        failed.mark_text(align="right", dx=-9, dy=-8, color=BAD).encode(text="ended:N"),
    )


def _describe_endings(streams: Sequence[Stream]) -> str:
    """How the streams of one panel ended."""
    first = streams[0]
    if len(streams) > 1:
        return f"{len(streams)} answers, {sum(s.ended == COMPLETE for s in streams)} complete"
    ended = "" if first.ended == COMPLETE else f", {first.ended}"
    if not first.points:
        return f"no output{ended} after {first.end_ms:.3g} ms"
    return f"{first.deltas} deltas from {first.points[1]['ms']:.0f} to {first.end_ms:.0f} ms{ended}"
