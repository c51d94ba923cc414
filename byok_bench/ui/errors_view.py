"""What went wrong in a run: kind, whether and when to send again, what the server said, what a client should do."""

from IPython.display import HTML

from byok_bench.report import evidence
from byok_bench.report.table_text import NA, render_cell
from byok_bench.runs.results import Run
from byok_bench.ui.html_table import render_html_table, render_small_print

EXPLAINED = "again: may the same request be sent again. wait: as long as the server asked for. Kinds: docs/errors.md."


def render_failures(run: Run) -> HTML:
    """One line for each endpoint, scenario and kind of failure; what a server said is escaped."""
    found = evidence.list_failures(run)
    if not found:
        return HTML(render_small_print("Nothing failed."))  # type: ignore[no-untyped-call]
    several = len({one["scenario"] for one in found}) > 1
    table = [
        {
            "endpoint": one["endpoint"],
            **({"scenario": one["scenario"]} if several else {}),
            "n": render_cell(one["n"]),
            "kind": one["kind"],
            "status": render_cell(one["status"]),
            "phase": one["phase"] or NA,
            "again": "yes" if one["retryable"] else "no",
            "wait s": NA if one["delay_s"] is None else f"{one['delay_s']:g}",
            "what it said": one["message"] or NA,
            "what a client should do": one["advice"],
        }
        for one in found
    ]
    return HTML(render_small_print(EXPLAINED) + render_html_table(table))  # type: ignore[no-untyped-call]
