"""Tables of the page: named rows and columns, nothing trivial, and a pivot where endpoints are compared.

A column that holds the same trivial value everywhere (NA, or 0 left out) is folded into a line below the table, which
says what it would need. A long table stands behind a summary, as every column of it.
"""

from collections.abc import Collection, Mapping, Sequence
from html import escape
from typing import Final

from byok_bench.report.columns import BOUNDS, COLUMNS, describe_column, get_heading
from byok_bench.report.pivots import Cell, Pivot
from byok_bench.report.printable_text import to_printable_line
from byok_bench.report.table_parts import Line
from byok_bench.report.table_text import (
    LISTED,
    MISSING,
    NA,
    TextLine,
    describe_missing,
    find_alarming_columns,
    has_several_models,
    is_number,
    render_wide_lines,
    split_trivial_columns,
)

HEADS: Final = ("endpoint", "model")
"""Columns that are written once for the lines of one endpoint."""
_PROSE: Final = ("message", "example", "not_as_expected", "findings")
BAR_WIDTH: Final = 60
"""Pixels of the longest bar of a pivot."""
WIDEST_PIVOT: Final = 8
"""Scenarios beside each other: as many as A4 takes."""


def render_table(made: Sequence[Line], caption: str) -> str:
    """One table with its caption; what an endpoint's lines share is a heading of those rows."""
    if not made:
        return '<p class="caption">Nothing to show.</p>'
    shown, folded = split_trivial_columns(made)
    if "model" in shown and not has_several_models(made):
        shown.remove("model")
    lines = render_wide_lines([{name: line[name] for name in shown} for line in made])
    columns = list(lines[0])
    numbers = {name for name in columns if is_number([line[name] for line in lines]) and "interval" not in name}
    head = "".join(_render_head(name, name in numbers) for name in columns)
    if any(NA in line.values() for line in lines):
        folded = f"{folded} {MISSING}".strip()
    body = "".join(_render_body_rows(lines, columns, numbers))
    note = f'<p class="caption">{_escape_text(folded)}</p>' if folded else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{_escape_text(caption)}"><table>'
        f"<caption>{_escape_text(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{note}"
    )


def render_pivot(pivot: Pivot) -> str:
    """Endpoints as rows, scenarios as columns: a number with its bar, the best of a column in bold, failures as 2✘.

    As many tables as it takes for each to fit a printed page.
    """
    starts = range(0, len(pivot.columns), WIDEST_PIVOT)
    return "".join(_render_pivot_part(pivot, slice(start, start + WIDEST_PIVOT)) for start in starts)


def _render_pivot_part(pivot: Pivot, shown: slice) -> str:
    names = pivot.columns[shown]
    head = "".join(f'<th scope="col" class="number">{_escape_text(name)}</th>' for name in names)
    rows = "".join(
        f'<tr><th scope="row">{_escape_text(name)}</th>{"".join(map(_render_pivot_cell, cells[shown]))}</tr>'
        for name, cells in zip(pivot.rows, pivot.cells, strict=True)
    )
    part = f", {names[0]} to {names[-1]}" if len(names) < len(pivot.columns) else ""
    title = _escape_text(f"{pivot.title}{part}")
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{title}"><table class="pivot">'
        f'<caption>{title}</caption><thead><tr><th scope="col">endpoint</th>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _render_pivot_cell(cell: Cell | None) -> str:
    if cell is None:
        return '<td class="na number">–</td>'
    failed = f' <span class="bad">{cell.failed}✘</span>' if cell.failed else ""
    bar = f'<span class="bar" style="width:{BAR_WIDTH * cell.share:.0f}px"></span>'
    return f'<td class="number{" best" if cell.is_best else ""}">{_escape_text(cell.text)}{failed}{bar}</td>'


def render_glossary(names: Collection[str]) -> str:
    """What each column is, in words that are read without a pointer; the heads of tables lead here."""
    parts = "".join(
        f'<dt id="{make_term_anchor(name)}">{_escape_text(get_heading(name))}</dt>'
        f"<dd>{_escape_text(describe_column(name))}</dd>"
        for name in COLUMNS
        if name in names
    )
    return f'<dl class="glossary">{parts}</dl>'


def make_term_anchor(name: str) -> str:
    """The id of a column's line in the glossary."""
    return f"term-{name}"


def _render_body_rows(lines: Sequence[TextLine], columns: Sequence[str], numbers: Collection[str]) -> Sequence[str]:
    rows, before = [], None
    for line in lines:
        bad = find_alarming_columns(line)
        first = tuple(line.get(name) for name in HEADS)
        cells = []
        for name in columns:
            if name == "endpoint":
                repeated = first == before
                shown = (
                    f'<span class="again">{_escape_text(line[name])}</span>' if repeated else _escape_text(line[name])
                )
                cells.append(f'<th scope="row">{shown}</th>')
            else:
                cells.append(_render_cell(name, line[name], name in numbers, name in bad))
        begin = '<tr class="next">' if before not in (None, first) else "<tr>"
        rows.append(f"{begin}{''.join(cells)}</tr>")
        before = first
    return rows


def _render_head(name: str, number: bool) -> str:
    kind = ' class="number"' if number else ""
    told = f'<a href="#{make_term_anchor(name)}">{_escape_text(get_heading(name))}</a>'
    return f'<th scope="col"{kind} title="{_escape_text(describe_column(name))}">{told}</th>'


def _render_cell(name: str, value: str, number: bool, bad: bool) -> str:
    kinds = ["na"] if value == NA else ["bad"] if bad else []
    kinds += ["number"] if number else ["ci"] if "interval" in name else ["prose"] if name in _PROSE else []
    lines = value.split(", ") if name in LISTED else [value]
    kind = f' class="{" ".join(kinds)}"' if kinds else ""
    why = f' title="{_escape_text(describe_missing(name))}"' if value == NA else ""
    return f"<td{kind}{why}>{'<br>'.join(map(_escape_text, lines))}</td>"


def _escape_text(value: object) -> str:
    """Escaped, and on one line."""
    return escape(to_printable_line(str(value)))


def list_columns(tables: Mapping[str, Sequence[Line]]) -> set[str]:
    """Every column of these tables, as they are shown: the ends of an interval are one."""
    own = {name for made in tables.values() for line in made for name in line}
    shown = {name for made in tables.values() if made for name in render_wide_lines(made[:1])[0]}
    return own - BOUNDS | shown
