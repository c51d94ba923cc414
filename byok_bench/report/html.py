"""A run as one HTML page that needs nothing but itself: verdicts, figures, what to fix, tables, how it was measured.

No script and no request: everything in it that came from a server or a user is escaped, and the page's policy forbids
it to load or run a thing.
"""

from collections.abc import Sequence
from functools import partial
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Final

from byok_bench.report.card_html import render_anchor_link, render_cards, render_choice
from byok_bench.report.export import replace_file
from byok_bench.report.heat_map import MAPS, render_heat_map
from byok_bench.report.page_fixes import list_anchors, list_fixes, render_fixes
from byok_bench.report.page_tables import list_columns, render_glossary, render_pivot, render_table
from byok_bench.report.pivots import METRICS, make_pivot
from byok_bench.report.printable_text import to_printable_line
from byok_bench.report.prompts import choose_prompt, list_prompts
from byok_bench.report.run_notes import list_run_notes
from byok_bench.report.selections import select_measured
from byok_bench.report.stream_columns import make_stream_columns
from byok_bench.report.stream_picture import MOST_ROWS, describe_streams, render_page_streams
from byok_bench.report.table_parts import ASKED, Line
from byok_bench.report.table_text import CAPTIONS, LEGEND, TITLES
from byok_bench.report.tables import list_filled_tables
from byok_bench.report.thresholds import Thresholds, load_defaults, make_thresholds
from byok_bench.report.verdict_cards import make_cards
from byok_bench.report.winner import choose_winner
from byok_bench.runs.results import DETAILS, Run

ORDER: Final = ("summary", "latency", "streaming", "errors", "tools")
STYLES: Final = ("page.css", "cards.css")
SELDOM_READ: Final = frozenset(
    {"marked", "ttft_tool_ms", "tools"}
    | {f"{of}{part}_percent" for of in ("ok", "valid") for part in ("", "_low", "_high")}
)
"""Columns of the table of tools that would push the last ones over the edge of a page."""
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def write_html(run: Run, path: Path, thresholds: Thresholds | None = None) -> Path:
    """Write the page, whole or not at all."""
    text = render_report_page(run, thresholds)
    with replace_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def render_report_page(run: Run, thresholds: Thresholds | None = None) -> str:
    """The page as text."""
    limits = thresholds or make_thresholds()
    style = "".join((files("byok_bench.report") / name).read_text(encoding="utf-8") for name in STYLES)
    filled = list_filled_tables(run)
    order: tuple[str, ...] = (*ORDER, *DETAILS)
    tables = {name: filled[name] for name in order if name in filled}
    fixes = list_fixes(run)
    sections = {
        "figures": ("At a glance", _render_figures(run)),
        "fixes": ("What to fix", render_fixes(fixes)),
        **{name: (TITLES[name], _render_table_section(name, made)) for name, made in tables.items()},
        "measured": ("How it was measured", _render_measured(run, limits)),
        "terms": ("What the columns mean", render_glossary(list_columns(tables))),
    }
    contents = "".join(f'<li><a href="#{id}">{_escape_text(title)}</a></li>' for id, (title, _) in sections.items())
    body = "\n".join(
        [
            _render_verdicts(run, limits, list_anchors(fixes)),
            f'<nav aria-label="contents"><ul>{contents}</ul></nav>',
            *(
                f'<section id="{id}"><h2>{_escape_text(title)}</h2>{content}</section>'
                for id, (title, content) in sections.items()
            ),
        ]
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>byok-bench {_escape_text(run.id)}</title>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _render_verdicts(run: Run, limits: Thresholds, anchors: set[int]) -> str:
    """The first screen: which to take, and one card an endpoint."""
    cards = make_cards(run, limits)
    drawn = render_cards(cards, partial(render_anchor_link, anchors=anchors))
    notes = "".join(f"<li>{_escape_text(note)}</li>" for note in list_run_notes(run))
    return (
        "<header><h1>Which endpoint can an agent be built on?</h1>"
        f'<p class="lead">{_escape_text(_describe_run(run))}</p>'
        f'<div class="byok-cards">{render_choice(choose_winner(run, cards))}{drawn}</div>'
        f"{f'<ul class=notes>{notes}</ul>' if notes else ''}</header>"
    )


def _describe_run(run: Run) -> str:
    count = len(select_measured(run).select("status", *ASKED))
    return (
        f"{len(run.plan.targets)} endpoints, {len(run.plan.scenarios)} scenarios, {count} answers, "
        f"{run.created[:16].replace('T', ' ')} UTC. The same prompts went to each."
    )


def _render_figures(run: Run) -> str:
    """Figures that tell under the pointer what each mark is."""
    from byok_bench.report.plots import draw_first_token, to_page_svg

    drawn = to_page_svg(draw_first_token(run), has_tips=True)
    first = _render_figure("Time to first token of every answer, by endpoint", drawn)
    chosen = choose_prompt(run)
    if chosen is None:
        return first
    prompt = list_prompts(run)[chosen]
    columns = make_stream_columns(run, prompt, most=MOST_ROWS, worst_first=True)
    if not columns.shown:
        return first
    choice = " What failed, broke a rule or took longest of each endpoint is shown." if columns.left_out else ""
    about = f"Answers along time. {describe_streams(columns, prompt)}{choice}"
    drawn = render_page_streams(columns, about)
    return f'{first}<p class="caption">{_escape_text(about)}</p>{_render_figure(about, drawn)}'


def _render_figure(title: str, drawn: str) -> str:
    return (
        f'<figure role="img" aria-label="{_escape_text(title)}"><div class="scroll" tabindex="0">{drawn}</div></figure>'
    )


def _render_table_section(name: str, made: Sequence[Line]) -> str:
    """A table; of latencies the comparison first, and every column behind a click; of features a map first, of tools
    what fits beside what was not as expected.
    """
    if name in MAPS:
        every = render_table(made, CAPTIONS[name])
        return f"{render_heat_map(made, CAPTIONS[name])}<details><summary>All columns</summary>{every}</details>"
    if name == "tools" and made:
        few = [{column: line[column] for column in line if column not in SELDOM_READ} for line in made]
        every = render_table(made, CAPTIONS[name])
        return f"{render_table(few, CAPTIONS[name])}<details><summary>All columns</summary>{every}</details>"
    if name != "latency":
        return render_table(made, CAPTIONS[name])
    pivots = "".join(render_pivot(make_pivot(made, metric)) for metric in METRICS) if made else ""
    return f"{pivots}<details><summary>All columns</summary>{render_table(made, CAPTIONS[name])}</details>"


def _render_measured(run: Run, limits: Thresholds) -> str:
    plan = run.plan
    machine = next((section.machine for section in run.health if section.machine), {})
    facts = {
        "run": f"{run.id}, begun {run.created[:19].replace('T', ' ')} UTC, {run.status}",
        "machine": ", ".join(f"{name.replace('_', '-')} {value}" for name, value in machine.items()) or "not recorded",
        "targets": "\n".join(f"{target.name}: {target.schema}, {target.base_url}" for target in plan.targets),
        "data kept": "\n".join(
            f"{endpoint.label}: {endpoint.retention}, as stated in the book" for endpoint in plan.endpoints
        ),
        "scenarios": "\n".join(f"{one.name}: {one.title}" for one in plan.scenarios),
        "plan": f"repeats {plan.repeats}; load {', '.join(load.name for load in plan.loads)}; "
        f"warm-up requests a target {plan.warmup}; seed {plan.seed}; profile {plan.profile}",
        "clock": ", ".join(sorted(filter(None, select_measured(run).count_values("clock")))) + " receive stamps",
        "thresholds": "\n".join(f"{one.name} {getattr(limits, one.name):g}: {one.means}" for one in load_defaults()),
        "counts": LEGEND,
    }
    listed = "".join(
        f"<dt>{_escape_text(name)}</dt><dd>{'<br>'.join(map(_escape_text, value.split(chr(10))))}</dd>"
        for name, value in facts.items()
    )
    return f'<dl class="facts">{listed}</dl>'


def _escape_text(value: str) -> str:
    """Escaped, and on one line."""
    return escape(to_printable_line(str(value)))
