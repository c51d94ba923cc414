"""A run as one HTML page that needs nothing but itself: tables as text, plots as inline SVG, no script, no request.

Everything in it that came from a server or a user is escaped, and the page's policy forbids it to load or run a thing.
"""

from collections import Counter
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Final

import pandas as pd

from byok_bench.report.export import replacing
from byok_bench.report.frames import frame
from byok_bench.report.shown import CAPTIONS, LISTED, NA, TITLES, is_number, span, wide
from byok_bench.report.tables import notes, table
from byok_bench.report.text import plain, printable
from byok_bench.runs.results import Run

ORDER: Final = ("latency", "streaming", "errors", "tools", "summary")
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_ALARMING: Final = ("failed", "errors")
"""Columns in which a number above 0 is marked, where no failure was wanted."""
_UNBROKEN: Final = ("endpoint", "scenario", "wanted", "seen", "status", "check", "findings", "tools")
_PROSE: Final = ("message", "example", "not as expected")
HEADS: Final = ("endpoint", "model")
"""Columns that are written once for the lines of one endpoint."""


def write_html(run: Run, path: Path) -> Path:
    """Write the page, whole or not at all."""
    text = page(run)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def page(run: Run) -> str:
    """The page as text."""
    style = (files("byok_bench.report") / "page.css").read_text(encoding="utf-8")
    sections = [_section(TITLES[name], CAPTIONS[name], _table(table(run, name))) for name in ORDER]
    sections.insert(3, _plots(run))
    found = findings(run)
    if len(found):
        caption = (
            "Rules that answers broke, with one example each; `byok-bench checks show ID` explains a rule."
        )
        sections.append(_section("Findings", caption, _table(found)))
    body = "\n".join([_head(run), *sections, _foot(run)])
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>byok-bench {_text(run.id)}</title>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def findings(run: Run) -> pd.DataFrame:
    """One line for each target and rule: how often, and an example."""
    rows = frame(run)
    rows = rows[~rows["warmup"]]
    counts: Counter[tuple[str, str, str]] = Counter()
    examples: dict[tuple[str, str, str], str] = {}
    for endpoint, cell in zip(rows["endpoint"], rows["findings"], strict=True):
        for finding in cell:
            key = (endpoint, finding.severity, finding.check)
            counts[key] += 1
            examples.setdefault(key, finding.message)
    ranked = sorted(counts, key=lambda key: (key[0], ("error", "warn", "info").index(key[1]), -counts[key]))
    return pd.DataFrame(
        [
            {
                "endpoint": e,
                "check": c,
                "severity": s,
                "exchanges": counts[e, s, c],
                "example": plain(examples[e, s, c][:300]),
            }
            for e, s, c in ranked
        ]
    )


def _head(run: Run) -> str:
    plan = run.plan
    facts = {
        "Run": f"{run.id}, {run.created[:19].replace('T', ' ')} UTC, {run.status}",
        "Targets": ", ".join(
            f"{target.name} ({target.schema}, {target.base_url})" for target in plan.targets
        ),
        "Scenarios": ", ".join(scenario.name for scenario in plan.scenarios),
        "Plan": f"{plan.repeats} repeats, {', '.join(load.name for load in plan.loads)}, seed {plan.seed}, "
        f"{plan.warmup} warm-up requests a target, profile {plan.profile}",
        "Clock": ", ".join(sorted({row.clock for row in run.rows if row.clock and row.chunks}))
        + " receive stamps",
    }
    listed = "".join(f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in facts.items())
    told = "".join(f"<li>{_text(note)}</li>" for note in notes(run))
    return (
        "<header><h1>Endpoints, side by side</h1>"
        '<p class="lead">The same agent prompts against each target: latency, streaming correctness, errors.</p>'
        f"<dl>{listed}</dl>{f'<ul class=notes>{told}</ul>' if told else ''}</header>"
    )


def _plots(run: Run) -> str:
    from byok_bench.report.plots import first_token, stream_over_time, svg

    drawn = [svg(stream_over_time(run)), svg(first_token(run))]
    figures = "".join(f"<figure>{text}</figure>" for text in drawn)
    return f"<section><h2>Over time</h2>{figures}</section>"


def _foot(run: Run) -> str:
    return (
        "<footer>n counts what was asked, failed those of n without a good answer, excluded what was left out. "
        f"{NA} is what could not be had from so many samples. Warm-up is in no table. Written by byok-bench.</footer>"
    )


def _section(title: str, caption: str, content: str) -> str:
    return f'<section><h2>{_text(title)}</h2><p class="caption">{_text(caption)}</p>{content}</section>'


def _table(made: pd.DataFrame) -> str:
    cells = wide(made.dropna(axis="columns", how="all"))
    if "model" in cells and cells.groupby("endpoint")["model"].nunique().max() == 1:
        cells = cells.drop(columns="model")  # the head of the page names it
    for column in [name for name in cells.columns if _has_interval(made, name)]:
        base = column.removesuffix(" ms")
        spans = [span(low, high) for low, high in zip(made[f"{base} low"], made[f"{base} high"], strict=True)]
        cells.insert(list(cells.columns).index(column) + 1, f"{base} 95 % CI", spans)
    alarming = () if "wanted" in made.columns else _ALARMING
    numbers = {name for name in cells.columns if is_number(cells[name]) and not name.endswith("CI")}
    head = "".join(f"<th{_class('number' if n in numbers else '')}>{_text(n)}</th>" for n in cells.columns)
    lines, before = [], None
    for row in cells.itertuples(index=False):
        told = zip(cells.columns, row, strict=True)
        repeated = HEADS if before == row[0] else ()
        line = "".join(
            _cell(name, "" if name in repeated else value, name in numbers, name in alarming)
            for name, value in told
        )
        lines.append(f"<tr{_class('next' if before not in (None, row[0]) else '')}>{line}</tr>")
        before = row[0]
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'


def _has_interval(made: pd.DataFrame, column: str) -> bool:
    bound = f"{column.removesuffix(' ms')} low"
    return bound in made.columns and bool(made[bound].notna().any())


def _cell(name: str, value: str, number: bool, alarming: bool) -> str:
    kinds = ["na"] if value == NA else ["bad"] if alarming and value != "0" else []
    if number:
        kinds.append("number")
    elif name.endswith("CI"):
        kinds.append("ci")
    elif name in _UNBROKEN:
        kinds.append("name")
    elif name in _PROSE:
        kinds.append("prose")
    lines = value.split(", ") if name in LISTED else [value]
    return f"<td{_class(' '.join(kinds))}>{'<br>'.join(map(_text, lines))}</td>"


def _class(names: str) -> str:
    return f' class="{names}"' if names else ""


def _text(value: str) -> str:
    """Escaped, and on one line."""
    return escape(printable(str(value)))
