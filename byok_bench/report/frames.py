"""Run → DataFrame: its tables, and its exchanges, one row each, which plots, comparisons and exports start from.

The columns of the latter are those of runs.judging.Row, with the target's label, model and dialect, and the name of the
load stage. A number that was not observed is NA.
"""

from collections.abc import Sequence
from typing import Final
from weakref import WeakKeyDictionary

import msgspec
import pandas as pd

from byok_bench.report.foreign_lines import UNTOLD_FIELDS
from byok_bench.report.printable_text import replace_surrogates
from byok_bench.report.run_notes import list_run_notes
from byok_bench.report.table_parts import Line
from byok_bench.report.tables import list_table_lines
from byok_bench.report.vendor.comparison import list_vendor_lines
from byok_bench.report.vendor.ranking import list_ranking_lines
from byok_bench.runs.results import Run
from byok_bench.runs.row import Row

_TYPES: Final = {
    "http_status": "Int64", "retryable": "boolean", "retry_after_s": "Float64", "start_ns": "Int64", "end_ns": "Int64",
    "waited_ms": "Float64", "client_ms": "Float64", "caused_by_us": "bool",
    "queue_ms": "Float64",
    "late_ms": "Float64", "connect_ms": "Float64", "ttfb_ms": "Float64", "ttft_ms": "Float64",
    "ttft_text_ms": "Float64", "ttft_reasoning_ms": "Float64", "ttft_tool_ms": "Float64", "e2e_ms": "Float64",
    "tpot_ms": "Float64", "tokens": "Int64", "prompt_tokens": "Int64", "cached_tokens": "Int64",
    "reasoning_tokens": "Int64", "cost": "Float64",
    "reported_cost": "Float64", "priced_cost": "Float64", "wants_failure": "bool",
    "streamed": "bool", "reused": "bool", "target": "int64", "stage": "int64", "repeat": "int64", "turn": "int64",
}  # fmt: skip
"""Types that a column keeps when it is empty, or holds NA."""
_MADE: Final[WeakKeyDictionary[Run, tuple[list[Row], pd.DataFrame]]] = WeakKeyDictionary()
LISTS: Final = ("why", "itl_ms", "flags", "tool_calls", "findings")
"""Columns whose cells are tuples."""


_COMPARISONS: Final = {"vendor": list_vendor_lines, "ranking": list_ranking_lines}
"""Tables that hold the targets of a run against each other, the first one being the reference."""


def make_table_frame(run: Run, name: str) -> pd.DataFrame:
    """One of the tables by name, with the notes on the run in `attrs`. Raises ValueError for a name that is none."""
    lines = _COMPARISONS[name](run) if name in _COMPARISONS else list_table_lines(run, name)
    made = make_line_frame(lines)
    made.attrs["notes"] = list_run_notes(run)
    return made


def make_line_frame(lines: Sequence[Line]) -> pd.DataFrame:
    """Lines of a table as a DataFrame; numbers keep their type where one is NA."""
    made = pd.DataFrame(lines)
    for column in made.columns:
        kind = pd.api.types.infer_dtype(made[column], skipna=True)
        if kind in ("floating", "mixed-integer-float", "empty"):
            made[column] = made[column].astype("Float64")
        elif kind == "integer":
            made[column] = made[column].astype("Int64")
    return made


def make_exchange_frame(run: Run) -> pd.DataFrame:
    """Every exchange of a run, warm-up included, in the order of the store. Made once for the rows of a run."""
    now = run.rows
    rows, made = _MADE.get(run, ([], None))
    if made is None or rows is not now:
        made = make_row_frame(now, run)
        _MADE[run] = (now, made)
    return made.copy()


def make_row_frame(rows: Sequence[Row], run: Run) -> pd.DataFrame:
    """The given rows of a run."""
    names = Row.__struct_fields__
    table = pd.DataFrame({name: [replace_surrogates(getattr(row, name)) for row in rows] for name in names})
    table = table.astype(_TYPES)
    targets = [run.plan.targets[row.target] for row in rows]
    place = {
        "endpoint": [target.label for target in targets],
        "model": [target.alias or target.model for target in targets],
        "schema": [target.schema for target in targets],
        "load": [run.plan.loads[row.stage].name for row in rows],
    }
    for position, (name, cells) in enumerate(place.items()):
        table.insert(position, name, pd.Series(cells, dtype="str"))
    table["warmup"] = table["repeat"] == 0
    table["errors"] = [_count_findings(row, "error") for row in rows]
    table["warnings"] = [_count_findings(row, "warn") for row in rows]
    for name in UNTOLD_FIELDS if run.plan.measured_by else ():
        table[name] = pd.Series(pd.NA, index=table.index, dtype="Int64")
    return table


def make_flat_frame(rows: Sequence[Row], run: Run) -> pd.DataFrame:
    """The same for files that hold no nested cells: tuples as JSON text."""
    table = make_row_frame(rows, run)
    for name in LISTS:
        table[name] = [
            msgspec.json.encode(replace_surrogates(msgspec.to_builtins(cell))).decode() for cell in table[name]
        ]
    return table


def _count_findings(row: Row, severity: str) -> int:
    return sum(finding.severity == severity for finding in row.findings)
