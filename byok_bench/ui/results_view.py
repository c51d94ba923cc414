"""Tables of a run in a notebook: the columns that fit a page, with their caption. `run.table` has all of them."""

from collections.abc import Mapping
from functools import partial

from IPython.display import HTML

from byok_bench.report.answer_index import list_answers_behind
from byok_bench.report.columns import get_heading
from byok_bench.report.heat_map import MAPS
from byok_bench.report.pivots import METRICS, make_pivot
from byok_bench.report.run_notes import list_run_notes
from byok_bench.report.table_parts import Line
from byok_bench.report.table_text import (
    CAPTIONS,
    LEGEND,
    NA,
    describe_folded_columns,
    find_alarming_columns,
    render_narrow_lines,
)
from byok_bench.report.tables import list_table_lines
from byok_bench.runs.results import Run
from byok_bench.ui.answer_drawer import find_drawer
from byok_bench.ui.answer_links import render_answer_link
from byok_bench.ui.html_table import escape_lines, render_column_meanings, render_html_table, render_small_print
from byok_bench.ui.pivot_table import render_pivot_table


def render_results(run: Run, name: str = "summary") -> HTML:
    """One of the tables of `Run.table` as people read it; what a server said is escaped.

    Of latencies the endpoints are compared down a column first, and all columns stand behind a click.
    """
    find_drawer().add_run(run)  # it brings the script that sorts
    made = list_table_lines(run, name)
    table = render_narrow_lines(made, name)
    legend = render_small_print(LEGEND) if any(NA in line.values() for line in table) else ""
    told = "".join(f"<p>! {escape_lines(note)}</p>" for note in list_run_notes(run))
    folded = describe_folded_columns(made, name) if made else ""
    page = render_html_table(table, bad=find_alarming_columns, link=partial(_render_link, run), sortable=True)
    terms = render_column_meanings(table[0]) if table and name not in MAPS else ""
    page = f"{render_small_print(CAPTIONS[name])}{page}{render_small_print(folded) if folded else ''}{legend}{terms}"
    if name == "latency" and made:
        pivots = "".join(
            render_pivot_table(make_pivot(made, metric), partial(_render_failure_link, run)) for metric in METRICS
        )
        page = f"{pivots}<details><summary style='cursor:pointer'>All columns</summary>{page}</details>"
    return HTML(f"{page}{told}")  # type: ignore[no-untyped-call]


def _render_failure_link(run: Run, target: Line, scenario: str, text: str) -> str:
    """The count of failed answers of one cell; pressing it opens them."""
    line = {**target, "scenario": scenario}
    about = f"failed, {target['endpoint']}, {scenario}: open the answers"
    return render_answer_link(text, run, list_answers_behind(run, line, "failed"), about=about)


def _render_link(run: Run, line: Mapping[str, str], name: str) -> str:
    """A number that shows trouble opens the answers that it counts."""
    if "endpoint" not in line or name not in find_alarming_columns(line):
        return ""
    about = f"{get_heading(name)}, {line['endpoint']}: open the answers"
    return render_answer_link(line[name], run, list_answers_behind(run, line, name), about=about)
