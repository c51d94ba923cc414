"""What went wrong in a run: kind, whether and when to send again, what the server said, what a client should do."""

import pandas as pd
from IPython.display import HTML

from byok_bench.report.matrix import error_table
from byok_bench.report.shown import NA, written
from byok_bench.runs.results import Run
from byok_bench.ui.html_table import faint, html_table

EXPLAINED = (
    "again: may the same request be sent again. wait: as long as the server asked for. Kinds: docs/errors.md."
)


def failures(run: Run) -> HTML:
    """One line for each endpoint, scenario and kind of failure; what a server said is escaped."""
    found = error_table(run)
    if found.empty:
        return HTML(faint("Nothing failed."))  # type: ignore[no-untyped-call]
    several = found["scenario"].nunique() > 1
    cells = pd.DataFrame(
        {
            "endpoint": found["endpoint"],
            **({"scenario": found["scenario"]} if several else {}),
            "n": [written(count) for count in found["n"]],
            "kind": found["kind"],
            "status": [NA if pd.isna(status) else str(int(status)) for status in found["status"]],
            "phase": [phase or NA for phase in found["phase"]],
            "again": ["yes" if again else "no" for again in found["retryable"]],
            "wait s": [NA if pd.isna(delay) else f"{delay:g}" for delay in found["delay_s"]],
            "what it said": [message or NA for message in found["message"]],
            "what a client should do": found["what to do"],
        }
    )
    return HTML(faint(EXPLAINED) + html_table(cells))  # type: ignore[no-untyped-call]
