"""A run as one HTML page that needs nothing but itself: tables as text, plots as inline SVG, no script, no request.

Everything in it that came from a server or a user is escaped, and the page's policy forbids it to load or run a thing.
"""

from collections import Counter
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Final

from byok_bench.report.export import replacing
from byok_bench.report.notes import notes
from byok_bench.report.shown import (
    BOUNDS,
    CAPTIONS,
    LEGEND,
    LISTED,
    MEANINGS,
    NA,
    TITLES,
    alarming,
    is_number,
    needless,
    several_models,
    wide,
)
from byok_bench.report.tables import Line, lines, shortened
from byok_bench.report.text import plain, printable
from byok_bench.runs.results import Run

ORDER: Final = ("latency", "streaming", "errors", "tools", "summary")
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_UNBROKEN: Final = (
    "endpoint",
    "scenario",
    "load",
    "ok",
    "refused well",
    "wanted",
    "seen",
    "status",
    "check",
    "findings",
    "tools",
)
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
    sections = [_section(TITLES[name], CAPTIONS[name], _table(lines(run, name))) for name in ORDER]
    sections.insert(3, _plots(run))
    found = findings(run)
    if found:
        caption = (
            "Rules that answers broke, with one example each. byok-bench checks show ID explains a rule."
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


def findings(run: Run) -> list[Line]:
    """One line for each target and rule: how often, and an example."""
    counts: Counter[tuple[str, str, str]] = Counter()
    examples: dict[tuple[str, str, str], str] = {}
    for row in run.rows:
        for finding in () if row.warmup else row.findings:
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
            "example": plain(shortened(examples[e, s, c], 300)),
        }
        for e, s, c in ranked
    ]


def _head(run: Run) -> str:
    plan = run.plan
    facts = {
        "Run": f"{run.id}, {run.created[:19].replace('T', ' ')} UTC, {run.status}",
        "Targets": "\n".join(
            f"{target.name} ({target.schema}, {target.base_url})" for target in plan.targets
        ),
        "Scenarios": ", ".join(scenario.name for scenario in plan.scenarios),
        "Plan": f"repeats {plan.repeats}; load {', '.join(load.name for load in plan.loads)}; "
        f"warm-up requests a target {plan.warmup}; seed {plan.seed}; profile {plan.profile}",
        "Clock": ", ".join(sorted({row.clock for row in run.rows if row.clock and row.chunks}))
        + " receive stamps",
    }
    listed = "".join(
        f"<dt>{_text(name)}</dt><dd>{'<br>'.join(map(_text, value.split(chr(10))))}</dd>"
        for name, value in facts.items()
    )
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
    return f'<section><h2>Over time</h2><div class="figures">{figures}</div></section>'


def _foot(run: Run) -> str:
    return f"<footer>{_text(LEGEND)} The name of a column tells what it is. Written by byok-bench.</footer>"


def _section(title: str, caption: str, content: str) -> str:
    return f'<section><h2>{_text(title)}</h2><p class="caption">{_text(caption)}</p>{content}</section>'


def _table(made: Sequence[Line]) -> str:
    """Without the columns in which nothing stands, and without the model where the head of the page names it."""
    names = [
        name
        for name in (made[0] if made else ())
        if name not in needless(made)
        and (name.endswith(BOUNDS) or any(line[name] is not None for line in made))
    ]
    if "model" in names and not several_models(made):
        names.remove("model")
    told = wide([{name: line[name] for name in names} for line in made])
    columns = list(told[0]) if told else []
    numbers = {
        name for name in columns if is_number([line[name] for line in told]) and not name.endswith("CI")
    }
    head = "".join(_head_cell(name, name in numbers) for name in columns)
    rows, before = [], None
    for line in told:
        bad, endpoint = alarming(line), line["endpoint"]
        repeated = HEADS if before == endpoint else ()
        cells = "".join(
            _cell(name, "" if name in repeated else value, name in numbers, name in bad)
            for name, value in line.items()
        )
        rows.append(f"<tr{_class('next' if before not in (None, endpoint) else '')}>{cells}</tr>")
        before = endpoint
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _head_cell(name: str, number: bool) -> str:
    """The name of a column, with what it is under the pointer."""
    return f'<th{_class("number" if number else "")} title="{_text(MEANINGS[name])}">{_text(name)}</th>'


def _cell(name: str, value: str, number: bool, bad: bool) -> str:
    kinds = ["na"] if value == NA else ["bad"] if bad else []
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
