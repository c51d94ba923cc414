"""Tables of a run in a notebook: the columns that fit a page, with their caption. `run.table` has all of them."""

from html import escape
from typing import Final

from IPython.display import HTML

from byok_bench.report.shown import CAPTIONS, NA, is_number, narrow
from byok_bench.report.tables import notes, table
from byok_bench.runs.results import Run

_CELL: Final = (
    "padding:3px 12px 3px 0;vertical-align:top;border-bottom:1px solid var(--jp-border-color2,#e0e0e0)"
)


def results(run: Run, name: str = "summary") -> HTML:
    """One of the tables latency, streaming, errors, tools and summary; what a server said is escaped."""
    frame = narrow(table(run, name), name)
    aligned = {column: "right" if is_number(frame[column]) else "left" for column in frame.columns}
    head = "".join(
        f"<th style='{_CELL};text-align:{aligned[one]}'>{escape(one)}</th>" for one in frame.columns
    )
    lines, before = [], None
    for row in frame.itertuples(index=False):
        cells = ["" if at == 0 and value == before else str(value) for at, value in enumerate(row)]
        before = row[0]
        lines.append(
            "".join(_cell(cell, aligned[one]) for cell, one in zip(cells, frame.columns, strict=True))
        )
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    told = "".join(f"<p>! {escape(note)}</p>" for note in notes(run))
    return HTML(  # type: ignore[no-untyped-call]
        f"<p style='opacity:.75;margin:0 0 4px'>{escape(CAPTIONS[name])}</p>"
        f"<table style='border-collapse:collapse;font-size:13px'><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>{told}"
    )


def _cell(text: str, side: str) -> str:
    faint = ";opacity:.45" if text == NA else ""
    return f"<td style='{_CELL};text-align:{side}{faint}'>{escape(text)}</td>"
