"""What went wrong in a run: kind, whether and when to send again, what the server said, what a client should do."""

from IPython.display import HTML

from byok_bench.report import matrix
from byok_bench.report.shown import NA, written
from byok_bench.runs.results import Run
from byok_bench.ui.html_table import faint, html_table

EXPLAINED = (
    "again: may the same request be sent again. wait: as long as the server asked for. Kinds: docs/errors.md."
)


def failures(run: Run) -> HTML:
    """One line for each endpoint, scenario and kind of failure; what a server said is escaped."""
    found = matrix.failures(run)
    if not found:
        return HTML(faint("Nothing failed."))  # type: ignore[no-untyped-call]
    several = len({one["scenario"] for one in found}) > 1
    table = [
        {
            "endpoint": one["endpoint"],
            **({"scenario": one["scenario"]} if several else {}),
            "n": written(one["n"]),
            "kind": one["kind"],
            "status": written(one["status"]),
            "phase": one["phase"] or NA,
            "again": "yes" if one["retryable"] else "no",
            "wait s": NA if one["delay_s"] is None else f"{one['delay_s']:g}",
            "what it said": one["message"] or NA,
            "what a client should do": one["what to do"],
        }
        for one in found
    ]
    return HTML(faint(EXPLAINED) + html_table(table))  # type: ignore[no-untyped-call]
