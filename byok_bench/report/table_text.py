"""Tables as people read them: which columns fit a page, and how a cell is written. Used by terminal and HTML.

A median stands beside its interval, `12.1  11.8–12.6`; NA is what could not be had. What comes in are the lines that
tables.py and compare.py make; what goes out are lines of text.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from byok_bench.report.tables import Line

NA: Final = "NA"
BOUNDS: Final = (" low", " high")
"""How the columns with the ends of an interval end."""
TextLine = dict[str, str]
"""A line as text."""
TITLES: Final = {
    "latency": "Latency",
    "streaming": "Streaming correctness",
    "errors": "Error handling",
    "tools": "Tool calls",
    "summary": "Summary",
}
CAPTIONS: Final = {
    "latency": "Medians of good answers. TTFT: request written → first token; E2E: → end; 95 % CI: of the TTFT.",
    "streaming": "errors, warnings: answers that broke such a rule. ITL: time between two deltas with output.",
    "errors": "as wanted: ended as with a good server, by an answer or the right refusal. status: of failures.",
    "tools": "Agent prompts that ask for a tool. valid: calls of an offered tool whose arguments fit its schema.",
    "summary": "ok: agent prompts as expected. refused well: mistakes of a client, refused as by a good server.",
}
LEGEND: Final = (
    "n: asked. failed: of n, without a good answer. excluded: left out, not in n. Warm-up is in no table. "
    "NA: not to be had, or too few samples (an interval needs 6, p90 10, p99 100)."
)
_NARROW: Final = {
    "latency": (
        "scenario",
        "n",
        "failed",
        "excluded",
        "caused by us",
        "TTFT ms",
        "95 % CI",
        "TTFT p90",
        "E2E ms",
        "E2E p90",
    ),
    "streaming": (
        "n",
        "failed",
        "excluded",
        "caused by us",
        "errors",
        "warnings",
        "ITL ms",
        "ITL p99",
        "findings",
    ),
    "errors": ("scenario", "n", "failed", "excluded", "caused by us", "as wanted", "seen", "status"),
    "tools": (
        "scenario",
        "n",
        "failed",
        "excluded",
        "caused by us",
        "ok",
        "called",
        "calls",
        "valid",
        "findings",
    ),
    "summary": (
        "n",
        "failed",
        "excluded",
        "caused by us",
        "ok",
        "refused well",
        "TTFT ms",
        "E2E ms",
        "tok/s",
        "errors",
    ),
}
"""Columns that fit 100 characters."""
EXPENDABLE: Final = (
    "E2E p90", "TTFT p90", "ITL p99", "status", "tok/s", "calls", "warnings", "refused well", "called", "E2E ms",
)  # fmt: skip
"""What goes first where a terminal is too narrow for all."""
MEANINGS: Final = {
    "endpoint": "label of the endpoint",
    "model": "alias or id of the model",
    "load": "samples in flight, or started a second",
    "scenario": "agent prompt, or mistake of a client",
    "n": "what was asked; while a run is not over, of as many as are planned",
    "planned": "what is to be asked in all, as far as is known; n where the run is over",
    "failed": "of n, those without a good answer",
    "excluded": "left out, not in n: it would have shown nothing on this target",
    "caused by us": "429s within the cooldown that an error scenario of this run caused: in neither n nor failed",
    "marked": "of n, those during which this client's event loop stood still for more than 50 ms",
    "TTFB ms": "request written → first byte of the body, median",
    "TTFT ms": "request written → first delta with text, reasoning or tool arguments, median",
    "TTFT 95 % CI": "95 % bootstrap interval of the median, ms; from 6 samples on",
    "95 % CI": "95 % bootstrap interval of the TTFT's median, ms; from 6 samples on",
    "TTFT p90": "9 of 10 were quicker, ms; from 10 samples on",
    "TTFT p99": "99 of 100 were quicker, ms; from 100 samples on",
    "E2E ms": "request written → end of the answer, median",
    "E2E 95 % CI": "95 % bootstrap interval of the median, ms; from 6 samples on",
    "E2E p90": "9 of 10 were quicker, ms; from 10 samples on",
    "E2E p99": "99 of 100 were quicker, ms; from 100 samples on",
    "wait ms": "intended start → request written, median: the client's own queue and the connection",
    "connect ms": "name lookup → connected, median of those that connected",
    "errors": "answers with a finding of severity error",
    "warnings": "answers with a finding of severity warn",
    "ITL ms": "time between two deltas with output, median of all gaps",
    "ITL p99": "99 of 100 gaps were shorter, ms; from 100 gaps on",
    "packed %": "share of gaps that are 0: deltas that came in one packet",
    "TPOT ms": "time from first to last delta with output by completion tokens − 1, median",
    "tok/s": "1000 / TPOT, of streams that did not come in packets",
    "findings": "rules that were broken, and by how many answers",
    "as wanted": "of n, those that ended as with a good server",
    "wanted": "what a good server does",
    "seen": "what it did: an answer, or the kind of failure",
    "status": "HTTP status of failures",
    "retry after s": "delay that the server asked for, median",
    "message": "what it said most often",
    "ok": "met all that was expected",
    "called": "samples in which a tool was called",
    "calls": "tool calls",
    "valid": "calls of an offered tool whose arguments fit its schema",
    "TTFT tool ms": "request written → first delta of a tool call, median",
    "tools": "tools that were called",
    "not as expected": "what was not met",
    "refused well": "mistakes of a client that were refused as they should be",
    "tokens in": "prompt tokens, sum",
    "tokens out": "completion tokens, sum",
    "cost": "sum of usage.cost, in the server's own unit",
    "check": "id of the rule; byok-bench checks show ID explains it",
    "severity": "error: clients break; warn: some do; info: good to know",
    "exchanges": "answers that broke it",
    "example": "what was noticed in one of them",
}
"""Column → what it is, in one line; docs/metrics.md has the definitions."""
SELDOM: Final = "caused by us"
"""Column that is 0 in most runs, and then left out."""
LISTED: Final = ("findings", "seen", "status", "tools")
"""Columns whose cells are lists: one entry a line."""


def render_narrow_lines(table: Sequence[Line], name: str) -> list[TextLine]:
    """The columns that fit a terminal; the interval is that of the first time in the table."""
    names = ("endpoint", *(("model",) if has_several_models(table) else ()), "load", *_NARROW[name])
    gone = find_needless_columns(table)
    made = []
    for words in render_wide_lines(table):
        if "TTFT 95 % CI" in words:
            words["95 % CI"] = words["TTFT 95 % CI"]
        words |= {column: words[column].replace(", ", "\n") for column in LISTED if column in words}
        made.append({column: words[column] for column in names if column in words and column not in gone})
    return made


def find_needless_columns(table: Sequence[Line]) -> frozenset[str]:
    """Columns that are left out of a page since they hold nothing but 0."""
    return frozenset(() if any(line.get(SELDOM) for line in table) else (SELDOM,))


def find_alarming_columns(row: Mapping[str, str]) -> frozenset[str]:
    """The columns of a line that show trouble: fewer as wanted than asked, failures, rules broken."""
    if "as wanted" in row:  # there, a failure may be what is wanted
        return frozenset({"as wanted"} if row["as wanted"] != row["n"].partition(" ")[0] else ())
    return frozenset(name for name in ("failed", "errors") if row.get(name, "0") not in ("0", NA))


def render_narrow_comparison(part: Sequence[Line]) -> list[TextLine]:
    """The lines of one pair of targets as they fit a terminal: failures as A/B, the interval in one cell."""
    return [
        {
            "scenario": words["scenario"],
            "metric": words["metric"],
            "pairs": words["pairs"],
            "failed": f"{words['failed A']}/{words['failed B']}",
            "excluded": words["excluded"],
            "A": words["A"],
            "B − A": words["B − A"],
            "95 % CI": render_interval(line["low"], line["high"]),
            "verdict": words["verdict"],
        }
        for line, words in zip(part, render_wide_lines(part), strict=True)
    ]


def render_wide_lines(table: Sequence[Line]) -> list[TextLine]:
    """Every column; behind a median its interval, `X low` and `X high` in one cell, also where that is NA."""
    return [_render_line(line) for line in table]


def _render_line(line: Line) -> TextLine:
    words = {}
    for name, cell in line.items():
        if name.endswith(BOUNDS) or name == "planned":
            continue
        words[name] = render_asked_count(line) if name == "n" else render_cell(cell)
        base = name.removesuffix(" ms")
        if f"{base} low" in line:
            words[f"{base} 95 % CI"] = render_interval(line[f"{base} low"], line[f"{base} high"])
    return words


def render_asked_count(line: Line) -> str:
    """`24`, or `6 of 24` where not all that is planned was asked so far."""
    asked, planned = line["n"], line.get("planned")
    return render_cell(asked) if planned in (None, asked) else f"{asked} of {planned}"


def has_several_models(table: Sequence[Line]) -> bool:
    """Whether one endpoint has lines of more than one model."""
    targets = {(line["endpoint"], line["model"]) for line in table}
    return len(targets) > len({endpoint for endpoint, _ in targets})


def render_interval(low: float | None, high: float | None) -> str:
    """`11.8–12.6`; NA where the samples are too few for an interval."""
    return NA if low is None or high is None else f"{render_cell(low)}–{render_cell(high)}"


def render_cell(cell: Any) -> str:
    """A cell as text: three significant digits, NA for what is missing."""
    if cell is None:
        return NA
    if isinstance(cell, float):
        return f"{cell:.0f}" if abs(cell) >= 100 else f"{cell:.1f}" if abs(cell) >= 10 else f"{cell:.2f}"
    return str(cell)


def is_number(column: Sequence[str]) -> bool:
    """Whether a column of cells lines up on the right."""
    return len(column) > 0 and all(
        cell == NA or cell.lstrip("-").replace(".", "", 1).replace(" of ", "", 1).isdigit() for cell in column
    )
