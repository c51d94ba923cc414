"""Tables of a run in a notebook: the columns that fit a page, with their caption. `run.table` has all of them."""

from IPython.display import HTML

from byok_bench.report.notes import notes
from byok_bench.report.shown import CAPTIONS, LEGEND, NA, alarming, narrow
from byok_bench.report.tables import lines
from byok_bench.runs.results import Run
from byok_bench.ui.html_table import faint, html_table, shown


def results(run: Run, name: str = "summary") -> HTML:
    """One of the tables latency, streaming, errors, tools and summary; what a server said is escaped."""
    table = narrow(lines(run, name), name)
    legend = faint(LEGEND) if any(NA in line.values() for line in table) else ""
    told = "".join(f"<p>! {shown(note)}</p>" for note in notes(run))
    return HTML(  # type: ignore[no-untyped-call]
        f"{faint(CAPTIONS[name])}{html_table(table, bad=alarming)}{legend}{told}"
    )
