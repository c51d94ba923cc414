"""The matrix check × endpoint that opens: under each rule its evidence, down to bytes and time, and its page."""

from html import escape
from typing import Any, Final

import pandas as pd
from IPython.display import HTML

from byok_bench.checks.clients import describe_effects, find_client_effects
from byok_bench.checks.pages import page
from byok_bench.checks.registry import Check, catalogue
from byok_bench.report.matrix import Evidence, evidence, matrix
from byok_bench.report.shown import NA, written
from byok_bench.runs.results import Run
from byok_bench.ui.html_table import BAD, LINE, faint, html_table, shown

COLOURS: Final = {
    "error": BAD,
    "warn": "var(--jp-warn-color0, #b26a00)",
    "info": "var(--jp-info-color0, #0d47a1)",
}
SHOWN: Final = 4
"""Pieces of evidence under a rule; `evidence(run, check)` gives all."""
EXPLAINED: Final = (
    "A number is how many answers broke the rule; 0: judged and clean; – : the rule is not about any of them. "
    "Click a line for the evidence and the rule's page."
)


def findings(run: Run) -> HTML:
    """The rules that somebody broke, one line a rule; a click opens it. What a server said is escaped."""
    table = matrix(run)
    if table.empty:
        return HTML(faint("No rule was broken."))  # type: ignore[no-untyped-call]
    grid = f"display:grid;grid-template-columns:17em 5em repeat({len(table.columns) - 1}, minmax(5em, 9em));gap:0 1em"
    known = {one.id: one for one in catalogue()}
    head = "".join(
        f"<b style='text-align:{'left' if at < 2 else 'right'};overflow-wrap:anywhere'>{shown(str(name))}</b>"
        for at, name in enumerate(("check", *table.columns))
    )
    lines = "".join(_rule(run, known[check], table.loc[check], grid) for check in table.index)
    return HTML(  # type: ignore[no-untyped-call]
        f"{faint(EXPLAINED)}<div style='font-size:13px;line-height:1.7'>"
        f"<div style='{grid};border-bottom:1px solid {LINE}'>{head}</div>{lines}</div>"
    )


def anchor(check: str) -> str:
    """The id of a rule's line within the output."""
    return f"byok-check-{check.replace('.', '-')}"


def evidence_view(found: list[Evidence]) -> str:
    """Pieces of evidence as an HTML table: where, when, and the bytes from there on."""
    return html_table(
        [
            {
                "endpoint": one.endpoint,
                "scenario": one.scenario,
                "noticed": one.message,
                "event": written(one.event),
                "byte": written(one.offset),
                "at ms": written(one.at_ms),
                "bytes from there on": one.excerpt or NA,
            }
            for one in found
        ],
        code=("bytes from there on",),
    )


def _rule(run: Run, check: Check, counts: "pd.Series[Any]", grid: str) -> str:
    """One line of the matrix, and what opens under it."""
    colour = COLOURS[check.severity]
    cells = "".join(_count(counts[name], colour) for name in counts.index[1:])
    line = (
        f"<summary style='{grid};cursor:pointer;border-bottom:1px solid {LINE}'><span>▸ {escape(check.id)}</span>"
        f"<span style='color:{colour}'>{check.severity}</span>{cells}</summary>"
    )
    breaks = describe_effects(find_client_effects(check.id))
    opened = (
        f"<p><b>{shown(check.title)}.</b> {shown(check.why[:1].upper() + check.why[1:])}</p>"
        f"{f'<p><b>Who breaks:</b> {shown(breaks)}</p>' if breaks else ''}"
        f"{evidence_view(evidence(run, check.id, limit=SHOWN))}"
        f"<details><summary style='cursor:pointer'>The rule's page, with examples</summary>"
        f"<pre style='white-space:pre-wrap'>{escape(page(check.id))}</pre></details>"
    )
    return (
        f"<details id='{anchor(check.id)}'>{line}"
        f"<div style='margin:.3em 0 1em 1em;padding-left:1em;border-left:3px solid {LINE}'>{opened}</div></details>"
    )


def _count(number: Any, colour: str) -> str:
    if pd.isna(number):
        text, style = "–", "opacity:.45"
    else:
        text, style = str(number), f"color:{colour};font-weight:700" if number else "opacity:.45"
    return f"<span style='text-align:right;{style}'>{text}</span>"
