"""A pivot as HTML for a notebook's output: a bar below each number, the best bold, failures as links to answers."""

from collections.abc import Callable
from html import escape
from typing import Final

from byok_bench.report.pivots import Cell, Pivot
from byok_bench.report.printable_text import to_printable_line
from byok_bench.report.table_parts import Line
from byok_bench.ui.html_table import BAD, LINE, render_sorting_head

BAR_PX: Final = 56
_CELL: Final = f"padding:3px 12px 3px 0;vertical-align:top;border-bottom:1px solid {LINE}"
_HEAD: Final = f"{_CELL};text-align:right;overflow-wrap:anywhere;min-width:4.5em;max-width:9em"
_ROW: Final = (
    f"{_CELL};text-align:left;overflow-wrap:anywhere;max-width:14em;position:sticky;left:0;"
    "background:var(--jp-layout-color0, Canvas)"
)


def render_pivot_table(pivot: Pivot, link: Callable[[Line, str, str], str]) -> str:
    """Endpoints down, scenarios across. `link` gives the HTML that opens the failures of a target and a scenario."""
    head = "".join(
        f"<th scope='col' style='{style}'>{render_sorting_head(_escape_text(name))}</th>"
        for name, style in [("endpoint", _ROW), *((name, _HEAD) for name in pivot.columns)]
    )
    rows = []
    for name, target, cells in zip(pivot.rows, pivot.targets, pivot.cells, strict=True):
        drawn = "".join(
            _render_cell(cell, link(target, column, f"{cell.failed}✘") if cell and cell.failed else "")
            for column, cell in zip(pivot.columns, cells, strict=True)
        )
        rows.append(f"<tr style='background:none'><th scope='row' style='{_ROW}'>{_escape_text(name)}</th>{drawn}</tr>")
    return (
        "<div style='overflow-x:auto' tabindex='0' role='region' "
        f"aria-label='{escape(pivot.title, quote=True)}'><table style='border-collapse:collapse;font-size:13px'>"
        f"<caption style='text-align:left;opacity:.8'>{_escape_text(pivot.title)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
        "</table></div>"
    )


def _render_cell(cell: Cell | None, failed: str) -> str:
    if cell is None:
        return f"<td style='{_CELL};text-align:right;opacity:.7'>–</td>"
    weight = "700" if cell.is_best else "400"
    color = "var(--jp-success-color1, #2d7a46)" if cell.is_best else "currentColor"
    bar = f"<div style='height:3px;width:{BAR_PX * cell.share:.0f}px;background:{color};margin-left:auto'></div>"
    trouble = f" <span style='color:{BAD};font-weight:700'>{failed}</span>" if failed else ""
    return (
        f"<td style='{_CELL};text-align:right;white-space:nowrap;font-weight:{weight}'>"
        f"{_escape_text(cell.text)}{trouble}{bar}</td>"
    )


def _escape_text(text: str) -> str:
    return escape(to_printable_line(text))
