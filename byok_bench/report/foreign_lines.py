"""Lines of tables on a run that another tool made: what it does not tell is None, never 0."""

from typing import Final

from byok_bench.report.table_parts import Line
from byok_bench.runs.results import Run

UNTOLD: Final = frozenset(
    {
        "errors", "warnings", "findings", "marked", "drifted", "caused_by_us", "packed_percent", "wait_ms",
        "connect_ms", "ok", "ok_percent", "ok_low_percent", "ok_high_percent", "refused_well", "as_wanted",
        "not_as_expected", "invalid_json", "unknown_name", "schema_mismatch", "cost",
    }
)  # fmt: skip
"""Columns that say what byok-bench alone looks at: rules, its own clock and client, expectations, prices."""
UNTOLD_FIELDS: Final = (
    "chunks", "events", "body_bytes", "deltas", "text_chars", "reasoning_chars", "errors", "warnings", "reused",
    "caused_by_us",
)  # fmt: skip
"""The same of a row: what is counted in bytes that are not there."""


def clear_untold_cells(run: Run, line: Line) -> Line:
    """The line as it is for a run of ours."""
    if not run.plan.measured_by:
        return line
    return {name: None if name in UNTOLD else cell for name, cell in line.items()}
