"""What there is to see of a run, part by part: verdicts and tables, findings, errors.

Each is a widget among others, and alone in a cell plain HTML, which is still there when the kernel is not.
"""

from abc import ABCMeta, abstractmethod
from functools import partial
from typing import Any

from ipywidgets import HTML

from byok_bench.report.card_html import render_run_cards
from byok_bench.report.table_text import TITLES
from byok_bench.report.verdict_cards import Clause
from byok_bench.runs.results import TABLES, Run
from byok_bench.ui.answer_links import render_answer_link
from byok_bench.ui.errors_view import render_failures
from byok_bench.ui.findings_view import render_findings
from byok_bench.ui.html_table import render_small_print
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
        return f"{render_run_cards(run, partial(_render_evidence_link, run))}{tables}"


def _render_evidence_link(run: Run, clause: Clause) -> str:
    return render_answer_link(clause.text, run, clause.evidence, about="open the answers")


class Findings(RunFace):
    """The rules that were broken, each with its evidence."""

    def _render(self, run: Run) -> str:
        return str(render_findings(run).data)


class Errors(RunFace):
    """What failed, and what a client should do."""

    def _render(self, run: Run) -> str:
        return str(render_failures(run).data)
