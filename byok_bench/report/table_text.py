"""Tables as people read them: which columns fit a page, and how a cell is written. Used by terminal and HTML.

A median stands beside its interval, `12.1  11.8–12.6`; NA is what could not be had. What comes in are the lines that
tables.py and compare.py make; what goes out are lines of text.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from byok_bench.report.columns import BOUNDS, INTERVALS, get_heading
from byok_bench.report.heat_map import MAPS, find_tone, render_heat_lines
from byok_bench.report.table_parts import Line

NA: Final = "NA"
DRIFTED: Final = " ~"
"""Behind an interval of a target that drifted within the run."""
TextLine = dict[str, str]
"""A line as text: key → cell."""
TITLES: Final = {
    "latency": "Latency",
    "streaming": "Streaming correctness",
    "errors": "Error handling",
    "tools": "Tool calls",
    "summary": "Summary",
    "capabilities": "Capabilities",
    "schemas": "JSON Schema features",
    "depth": "Depth",
    "params": "Parameters",
}
CAPTIONS: Final = {
    "latency": "Medians of good answers. TTFT: request written → first token; E2E: → end; 95 % CI: of the TTFT.",
    "streaming": "errors, warnings: answers that broke such a rule. ITL: time between two deltas with output.",
    "errors": "as wanted: ended as with a good server, by an answer or the right refusal, which is failed, too.",
    "tools": "Agent prompts that ask for a tool. valid: calls of an offered tool whose arguments fit its schema.",
    "summary": "ok: agent prompts as expected. refused well: mistakes of a client, refused as by a good server.",
    "capabilities": "What the answers show by the way, ×n answers; `byok-bench capabilities` asks for it on purpose.",
    "schemas": "Arguments of a forced call. valid: they fit. invalid: they do not. refused: 400 or 422. ×n samples.",
    "depth": "By round of a conversation, and by the length of the prompt. cached: of the prompt, as the server tells.",
    "params": "effect: accepted and obeyed. ignored: accepted, no effect. refused: with 400 or 422. ×n samples.",
}
MISSING: Final = "NA: not to be had, or too few samples (an interval needs 6, p90 10, p99 100)."
LEGEND: Final = (
    f"n: asked. failed: of n, without a good answer. excluded: left out, not in n. Warm-up is in no table. {MISSING}"
)
_NARROW: Final = {
    "latency": (
        "scenario",
        "n",
        "failed",
        "excluded",
        "caused_by_us",
        "ttft_ms",
        "interval",
        "ttft_p90_ms",
        "e2e_ms",
        "e2e_p90_ms",
    ),
    "streaming": (
        "n",
        "failed",
        "excluded",
        "caused_by_us",
        "errors",
        "warnings",
        "itl_ms",
        "itl_p99_ms",
        "findings",
    ),
    "errors": ("scenario", "n", "failed", "excluded", "caused_by_us", "as_wanted", "seen", "status"),
    "tools": (
        "scenario",
        "n",
        "failed",
        "excluded",
        "caused_by_us",
        "ok",
        "called",
        "calls",
        "valid",
        "invalid_json",
        "unknown_name",
        "schema_mismatch",
        "findings",
    ),
    "depth": ("by", "step", "n", "failed", "ttft_ms", "interval", "prompt_tokens", "cached_tokens", "cached_percent"),
    "summary": (
        "n",
        "failed",
        "excluded",
        "caused_by_us",
        "ok",
        "refused_well",
        "ttft_ms",
        "e2e_ms",
        "tokens_per_s",
        "errors",
    ),
}
"""Columns that fit 100 characters."""
EXPENDABLE: Final = (
    "unknown_name", "invalid_json", "schema_mismatch", "cached_tokens", "prompt_tokens",
    "e2e_p90_ms", "ttft_p90_ms", "itl_p99_ms", "status", "tokens_per_s", "calls", "warnings",
    "refused_well", "called", "e2e_ms",
)  # fmt: skip
"""What goes first where a terminal is too narrow for all."""
SELDOM: Final = "caused_by_us"
"""Column that is 0 in most runs, and then left out."""
LISTED: Final = ("findings", "seen", "status", "tools")
"""Columns whose cells are lists: one entry a line."""


def render_narrow_lines(table: Sequence[Line], name: str) -> list[TextLine]:
    """The columns that fit a terminal; the interval is that of the first time in the table.

    What a feature × endpoint table is about is a line a feature, with a column an endpoint.
    """
    if name in MAPS:
        return render_heat_lines(table)
    names = ("endpoint", *(("model",) if has_several_models(table) else ()), "load", *_NARROW[name])
    shown = split_trivial_columns(table)[0]
    if any(column in shown for column in _BEHIND_INTERVAL):
        shown.append("interval")
    made = []
    for words in render_wide_lines(table):
        if "ttft_interval_ms" in words:
            words["interval"] = words["ttft_interval_ms"]
        words |= {column: words[column].replace(", ", "\n") for column in LISTED if column in words}
        made.append({column: words[column] for column in names if column in words and column in shown})
    return made


def describe_folded_columns(table: Sequence[Line], name: str) -> str:
    """What became of the columns of this table that are not shown since they hold nothing; empty if all are shown."""
    if name in MAPS:
        return ""
    wanted = {*_NARROW[name], *_BEHIND_INTERVAL} if "interval" in _NARROW[name] else set(_NARROW[name])
    return split_trivial_columns([{key: line[key] for key in line if key in wanted} for line in table])[1]


NEEDED: Final = {
    "interval": "6 samples", "ttft_p90_ms": "10 samples",
    "e2e_p90_ms": "10 samples", "ttft_p99_ms": "100 samples", "e2e_p99_ms": "100 samples", "itl_p99_ms": "100 gaps",
    "cost": "a server that says what it charges, or a declared price", "retry_after_s": "a refusal that names a delay",
}  # fmt: skip
"""Column → what it takes to be had."""
_BEHIND_INTERVAL: Final = ("ttft_low_ms", "ttft_high_ms")
"""What the column `interval` is made of."""
_TRIVIAL_IF_ZERO: Final = (SELDOM, "excluded", "marked")


def split_trivial_columns(table: Sequence[Line]) -> tuple[list[str], str]:
    """The columns worth showing, and a line on those that hold nothing but NA, or 0 where 0 goes without saying."""
    names = list(table[0]) if table else []
    missing = [name for name in names if all(line[name] is None for line in table)]
    zero = [name for name in _TRIVIAL_IF_ZERO if name in names and not any(line[name] for line in table)]
    told = [f"{get_heading(name)}: none" for name in zero if name != SELDOM]
    told += [
        f"{get_heading(name)}{' ' if name in NEEDED else ': '}{describe_missing(name)}"
        for name in missing
        if name not in BOUNDS
    ]
    if set(_BEHIND_INTERVAL) <= set(missing):
        told.append(f"{get_heading('interval')} needs {NEEDED['interval']}")
    return [name for name in names if name not in missing and name not in zero], (
        " · ".join(told) + "."
    ) if told else ""


def describe_missing(name: str) -> str:
    """Why a cell of this column is NA: `needs 6 samples`."""
    needed = NEEDED.get(name, NEEDED["interval"] if "_interval_" in name else "")
    return f"needs {needed}" if needed else "not to be had"


def find_alarming_columns(row: Mapping[str, str]) -> frozenset[str]:
    """The columns of a line that show trouble: fewer as wanted than asked, failures, rules broken."""
    if "feature" in row:
        return frozenset(name for name, cell in row.items() if name != "feature" and find_tone(cell) == "bad")
    if "as_wanted" in row:  # there, a failure may be what is wanted
        return frozenset({"as_wanted"} if row["as_wanted"] != row["n"].partition(" ")[0] else ())
    return frozenset(name for name in ("failed", "errors") if row.get(name, "0") not in ("0", NA))


def render_narrow_comparison(part: Sequence[Line]) -> list[TextLine]:
    """The lines of one pair of targets as they fit a terminal: failures as A/B, the interval in one cell."""
    return [
        {
            "scenario": words["scenario"],
            "metric": get_heading(line["metric"]),
            "pairs": words["pairs"],
            "failed": f"{words['failed_a']}/{words['failed_b']}",
            "excluded": words["excluded"],
            "a": words["a"],
            "difference": words["difference"],
            "interval": render_interval(line["low"], line["high"]),
            "verdict": words["verdict"],
            "family": words["family"] if words["family"] != words["verdict"] else "the same",
        }
        for line, words in zip(part, render_wide_lines(part), strict=True)
    ]


def render_wide_lines(table: Sequence[Line]) -> list[TextLine]:
    """Every column; behind a median its interval in one cell, also where that is NA."""
    return [_render_line(line) for line in table]


def _render_line(line: Line) -> TextLine:
    words = {}
    for name, cell in line.items():
        if name in BOUNDS or name in ("planned", "drifted"):
            continue
        words[name] = render_asked_count(line) if name == "n" else render_cell(cell)
        if name in INTERVALS:
            low, high, interval = INTERVALS[name]
            if low in line:
                words[interval] = render_interval(line[low], line[high]) + (DRIFTED if line.get("drifted") else "")
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
