"""Pivots: endpoint × scenario for one number, so that endpoints can be compared down a column."""

from collections.abc import Sequence
from typing import Final

import msgspec

from byok_bench.report.table_parts import Line
from byok_bench.report.table_text import has_several_models, render_cell

METRICS: Final = {"ttft_ms": "Time to first token, ms", "e2e_ms": "Time to the end, ms"}
"""What of the latency table is pivoted; of each, less is better."""


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One number of a pivot."""

    text: str
    share: float
    """Of the largest number of the pivot: how long its bar is, 0 to 1."""
    is_best: bool
    """The smallest of its column, where there is more than one."""
    failed: int
    """How many of what was asked got no good answer."""


class Pivot(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of cells; None where nothing was asked."""

    title: str
    rows: tuple[str, ...]
    targets: tuple[Line, ...]
    """The endpoint and model of each row."""
    columns: tuple[str, ...]
    cells: tuple[tuple[Cell | None, ...], ...]


def make_pivot(made: Sequence[Line], metric: str) -> Pivot:
    """The latency table by one of METRICS; a row is named by its endpoint, and by model and load where they differ."""
    several = has_several_models(made)
    names = [_name_row(line, several) for line in made]
    targets = {
        name: {"endpoint": line["endpoint"], "model": line["model"]} for name, line in zip(names, made, strict=True)
    }
    rows, columns = tuple(targets), tuple(dict.fromkeys(line["scenario"] for line in made))
    by_place = {(name, line["scenario"]): line for name, line in zip(names, made, strict=True)}
    values = [line[metric] for line in made if line[metric] is not None]
    largest = max(values, default=0.0)
    best = {
        scenario: min(numbers)
        for scenario in columns
        if len(numbers := [line[metric] for line in made if line["scenario"] == scenario and line[metric] is not None])
        > 1
    }
    return Pivot(
        title=METRICS[metric],
        rows=rows,
        targets=tuple(targets.values()),
        columns=columns,
        cells=tuple(
            tuple(_make_cell(by_place.get((row, column)), metric, largest, best.get(column)) for column in columns)
            for row in rows
        ),
    )


def _make_cell(line: Line | None, metric: str, largest: float, best: float | None) -> Cell | None:
    if line is None:
        return None
    value = line[metric]
    return Cell(
        text=render_cell(value),
        share=value / largest if value is not None and largest else 0.0,
        is_best=value is not None and value == best,
        failed=line["failed"],
    )


def _name_row(line: Line, several: bool) -> str:
    model = f" · {line['model']}" if several else ""
    load = f", load {line['load']}" if "load" in line else ""
    return f"{line['endpoint']}{model}{load}"
