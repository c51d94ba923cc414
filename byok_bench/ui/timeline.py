"""All answers to one prompt along time, beside each other: looked at, measured, raced.

What is drawn comes from report/stream_columns.py, as columns of numbers; texts of answers stay in the kernel, and the
drawer shows them.
"""

import base64
import uuid
from html import escape
from pathlib import Path
from typing import Any, Final

import anywidget
import msgspec
import traitlets
from IPython.display import display

from byok_bench.report.answer_html import SPAN_WORDS
from byok_bench.report.prompts import Prompt, choose_prompt, list_prompts
from byok_bench.report.stream_columns import HUES, StreamColumns, make_stream_columns, to_bytes
from byok_bench.report.stream_picture import describe_streams, render_streams_svg
from byok_bench.report.stream_selection import HEADS, measure_stretch, render_stretches
from byok_bench.report.table_text import render_cell
from byok_bench.runs.results import Run
from byok_bench.ui.answer_drawer import find_drawer
from byok_bench.ui.answer_links import render_answer_link
from byok_bench.ui.html_table import escape_lines, render_small_print

HERE: Final = Path(__file__).parent
MODULES: Final = ("columns", "painter", "race", "parts", "view", "input")
"""Files of the front end, in order; the last one, timeline.js, is the module that exports."""
NOTHING: Final = "Nothing was run yet."
COLUMNS: Final = ("firsts", "packet_us", "packet_offset", "packet_deltas", "spans", "stalls")
SUMMARY: Final = ("answer", "what happened", "first token, ms", "end, ms", "tokens", "packets", "stalls", "findings")


def load_front_end() -> str:
    """The ES module of the timeline."""
    names = [*(f"timeline_{name}" for name in MODULES), "timeline"]
    return "\n".join((HERE / f"{name}.js").read_text("utf-8") for name in names)


class Timeline(anywidget.AnyWidget):
    """Every answer to one prompt, all endpoints and repeats on one axis, from the request written on.

    * `scenario`, `sample`: the prompt at first; with no scenario the one whose answers have most deltas.
    * `baseline`: an earlier run, whose answers are drawn below those of the same endpoint as ghosts.

    Alone in a cell it also leaves a picture, which is there without a kernel and on GitHub. Raises PlanError for a
    scenario or sample that the run has not, with the nearest name.
    """

    _esm = load_front_end()
    _css = HERE / "timeline.css"

    hues = traitlets.Dict(HUES).tag(sync=True)
    words = traitlets.Dict(SPAN_WORDS).tag(sync=True)
    token = traitlets.Unicode("").tag(sync=True)
    """What the picture beside it is marked with."""
    prompts: Any = traitlets.List(traitlets.Unicode()).tag(sync=True)
    prompt = traitlets.Int(0).tag(sync=True)
    about = traitlets.Unicode(NOTHING).tag(sync=True)
    lanes: Any = traitlets.List().tag(sync=True)
    shown = traitlets.Int(0).tag(sync=True)
    flags: Any = traitlets.List().tag(sync=True)
    summary: Any = traitlets.List([[*SUMMARY], []]).tag(sync=True)
    """Heads and lines of the table that says the same in words."""
    firsts = traitlets.Bytes(bytes(4)).tag(sync=True)
    packet_us = traitlets.Bytes().tag(sync=True)
    packet_offset = traitlets.Bytes().tag(sync=True)
    packet_deltas = traitlets.Bytes().tag(sync=True)
    spans = traitlets.Bytes().tag(sync=True)
    stalls = traitlets.Bytes().tag(sync=True)
    revision = traitlets.Int(0).tag(sync=True)
    """Counts up when all the others are there."""

    def __init__(
        self,
        run: Run | None = None,
        scenario: str | None = None,
        sample: str | None = None,
        *,
        baseline: Run | None = None,
    ) -> None:
        super().__init__(token=uuid.uuid4().hex)
        self.scenario, self.sample, self.baseline = scenario, sample, baseline
        self._run: Run | None = None
        self._prompts: list[Prompt] = []
        self._columns = StreamColumns()
        self._loaded: int | None = None
        """Which prompt the columns are of."""
        self.on_msg(self._receive)
        self.observe(lambda _: self._load_prompt(), "prompt")
        if run is not None:
            self.show(run)

    def show(self, run: Run) -> None:
        """Show this run, and of it the prompt that was chosen before. Raises as it does when it is made."""
        before = None if self._loaded is None else self.prompts[self._loaded]
        chosen = choose_prompt(run, self.scenario, self.sample)
        self._run, self._prompts, self._loaded = run, list_prompts(run), None
        find_drawer().add_run(run)
        titles = [one.title for one in self._prompts]
        with self.hold_sync():
            self.prompts = titles
            self.prompt = titles.index(before) if before in titles else chosen or 0
            self._load_prompt()

    def render_picture(self) -> str:
        """What it shows as HTML that needs neither a kernel nor a script: a picture, and a table in words."""
        if self._run is None or not self._columns.shown:
            return render_small_print(self.about)
        return (
            f"{render_small_print(self.about)}{_render_image(self._columns, self.about)}"
            f"<details><summary style='cursor:pointer'>Answers as a table</summary>"
            f"{_render_summary(self._run, self._columns)}</details>"
        )

    def _ipython_display_(self) -> None:
        """The picture and the widget, which hides it: JupyterLab shows no other form of a widget that is gone."""
        page = f"<div data-byok-picture='{self.token}'>{self.render_picture()}</div>"
        bundle = {"text/html": page, "text/plain": f"Timeline of a run: {self.about}"}
        if self._columns.shown:
            bundle["image/svg+xml"] = render_streams_svg(self._columns, self.about)
        display(bundle, raw=True)  # type: ignore[no-untyped-call]
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        display({"application/vnd.jupyter.widget-view+json": view, "text/plain": ""}, raw=True)  # type: ignore[no-untyped-call]

    def _load_prompt(self) -> None:
        """The columns of the prompt that is chosen, unless they are there."""
        if self._run is None or self._loaded == self.prompt:
            return
        self._loaded = None
        if 0 <= self.prompt < len(self._prompts):
            self._loaded = self.prompt
            prompt = self._prompts[self.prompt]
            columns = make_stream_columns(self._run, prompt, self.baseline)
            self._send_columns(columns, describe_streams(columns, prompt, self.baseline))
        else:
            self._send_columns(StreamColumns(), "No answer was recorded.")

    def _send_columns(self, columns: StreamColumns, about: str) -> None:
        """To the front end, in one message."""
        self._columns = columns
        with self.hold_sync():
            self.about = about
            self.shown = columns.shown
            self.lanes = [msgspec.to_builtins(lane) for lane in columns.lanes]
            self.flags = [msgspec.to_builtins(flag) for flag in columns.flags]
            self.summary = [[*SUMMARY], _list_summary(columns)]
            for name in COLUMNS:
                self.set_trait(name, to_bytes(getattr(columns, name)))
            self.revision += 1

    def _receive(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """A front end asks: open an answer at a byte, measure a selection."""
        kind = content.get("kind") if isinstance(content, dict) else None
        if kind == "open" and self._run is not None and 0 <= content["lane"] < self._columns.shown:
            answers = [lane.exchange_id for lane in self._columns.lanes[: self._columns.shown]]
            find_drawer().show_answers(self._run, answers, at=content["lane"], offset=content["offset"])
        elif kind == "measure":
            self._measure(content["start"], content["end"], range(content["first"], content["last"] + 1))

    def _measure(self, start_us: int, end_us: int, lanes: range) -> None:
        within = [lane for lane in lanes if 0 <= lane < self._columns.shown]
        stretches = [measure_stretch(self._columns, lane, start_us, end_us) for lane in within]
        about = f"From {start_us / 1000:.1f} to {end_us / 1000:.1f} ms".replace("-", "−")
        self.send({"kind": "statistics", "about": about, "heads": list(HEADS), "rows": render_stretches(stretches)})


def _render_image(columns: StreamColumns, about: str) -> str:
    """The picture as an image: in a notebook that it does not trust, JupyterLab leaves of an SVG only its words."""
    data = base64.b64encode(render_streams_svg(columns, about).encode()).decode()
    alt = escape(about, quote=True)
    return f"<img alt='{alt}' style='max-width:100%' src='data:image/svg+xml;base64,{data}'>"


def _render_summary(run: Run, columns: StreamColumns) -> str:
    heads = "".join(f"<th scope='col' style='text-align:left'>{head}</th>" for head in SUMMARY)
    lines = []
    for lane, (name, *cells) in zip(columns.lanes, _list_summary(columns), strict=False):
        link = render_answer_link(name, run, [lane.exchange_id], about="open the answer")
        rest = "".join(f"<td style='text-align:left'>{escape_lines(cell)}</td>" for cell in cells)
        lines.append(f"<tr style='background:none'><th scope='row' style='text-align:left'>{link}</th>{rest}</tr>")
    return f"<table style='font-size:12px'><thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _list_summary(columns: StreamColumns) -> list[list[str]]:
    return [
        [
            lane.name,
            lane.sentence,
            render_cell(lane.ttft_ms),
            render_cell(lane.end_us / 1000),
            render_cell(lane.tokens),
            str(lane.packets),
            str(lane.stalls),
            str(sum(flag.lane == at for flag in columns.flags)),
        ]
        for at, lane in enumerate(columns.lanes[: columns.shown])
    ]
