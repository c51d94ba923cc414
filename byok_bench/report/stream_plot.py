"""Streams over time: how many pieces of an answer had arrived by when, and how it ended."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal, NamedTuple

import altair as alt
import pandas as pd

from byok_bench.dialects.exchange import Exchange
from byok_bench.report.evidence import name_targets
from byok_bench.report.plot_style import (
    BAD,
    WIDTH,
    apply_style,
    make_target_color,
    make_target_dash,
    shorten_names,
)
from byok_bench.report.selections import Selection, select_measured
from byok_bench.report.time_axis import make_time_axis
from byok_bench.runs.results import Run
from byok_bench.runs.row import Row

ROW_HEIGHT: Final = 64
MOST_OPENED: Final = 500
"""Exchanges of a run that are opened to find the worst."""
COMPLETE: Final = "complete"
_MS: Final = "ms since the request was written"


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

    @property
    def badness(self) -> tuple[bool, float]:
        """What failed is worse than what did not, what took longer worse than what was quicker."""
        return self.ended != COMPLETE, self.end_ms


def draw_streams(run: Run, scenario: str | None = None, repeat: int | Literal["every"] | None = None) -> Any:
    """Output deltas so far against ms since the request was written, a row a target, all on one axis of time.

    `scenario` is the one with the longest streams if not named. `repeat` is the worst of each target if not named:
    one that failed, else the slowest. A cross is where an answer failed; a stair is a packet of several deltas.
    """
    scenario, streams = _select_streams(run, scenario, repeat)
    if not streams:
        return apply_style(alt.Chart(pd.DataFrame({"x": []}), title="No stream to draw").mark_point())
    which = {"every": "every repeat", None: "the worst repeat of each"}.get(repeat, f"repeat {repeat}")  # type: ignore[arg-type]
    title = alt.Title(f"One answer over time: {scenario}, {which}", subtitle="deltas with output so far; ✕ failed")
    return apply_style(_draw_rows(streams, run).properties(title=title))


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
    streamed = select_measured(run).select("streamed", True).select("turn", 1).select("stage", 0)
    if scenario is None:
        longest = {
            name: max(some.list_numbers("deltas"), default=0) for (name,), some in streamed.split("scenario").items()
        }
        scenario = max(sorted(longest), key=lambda name: longest[name], default="")
    names = name_targets(run)
    found: list[Stream] = []
    for row in _list_candidates(run, streamed.select("scenario", scenario), repeat):
        exchange = run.find_exchange(row.exchange_id)
        if exchange is not None:
            points = list_delta_points(exchange)
            end = max(_compute_end_ms(exchange), points[-1]["ms"] if points else 0.0)
            found.append(Stream(names[row.target], row.repeat, points, end, row.kind or COMPLETE))
    return scenario, found if repeat is not None else _take_worst(found)


def _list_candidates(run: Run, streamed: Selection, repeat: int | Literal["every"] | None) -> Iterator[Row]:
    """The rows of streams to open: of each target's very many, the one that is the worst by its figures."""
    if repeat is None and len(streamed) > MOST_OPENED:
        rows = (run.find_row(_find_worst(some)) for some in streamed.split("target").values())
        yield from (row for row in rows if row is not None)
        return
    ids = set(map(int, streamed.list_numbers("exchange_id")))
    yield from (row for row in run.iterate_rows() if row.exchange_id in ids and repeat in (None, "every", row.repeat))


def _find_worst(streamed: Selection) -> int:
    """The exchange that took longest, of those that failed if any did."""
    bad = streamed.drop("kind", None)
    asked = bad if len(bad) else streamed
    timed = asked.drop_missing("e2e_ms")
    if not len(timed):
        return int(asked.list_numbers("exchange_id")[0])
    return int(max(zip(timed.list_numbers("e2e_ms"), timed.list_numbers("exchange_id"), strict=True))[1])


def _take_worst(found: Sequence[Stream]) -> list[Stream]:
    worst: dict[str, Stream] = {}
    for stream in found:
        if stream.target not in worst or stream.badness > worst[stream.target].badness:
            worst[stream.target] = stream
    return list(worst.values())


def _compute_end_ms(exchange: Exchange) -> float:
    """Request written → end, ms."""
    phases = exchange.raw.phases
    end = phases.done or phases.end
    return 0.0 if phases.written is None or end is None else (end - phases.written) / 1e6


def _draw_rows(streams: Sequence[Stream], run: Run) -> Any:
    """A row of stairs a target, and how each answer ended."""
    names = name_targets(run)
    short = shorten_names(names)
    drawn = [name for name in names if any(stream.target == name for stream in streams)]
    times = [point["ms"] for stream in streams for point in stream.points[1:]] + [stream.end_ms for stream in streams]
    drawn_ms = [ms for ms in times if ms > 0]
    panels = [
        _draw_row(
            [stream for stream in streams if stream.target == name],
            short[name],
            make_time_axis(drawn_ms, _MS if name == drawn[-1] else None),
            run,
        )
        for name in drawn
    ]
    return alt.vconcat(*panels, spacing=6)


def _draw_row(streams: Sequence[Stream], label: str, x: alt.X, run: Run) -> Any:
    steps = [
        {"target": s.target, "repeat": s.repeat, **point} for s in streams for point in s.points if point["ms"] > 0
    ]
    ends = [
        {"target": s.target, "repeat": s.repeat, "ms": max(s.end_ms, 0.001), "deltas": s.deltas, "ended": s.ended}
        for s in streams
    ]
    title = alt.Axis(title=label, titleAngle=0, titleAlign="right", titleLimit=220, tickCount=2, tickMinStep=1)
    y = alt.Y("deltas:Q", axis=title, scale=alt.Scale(domainMin=0))
    color, dash = make_target_color(run), make_target_dash(run)
    tooltip = ["target:N", "repeat:Q", "ended:N", "ms:Q", "deltas:Q"]
    stairs = alt.Chart(pd.DataFrame(steps, columns=["target", "repeat", "ms", "deltas"])).encode(x=x, y=y, color=color)
    ended = alt.Chart(pd.DataFrame(ends)).encode(x=x, y=y, tooltip=tooltip)
    complete = ended.transform_filter(f"datum.ended == '{COMPLETE}'")
    failed = ended.transform_filter(f"datum.ended != '{COMPLETE}'")
    return alt.layer(
        stairs.mark_line(interpolate="step-after", strokeWidth=1.8).encode(
            detail="repeat:N", strokeDash=dash, tooltip=["target:N", "repeat:Q", "ms:Q", "deltas:Q"]
        ),
        complete.mark_point(filled=True, size=45, opacity=1).encode(color=color),
        failed.mark_point(shape="cross", angle=45, filled=True, size=110, color=BAD, opacity=1),
        failed.mark_text(align="left", dx=9, dy=-6, color=BAD).encode(text="ended:N"),
    ).properties(width=WIDTH, height=ROW_HEIGHT)
