"""The drawer: one answer in full, opened from any number, square or tick that stands for it. One for a whole notebook.

It is never an output of a cell: its front end listens for clicks on links that answer_links.py writes, so outputs stay
plain HTML that survives saving, and a kernel that is gone leaves dead links, not a broken page. What it shows goes over
as messages, which no notebook saves.
"""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget

from byok_bench.checks.rule_pages import load_rule_page
from byok_bench.report.answer_details import AnswerDetails, make_answer_details
from byok_bench.report.answer_html import TITLES, load_answer_css, render_sections, render_title
from byok_bench.runs.results import Run

HERE = Path(__file__).parent


class AnswerDrawer(anywidget.AnyWidget):
    """`find_drawer()` gives the one there is."""

    _esm = "".join((HERE / name).read_text("utf-8") for name in ("table_sorting.js", "answer_drawer.js"))
    _css = load_answer_css() + (HERE / "answer_drawer.css").read_text("utf-8")

    def __init__(self) -> None:
        super().__init__()
        self._runs: dict[str, Run] = {}
        self.on_msg(self._receive)

    def add_run(self, run: Run) -> None:
        """Let answers of this run be opened."""
        self._runs[run.id] = run

    def show_answers(self, run: Run, exchange_ids: Sequence[int], at: int = 0, offset: int | None = None) -> None:
        """Show one of some answers of a run; ↑ and ↓ go to the others. `offset`: the byte to begin at."""
        self.add_run(run)
        self._show(run.id, list(exchange_ids), at, offset=offset)

    def _receive(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """A front end asks: for an answer, for its bytes, for the page of a rule."""
        kind = content.get("kind") if isinstance(content, dict) else None
        if kind == "open" and content["run"] in self._runs:
            self._show(content["run"], content["answers"], content["at"], content.get("check", ""))
        elif kind == "save":
            exchange = self._runs[content["run"]].find_exchange(content["answer"])
            body = b"" if exchange is None else exchange.reading.body.data
            self.send({"kind": "bytes", "name": f"{content['run']}-{content['answer']}.bin"}, [body])
        elif kind == "rule":
            self.send({"kind": "rule", "check": content["check"], "text": load_rule_page(content["check"])})

    def _show(self, run_id: str, exchange_ids: list[int], at: int, check: str = "", offset: int | None = None) -> None:
        details = make_answer_details(self._runs[run_id], exchange_ids[at], offset)
        if offset is None:
            flagged = (one.offset for one in details.flags if one.check == check and one.offset is not None)
            offset = next(flagged, None)
        self.send({"kind": "answer", "answers": exchange_ids, "at": at, **make_message(details, offset)})


def make_message(details: AnswerDetails, offset: int | None = None) -> dict[str, Any]:
    """What goes to the front end: the rendered sections, what its buttons need, and the byte to begin at."""
    return {
        "run": details.run_id,
        "answer": details.exchange_id,
        "title": render_title(details),
        "tone": details.tone,
        "titles": TITLES,
        "sections": render_sections(details),
        "curl": details.curl,
        "offset": offset,
    }


@functools.cache
def find_drawer() -> AnswerDrawer:
    """The drawer of this process."""
    return AnswerDrawer()
