"""The matrix check × endpoint that opens: under each rule its evidence, down to bytes and time, and its page."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

import pandas as pd
from IPython.display import HTML

from byok_bench.checks.client_effects import describe_effects, find_client_effects
from byok_bench.checks.finding import WEIGHTS
from byok_bench.checks.registry import Check, load_catalogue
from byok_bench.checks.rule_pages import load_rule_page
from byok_bench.report.answer_index import list_answers_breaking
from byok_bench.report.evidence import LikeEvidence, list_like_evidence
from byok_bench.report.matrix import count_judged_answers, make_rule_matrix
from byok_bench.report.printable_text import describe_count
from byok_bench.report.table_text import NA, render_cell
from byok_bench.runs.results import Run
from byok_bench.ui.answer_links import render_answer_link
from byok_bench.ui.html_table import BAD, LINE, escape_lines, render_html_table, render_small_print

COLOURS: Final = {
    "error": BAD,
    "warn": "var(--jp-warn-color0, #b26a00)",
    "info": "var(--jp-info-color0, #0d47a1)",
}
SHOWN: Final = 4
"""Places under a rule; the numbers of its line open every answer."""
RULE_EM: Final = 17
"""Width of the column of rules; the gap behind it is 1."""
EXPLAINED: Final = (
    "A number is how many answers broke the rule, of those that it is about; 0: judged and clean; – : it is about none "
    "of them. Click a number for the answers, a line for the evidence and the rule's page."
)


def render_findings(run: Run) -> HTML:
    """The rules that somebody broke, one line a rule, worst first; a click opens it. What a server said is escaped."""
    table = make_rule_matrix(run)
    if table.empty:
        return HTML(render_small_print("No rule was broken."))  # type: ignore[no-untyped-call]
    targets = {str(name): at for at, name in enumerate(table.columns[1:])}
    others = table[[name for name in targets if not table[name].fillna(0).any()]]
    table = table.drop(columns=others.columns)
    shown = [name for name in targets if name in table]
    columns = f"{RULE_EM}em 5em repeat({len(table.columns) - 1}, minmax(5em, 9em))"
    grid = f"display:grid;grid-template-columns:{columns};gap:0 1em"
    known = {one.id: one for one in load_catalogue()}
    head = "".join(
        f"<b style='text-align:{'left' if at < 2 else 'right'};overflow-wrap:anywhere'>{escape_lines(str(name))}</b>"
        for at, name in enumerate(("check", *table.columns))
    )
    worst = sorted(table.index, key=lambda check: (-WEIGHTS[known[check].severity], -table.loc[check, [*shown]].sum()))
    lines = "".join(_render_rule(run, known[check], table.loc[check], targets, grid) for check in worst)
    return HTML(  # type: ignore[no-untyped-call]
        f"{render_small_print(EXPLAINED)}<div style='font-size:13px;line-height:1.7;overflow-x:auto' tabindex='0' "
        "role='region' aria-label='rules that were broken'>"
        f"<div style='{grid};border-bottom:1px solid {LINE}'>{head}</div>{lines}</div>{_describe_others(others)}"
    )


def _describe_others(counts: pd.DataFrame) -> str:
    """The endpoints that need no column: those that broke nothing, and those of which there was nothing to judge."""
    clean = [str(name) for name in counts if counts[name].notna().any()]
    mute = [str(name) for name in counts if not counts[name].notna().any()]
    told = {"No rule was broken by": clean, "These rules are about no answer of": mute}
    return "".join(render_small_print(f"{words} {', '.join(names)}.") for words, names in told.items() if names)


def make_anchor(check: str) -> str:
    """The id of a rule's line within the output."""
    return f"byok-check-{check.replace('.', '-')}"


def render_evidence(found: Sequence[LikeEvidence], more: int) -> str:
    """Pieces of evidence as an HTML table: where, when, and below each the bytes from there on."""
    lines = [
        {
            "endpoint": one.first.endpoint,
            "scenario": one.first.scenario,
            "noticed": one.first.message,
            "answers": f"×{len(one.exchange_ids)}",
            "event": render_cell(one.first.event),
            "byte": render_cell(one.first.offset),
            "at ms": render_cell(one.first.at_ms),
        }
        for one in found
    ]
    excerpts = {id(line): one.first.excerpt or NA for line, one in zip(lines, found, strict=True)}
    table = render_html_table(
        lines, below=lambda line: f"<b>Bytes from there on</b><br>{_render_bytes(excerpts[id(line)])}"
    )
    rest = f"{describe_count(more, 'place')} more: press a number of the line above." if more else ""
    return f"{table}{render_small_print(rest) if rest else ''}"


def _render_bytes(excerpt: str) -> str:
    return f"<code style='font-size:12px;overflow-wrap:anywhere'>{escape_lines(excerpt)}</code>"


def _render_rule(run: Run, check: Check, counts: "pd.Series[Any]", targets: Mapping[str, int], grid: str) -> str:
    """One line of the matrix, and what opens under it."""
    colour = COLOURS[check.severity]
    cells = "".join(_render_count(run, check, targets[name], name, counts[name]) for name in map(str, counts.index[1:]))
    # The counts lie over the line and not in it: nothing that is pressed may stand in what is pressed.
    line = (
        f"<summary style='position:relative;cursor:pointer;border-bottom:1px solid {LINE}'>{escape(check.id)}"
        f"<span style='position:absolute;left:{RULE_EM + 1}em;color:{colour}'>{check.severity}</span></summary>"
    )
    over = f"<div style='{grid};position:absolute;top:0;left:0;right:0;pointer-events:none'><span></span><span></span>"
    breaks = describe_effects(find_client_effects(check.id))
    opened = (
        f"<p><b>{escape_lines(check.title)}.</b> {escape_lines(check.why[:1].upper() + check.why[1:])}</p>"
        f"{f'<p><b>Who breaks:</b> {escape_lines(breaks)}</p>' if breaks else ''}"
        f"{render_evidence(*list_like_evidence(run, check.id, limit=SHOWN))}"
        f"<details><summary style='cursor:pointer'>The rule's page, with examples</summary>"
        f"<pre style='white-space:pre-wrap'>{escape(load_rule_page(check.id))}</pre></details>"
    )
    return (
        f"<div style='position:relative'><details id='{make_anchor(check.id)}'>{line}"
        f"<div style='margin:.3em 0 1em 1em;padding-left:1em;border-left:3px solid {LINE}'>{opened}</div></details>"
        f"{over}{cells}</div></div>"
    )


def _render_count(run: Run, check: Check, target: int, name: str, number: Any) -> str:
    """A cell of the matrix; a number opens the answers that broke the rule, at the byte."""
    if pd.isna(number) or not number:
        return f"<span style='text-align:right;opacity:.7'>{'–' if pd.isna(number) else 0}</span>"
    about = f"{check.id}, {name}: open the answers"
    text = render_answer_link(
        str(number), run, list_answers_breaking(run, target, check.id), about=about, check=check.id
    )
    style = f"color:{COLOURS[check.severity]};font-weight:700;pointer-events:auto"
    asked = count_judged_answers(run, check, target)
    return f"<span style='text-align:right'><span style='{style}'>{text}</span> of {asked}</span>"
