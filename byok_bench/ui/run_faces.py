"""What there is to see of a run, part by part: verdicts and tables, findings, errors, timelines.

Each is a widget among others, and alone in a cell plain HTML, which is still there when the kernel is not.
"""

from abc import ABCMeta, abstractmethod
from typing import Any

import msgspec
from ipywidgets import HTML

from byok_bench.report.answer_details import AnswerDetails, make_answer_details
from byok_bench.report.answer_html import load_answer_css, render_legend, render_timeline
from byok_bench.report.answer_index import find_worst_answer
from byok_bench.report.card_html import render_run_cards
from byok_bench.report.table_text import TITLES
from byok_bench.runs.results import TABLES, Run
from byok_bench.ui.answer_links import render_answer_link
from byok_bench.ui.errors_view import render_failures
from byok_bench.ui.findings_view import render_findings
from byok_bench.ui.html_table import escape_lines, render_small_print
from byok_bench.ui.results_view import render_results

NOTHING = render_small_print("Nothing was run yet.")


class _AbstractWidget(type(HTML), ABCMeta):  # type: ignore[misc]
    """Of widgets with a method that each kind has to have."""


class RunFace(HTML, metaclass=_AbstractWidget):  # type: ignore[misc]
    """A part of a run as HTML; `show(run)` shows another one."""

    def __init__(self, run: Run | None = None) -> None:
        super().__init__(value=NOTHING)
        if run is not None:
            self.show(run)

    def show(self, run: Run) -> None:
        """Show this run."""
        self.value = f"<div style='line-height:1.5'>{self._render(run)}</div>"

    @abstractmethod
    def _render(self, run: Run) -> str:
        """The run as HTML."""

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """Alone in a cell it is no widget: HTML stays readable without a kernel, and on GitHub."""
        return {"text/html": self.value, "text/plain": f"{type(self).__name__} of a run"}


class Results(RunFace):
    """Which endpoint to take, a card each, and the tables."""

    def _render(self, run: Run) -> str:
        tables = "".join(
            f"<details{' open' if name == 'latency' else ''}><summary style='cursor:pointer;font-weight:600'>"
            f"{TITLES[name]}</summary>{render_results(run, name).data}</details>"
            for name in TABLES
            if name in TITLES
        )
        return f"{render_run_cards(run)}{tables}"


class Findings(RunFace):
    """The rules that were broken, each with its evidence."""

    def _render(self, run: Run) -> str:
        return str(render_findings(run).data)


class Errors(RunFace):
    """What failed, and what a client should do."""

    def _render(self, run: Run) -> str:
        return str(render_failures(run).data)


class Timeline(RunFace):
    """Each endpoint's worst answer to one scenario on one axis; `scenario` None: the one that streams most."""

    def __init__(self, run: Run | None = None, scenario: str | None = None) -> None:
        self.scenario = scenario
        super().__init__(run)

    def _render(self, run: Run) -> str:
        scenario = self.scenario or _choose_scenario(run)
        found = [find_worst_answer(run, target, scenario) for target in range(len(run.plan.targets))]
        answers = [make_answer_details(run, one) for one in found if one is not None]
        drawn = [one for one in answers if one.timeline.spans]
        if not drawn:
            return render_small_print("No answer was recorded.")
        start = min(one.timeline.start_ms for one in drawn)
        end = max(one.timeline.end_ms for one in drawn)
        lines = "".join(_render_answer(run, one, start, end) for one in drawn)
        about = f"The worst answer of each endpoint to {scenario}, all on one axis; a name opens it."
        legend = render_legend([one.timeline for one in drawn])
        page = f"{render_small_print(about)}<div class='byok-answer'>{lines}{legend}</div>"
        return f"<style>{load_answer_css()}</style>{page}"


def _render_answer(run: Run, details: AnswerDetails, start_ms: float, end_ms: float) -> str:
    line = msgspec.structs.replace(details.timeline, start_ms=start_ms, end_ms=end_ms)
    name = render_answer_link(details.target, run, [details.exchange_id], about="open the answer")
    return (
        f"<p style='margin:8px 0 0'><b>{name}</b> {escape_lines(details.sentence)}</p>"
        f"{render_timeline(line, details.flags, f'{details.target}: {details.sentence}')}"
    )


def _choose_scenario(run: Run) -> str:
    """The scenario with the answers of most chunks."""
    rows = [row for row in run.rows if not row.wants_failure and not row.is_warmup]
    return max(rows, key=lambda row: row.chunks).scenario if rows else run.plan.scenarios[0].name
