"""Tables as people read them: which columns fit a page, and how a cell is written. Used by terminal and HTML.

A median stands with its interval, `12.1 (11.8–12.6)`; NA is what could not be had.
"""

from typing import Any, Final

import pandas as pd

NA: Final = "NA"
TITLES: Final = {
    "latency": "Latency",
    "streaming": "Streaming correctness",
    "errors": "Error handling",
    "tools": "Tool calls",
    "summary": "Summary",
}
CAPTIONS: Final = {
    "latency": "From the request written to the first token (TTFT) and the end (E2E): medians, 95 % interval.",
    "streaming": "Streams with findings, by severity; gaps between deltas with output (ITL).",
    "errors": "What was refused, as which kind of failure, and whether that is what a good server does.",
    "tools": "Samples that asked for a tool call, and calls whose arguments fit the tool's schema.",
    "summary": "One line a target; ok counts samples that met all that was expected.",
}
_NARROW: Final = {
    "latency": ("scenario", "n", "failed", "excluded", "TTFT ms", "95 % CI", "TTFT p90", "E2E ms", "E2E p90"),
    "streaming": ("n", "failed", "excluded", "errors", "warnings", "ITL ms", "ITL p99", "findings"),
    "errors": ("scenario", "n", "failed", "excluded", "as wanted", "seen", "status"),
    "tools": ("scenario", "n", "failed", "excluded", "ok", "called", "calls", "valid", "findings"),
    "summary": ("n", "failed", "excluded", "ok", "refused well", "TTFT ms", "E2E ms", "tok/s", "errors"),
}
"""Columns that fit 100 characters."""
LISTED: Final = ("findings", "seen", "status", "tools")
"""Columns whose cells are lists: one entry a line."""


def narrow(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The columns that fit a terminal, cells as text; the interval is that of the first time in the table."""
    cells = wide(table)
    if "TTFT low" in table.columns:
        cells["95 % CI"] = [
            span(low, high) for low, high in zip(table["TTFT low"], table["TTFT high"], strict=True)
        ]
    for column in LISTED:
        if column in cells:
            cells[column] = [cell.replace(", ", "\n") for cell in cells[column]]
    head = [column for column in ("endpoint", "load") if column in cells]
    if len(cells) and cells.groupby("endpoint")["model"].nunique().max() > 1:
        head.insert(1, "model")
    dropped = ("95 % CI", "E2E p90") if "load" in head else ()
    return cells[head + [column for column in _NARROW[name] if column in cells and column not in dropped]]


def narrow_comparison(part: pd.DataFrame) -> pd.DataFrame:
    """The lines of one pair of targets as they fit a terminal: failures as A/B, the interval in one cell."""
    cells = wide(part)
    failures = zip(cells["failed A"], cells["failed B"], strict=True)
    return pd.DataFrame(
        {
            "scenario": cells["scenario"],
            "metric": cells["metric"],
            "pairs": cells["pairs"],
            "failed": [f"{a}/{b}" for a, b in failures],
            "excluded": cells["excluded"],
            "A": cells["A"],
            "B − A": cells["B − A"],
            "95 % CI": [span(low, high) for low, high in zip(part["low"], part["high"], strict=True)],
            "verdict": cells["verdict"],
        }
    )


def wide(table: pd.DataFrame) -> pd.DataFrame:
    """Every column, cells as text; `X ms`, `X low` and `X high` become one column."""
    cells = pd.DataFrame(index=table.index)
    for column in table.columns:
        if column.endswith((" low", " high")):
            continue  # folded into a cell of their own by whoever has room for it
        cells[column] = [written(cell) for cell in table[column]]
    return cells


def span(low: Any, high: Any) -> str:
    """`11.8–12.6`; NA where the samples are too few for an interval."""
    return NA if pd.isna(low) or pd.isna(high) else f"{written(low)}–{written(high)}"


def written(cell: Any) -> str:
    """A cell as text: three significant digits, NA for what is missing."""
    if isinstance(cell, str):
        return cell
    if cell is None or pd.isna(cell):
        return NA
    if isinstance(cell, float):
        return f"{cell:.0f}" if abs(cell) >= 100 else f"{cell:.1f}" if abs(cell) >= 10 else f"{cell:.2f}"
    return str(cell)


def is_number(column: "pd.Series[Any]") -> bool:
    """Whether a column of cells lines up on the right."""
    return len(column) > 0 and all(
        cell == NA or cell.lstrip("-").replace(".", "", 1).isdigit() for cell in column
    )
