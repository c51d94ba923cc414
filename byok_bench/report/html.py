"""A run as one HTML page that needs nothing but itself: tables as text, plots as inline SVG, no script, no request.

Everything in it that came from a server or a user is escaped, and the page's policy forbids it to load or run a thing.
"""

from collections import Counter
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Final

from byok_bench.report.columns import BOUNDS, describe_column, get_heading
from byok_bench.report.export import replace_file
from byok_bench.report.printable_text import replace_surrogates, to_printable_line
from byok_bench.report.run_notes import list_run_notes
from byok_bench.report.table_text import (
    CAPTIONS,
    LEGEND,
    LISTED,
    NA,
    TITLES,
    find_alarming_columns,
    find_needless_columns,
    has_several_models,
    is_number,
    render_wide_lines,
)
from byok_bench.report.tables import Line, list_table_lines, shorten_message
from byok_bench.report.thresholds import Thresholds
from byok_bench.runs.results import Run

ORDER: Final = ("latency", "streaming", "errors", "tools", "summary")
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_UNBROKEN: Final = (
    "endpoint",
    "scenario",
    "load",
    "ok",
    "refused_well",
    "wanted",
    "seen",
    "status",
    "check",
    "findings",
    "tools",
)
_PROSE: Final = ("message", "example", "not_as_expected")
HEADS: Final = ("endpoint", "model")
"""Columns that are written once for the lines of one endpoint."""


def write_html(run: Run, path: Path, thresholds: Thresholds | None = None) -> Path:
    """Write the page, whole or not at all."""
    text = render_report_page(run, thresholds)
    with replace_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def render_report_page(run: Run, thresholds: Thresholds | None = None) -> str:
    """The page as text."""
    folder = files("byok_bench.report")
    style = "".join((folder / name).read_text(encoding="utf-8") for name in ("page.css", "cards.css"))
    sections = [
        _render_section(TITLES[name], CAPTIONS[name], _render_table(list_table_lines(run, name))) for name in ORDER
    ]
    sections.insert(3, _render_plots(run))
    found = summarize_findings(run)
    if found:
        caption = "Rules that answers broke, with one example each. byok-bench checks show ID explains a rule."
        sections.append(_render_section("Findings", caption, _render_table(found)))
    body = "\n".join([_render_header(run), *sections, _render_footer(run)])
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>byok-bench {_escape_text(run.id)}</title>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def summarize_findings(run: Run) -> list[Line]:
    """One line for each target and rule: how often, and an example."""
    counts: Counter[tuple[str, str, str]] = Counter()
    examples: dict[tuple[str, str, str], str] = {}
    for row in run.rows:
        for finding in () if row.is_warmup else row.findings:
            key = (run.plan.targets[row.target].label, finding.severity, finding.check)
            counts[key] += 1
            examples.setdefault(key, finding.message)
    ranked = sorted(counts, key=lambda key: (key[0], ("error", "warn", "info").index(key[1]), -counts[key]))
    return [
        {
            "endpoint": e,
            "check": c,
            "severity": s,
            "exchanges": counts[e, s, c],
            "example": replace_surrogates(shorten_message(examples[e, s, c], 300)),
        }
        for e, s, c in ranked
    ]


def _render_header(run: Run) -> str:
    plan = run.plan
    facts = {
        "Run": f"{run.id}, {run.created[:19].replace('T', ' ')} UTC, {run.status}",
        "Targets": "\n".join(f"{target.name} ({target.schema}, {target.base_url})" for target in plan.targets),
        "Data kept": "\n".join(
            f"{endpoint.label}: {endpoint.retention}, as stated in the book" for endpoint in plan.endpoints
        ),
        "Scenarios": ", ".join(scenario.name for scenario in plan.scenarios),
        "Plan": f"repeats {plan.repeats}; load {', '.join(load.name for load in plan.loads)}; "
        f"warm-up requests a target {plan.warmup}; seed {plan.seed}; profile {plan.profile}",
        "Clock": ", ".join(sorted({row.clock for row in run.rows if row.clock and row.chunks})) + " receive stamps",
    }
    listed = "".join(
        f"<dt>{_escape_text(name)}</dt><dd>{'<br>'.join(map(_escape_text, value.split(chr(10))))}</dd>"
        for name, value in facts.items()
    )
    told = "".join(f"<li>{_escape_text(note)}</li>" for note in list_run_notes(run))
    return (
        "<header><h1>Endpoints, side by side</h1>"
        '<p class="lead">The same agent prompts against each target: latency, streaming correctness, errors.</p>'
        f"<dl>{listed}</dl>{f'<ul class=notes>{told}</ul>' if told else ''}</header>"
    )


def _render_plots(run: Run) -> str:
    from byok_bench.report.plots import draw_first_token, draw_streams, to_svg

    drawn = [to_svg(draw_streams(run)), to_svg(draw_first_token(run))]
    figures = "".join(f"<figure>{text}</figure>" for text in drawn)
    return f'<section><h2>Over time</h2><div class="figures">{figures}</div></section>'


def _render_footer(run: Run) -> str:
    return f"<footer>{_escape_text(LEGEND)} The name of a column tells what it is. Written by byok-bench.</footer>"


def _render_section(title: str, caption: str, content: str) -> str:
    return f'<section><h2>{_escape_text(title)}</h2><p class="caption">{_escape_text(caption)}</p>{content}</section>'


def _render_table(made: Sequence[Line]) -> str:
    """Without the columns in which nothing stands, and without the model where the head of the page names it."""
    names = [
        name
        for name in (made[0] if made else ())
        if name not in find_needless_columns(made) and (name in BOUNDS or any(line[name] is not None for line in made))
    ]
    if "model" in names and not has_several_models(made):
        names.remove("model")
    told = render_wide_lines([{name: line[name] for name in names} for line in made])
    columns = list(told[0]) if told else []
    numbers = {name for name in columns if is_number([line[name] for line in told]) and "interval" not in name}
    head = "".join(_render_head_cell(name, name in numbers) for name in columns)
    rows, before = [], None
    for line in told:
        bad, endpoint = find_alarming_columns(line), line["endpoint"]
        repeated = HEADS if before == endpoint else ()
        cells = "".join(
            _render_cell(name, "" if name in repeated else value, name in numbers, name in bad)
            for name, value in line.items()
        )
        rows.append(f"<tr{_render_class('next' if before not in (None, endpoint) else '')}>{cells}</tr>")
        before = endpoint
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _render_head_cell(name: str, number: bool) -> str:
    """The heading of a column, with what it is under the pointer."""
    kind = _render_class("number" if number else "")
    return f'<th{kind} title="{_escape_text(describe_column(name))}">{_escape_text(get_heading(name))}</th>'


def _render_cell(name: str, value: str, number: bool, bad: bool) -> str:
    kinds = ["na"] if value == NA else ["bad"] if bad else []
    if number:
        kinds.append("number")
    elif "interval" in name:
        kinds.append("ci")
    elif name in _UNBROKEN:
        kinds.append("name")
    elif name in _PROSE:
        kinds.append("prose")
    lines = value.split(", ") if name in LISTED else [value]
    return f"<td{_render_class(' '.join(kinds))}>{'<br>'.join(map(_escape_text, lines))}</td>"


def _render_class(names: str) -> str:
    return f' class="{names}"' if names else ""


def _escape_text(value: str) -> str:
    """Escaped, and on one line."""
    return escape(to_printable_line(str(value)))
