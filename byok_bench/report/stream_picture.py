"""All answers to one prompt on one axis of time as an SVG: for outputs of notebooks, for pages, for GitHub.

It brings its colours along, which are read on white and on black, and needs no style sheet and no script.
"""

import re
from collections import Counter
from collections.abc import Iterator
from html import escape
from typing import Final

from byok_bench.report.answer_html import SPAN_WORDS
from byok_bench.report.prompts import Prompt
from byok_bench.report.stream_columns import HUES, KINDS, Lane, StreamColumns
from byok_bench.runs.results import Run

WIDTH: Final = 960
GUTTER: Final = 210
END: Final = 80
"""Room on the right for how long an answer took."""
TOP: Final = 24
ROW: Final = 26
LONGEST_NAME: Final = 32
MOST_ROWS: Final = 40
"""Of more answers the first of each endpoint are drawn, and the rest counted."""
MOST_TICKS: Final = 240
"""Ticks of a row: packets that would lie on one another are one tick."""
INK: Final = "#77828d"
MARKS: Final = {"error": "#d6453d", "warn": "#b7791f", "info": "#77828d"}
TONES: Final = {"good": INK, "finding": MARKS["warn"], "bad": MARKS["error"]}


def render_streams_svg(columns: StreamColumns, title: str) -> str:
    """The picture; `title` is what it shows, for those who cannot see it."""
    lanes = _choose_lanes(columns)
    bottom = TOP + len(lanes) * ROW
    more = columns.shown - len(lanes) + columns.left_out
    height = bottom + 44
    axis = _Axis(columns)
    shapes = [
        *_draw_axis(axis, bottom),
        *(shape for row, at in enumerate(lanes) for shape in _draw_row(columns, at, axis, TOP + row * ROW)),
        *_draw_legend(columns, bottom + 22),
    ]
    shapes += [_write(WIDTH, height - 4, f"and {more} answers more", anchor="end")] if more else []
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' width='{WIDTH}' height='{height}' "
        f"role='img' aria-label='{_escape(title)}' font-family='Verdana, DejaVu Sans, sans-serif' font-size='11' "
        f"style='max-width:100%;height:auto'>{''.join(shapes)}</svg>"
    )


def render_page_streams(columns: StreamColumns, title: str) -> str:
    """The picture for a page that has the colours `--bad` and `--warn`: in its ink, as wide as it has room."""
    drawn = render_streams_svg(columns, title)
    for own, of_page in ((INK, "currentColor"), (MARKS["error"], "var(--bad)"), (MARKS["warn"], "var(--warn)")):
        drawn = drawn.replace(f"'{own}'", f"'{of_page}'")
    head, end, shapes = drawn.partition(">")
    return re.sub(r" (role|aria-label|width|height|style)='[^']*'", "", head) + end + shapes


def describe_streams(columns: StreamColumns, prompt: Prompt, baseline: Run | None = None) -> str:
    """What the picture shows, in words: of which prompt, how much of everything, and what is left out."""
    lanes = columns.lanes[: columns.shown]
    counts = {
        "answer": len(lanes),
        "packet": sum(lane.packets for lane in lanes),
        "stall": sum(lane.stalls for lane in lanes),
        "finding": len(columns.flags),
    }
    told = ", ".join(f"{number:_} {word}{'' if number == 1 else 's'}" for word, number in counts.items())
    told = told.replace("_", "\u00a0")
    left_out = f" {columns.left_out} answers more are left out." if columns.left_out else ""
    ghosts = f" Ghosts are of run {baseline.id}." if baseline is not None and len(columns.lanes) > len(lanes) else ""
    return f"{prompt.title}: {told}; all begin when their request was written.{left_out}{ghosts}"


class _Axis:
    """µs → x."""

    def __init__(self, columns: StreamColumns) -> None:
        lanes = columns.lanes[: columns.shown]
        self.start_us = min((lane.start_us for lane in lanes), default=0)
        self.end_us = max((lane.end_us for lane in lanes), default=1)

    def find_x(self, at_us: int) -> float:
        return GUTTER + (WIDTH - GUTTER - END) * (at_us - self.start_us) / max(self.end_us - self.start_us, 1)


def _draw_axis(axis: _Axis, bottom: int) -> Iterator[str]:
    for at_us in (0, axis.end_us):
        x = axis.find_x(at_us)
        yield f"<path d='M{x:.1f} {TOP - 4}V{bottom}' stroke='{INK}' stroke-opacity='.35'/>"
        yield _write(x, TOP - 9, f"{at_us / 1000:.{1 if at_us else 0}f} ms", anchor="middle")


def _choose_lanes(columns: StreamColumns) -> list[int]:
    """The lanes that are drawn: of every endpoint as many as of any other, as far as there is room."""
    before: Counter[str] = Counter()
    ranks = []
    for at, lane in enumerate(columns.lanes[: columns.shown]):
        ranks.append((before[lane.endpoint], at))
        before[lane.endpoint] += 1
    return sorted(at for _, at in sorted(ranks)[:MOST_ROWS])


def _draw_row(columns: StreamColumns, at: int, axis: _Axis, y: int) -> Iterator[str]:
    lane = columns.lanes[at]
    yield _write(GUTTER - 8, y + 13, _shorten_name(lane), anchor="end")
    for at_span in range(0, len(columns.spans), 4):
        of, kind, start_us, end_us = columns.spans[at_span : at_span + 4]
        if of == at:
            x, width = axis.find_x(start_us), axis.find_x(end_us) - axis.find_x(start_us)
            told = f"{SPAN_WORDS[KINDS[kind]]} {(end_us - start_us) / 1000:.1f} ms"
            yield (
                f"<rect x='{x:.1f}' y='{y + 2}' width='{max(width, 0.5):.1f}' height='11' fill='{HUES[KINDS[kind]]}'>"
                f"<title>{told}</title></rect>"
            )
    yield _draw_ticks(columns, at, axis, y)
    yield from _draw_marks(columns, at, axis, y)
    yield _write(axis.find_x(lane.end_us) + 6, y + 12, _describe_end(lane), color=TONES[lane.tone])


def _draw_ticks(columns: StreamColumns, at: int, axis: _Axis, y: int) -> str:
    """All ticks of a row as one path."""
    step = (WIDTH - GUTTER - END) / MOST_TICKS
    packets = columns.packet_us[columns.firsts[at] : columns.firsts[at + 1]]
    places = {round((axis.find_x(one) - GUTTER) / step): axis.find_x(one) for one in reversed(packets)}
    return f"<path d='{''.join(f'M{x:.1f} {y + 14}v6' for x in places.values())}' stroke='{INK}'/>" if places else ""


def _draw_marks(columns: StreamColumns, at: int, axis: _Axis, y: int) -> Iterator[str]:
    """Silences, and a flag a finding."""
    for at_stall in range(0, len(columns.stalls), 3):
        of, start_us, end_us = columns.stalls[at_stall : at_stall + 3]
        if of == at:
            told = f"<title>{(end_us - start_us) / 1000:.0f} ms of silence</title>"
            line = f"M{axis.find_x(start_us):.1f} {y + 21.5}H{axis.find_x(end_us):.1f}"
            yield f"<path d='{line}' stroke='{MARKS['warn']}' stroke-width='3'>{told}</path>"
    for flag in columns.flags:
        if flag.lane == at:
            told = f"<title>{_escape(f'{flag.check}: {flag.message}')}</title>"
            color = MARKS.get(flag.severity, INK)
            yield f"<path d='M{axis.find_x(flag.at_us):.1f} {y + 14}l4 8h-8z' fill='{color}'>{told}</path>"


def _draw_legend(columns: StreamColumns, y: int) -> Iterator[str]:
    used = [at for at in range(len(KINDS)) if at in set(columns.spans[1::4])]
    for place, at in enumerate(used):
        x = GUTTER + place * 100
        yield f"<rect x='{x}' y='{y - 9}' width='10' height='10' fill='{HUES[KINDS[at]]}'/>"
        yield _write(x + 15, y, SPAN_WORDS[KINDS[at]])


def _describe_end(lane: Lane) -> str:
    return f"{'✔' if lane.tone == 'good' else '▲' if lane.tone == 'finding' else '✘'} {lane.end_us / 1000:.0f} ms"


def _shorten_name(lane: Lane) -> str:
    """Its endpoint by both ends where it is long, and the repeat whole."""
    endpoint, repeat = lane.endpoint, lane.name.removeprefix(lane.endpoint)
    room = LONGEST_NAME - len(repeat)
    short = endpoint if len(endpoint) <= room else f"{endpoint[: room - 8]}…{endpoint[-7:]}"
    return f"{short}{repeat}"


def _write(x: float, y: float, text: str, *, anchor: str = "start", color: str = INK) -> str:
    return f"<text x='{x:.1f}' y='{y}' text-anchor='{anchor}' fill='{color}'>{_escape(text)}</text>"


def _escape(text: str) -> str:
    return escape(text, quote=True)
